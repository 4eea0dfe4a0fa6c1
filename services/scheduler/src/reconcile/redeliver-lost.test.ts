import type { JobId } from '@trainyard/contracts'
import { openConsumer } from '@trainyard/queue'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { queuesToTest } from '../../../../test/support/queues.ts'
import { waitFor } from '../../../../test/support/wait-for.ts'
import { makeDispatchJobs } from '../dispatch/dispatch-jobs.ts'
import { openTestScheduler, type TestScheduler, toDispatchable } from '../scheduler-deps.fixture.ts'
import { makeRedeliverLost } from './redeliver-lost.ts'

describe.each(queuesToTest())('lost deliveries of the %s queue', (queue) => {
  let scheduler: TestScheduler
  let redeliverLost: () => Promise<boolean>

  beforeEach(async () => {
    scheduler = await openTestScheduler(queue)
    redeliverLost = makeRedeliverLost(scheduler.deps)
    await scheduler.stores.workers.heartbeat({ id: 'a', slots: 4 })
  })

  afterEach(() => scheduler.stop())

  it('leaves a delivery alone that the queue holds, however long it waits', async () => {
    const [job] = await scheduler.insertJobs(1)
    await makeDispatchJobs(scheduler.deps)()
    await scheduler.ageDeliveries()

    const found = await redeliverLost()

    expect(found).toBe(false)
    expect(await scheduler.read(job?.id as JobId)).toEqual({
      status: 'queued',
      generation: 0,
      isDispatched: true,
    })
  })

  it('hands a job over again, under the next generation, when the queue does not hold it', async () => {
    const [job] = await scheduler.insertJobs(1)
    await loseDelivery()
    const received: JobId[] = []

    const found = await redeliverLost()
    const row = await scheduler.read(job?.id as JobId)
    await makeDispatchJobs(scheduler.deps)()
    const consumer = await openConsumer(
      scheduler.queue,
      1,
      async (jobId) => void received.push(jobId),
    )

    await waitFor('the delivery', () => received.length === 1)
    expect(found).toBe(true)
    expect(row).toEqual({ status: 'queued', generation: 1, isDispatched: false })
    expect(received).toEqual([job?.id])
    await consumer.close()
  })

  it('gives the queue a second before it takes a delivery for lost', async () => {
    await scheduler.insertJobs(1)
    await scheduler.stores.dispatch.markDispatched(await scheduler.stores.dispatch.pick(4))

    expect(await redeliverLost()).toBe(false)
  })

  it('does not touch a job that a worker has taken, though its delivery is gone', async () => {
    const [job] = await scheduler.insertJobs(1)
    await loseDelivery()
    await scheduler.stores.leases.claim(job?.id as JobId, 'a')

    expect(await redeliverLost()).toBe(false)
    expect((await scheduler.read(job?.id as JobId)).status).toBe('running')
  })

  it('tells lost ones from held ones', async () => {
    const jobs = await scheduler.insertJobs(4)
    await makeDispatchJobs(scheduler.deps)()
    const [lost] = await scheduler.insertJobs(1)
    await scheduler.stores.dispatch.markDispatched(await scheduler.stores.dispatch.pick(8))
    await scheduler.ageDeliveries()

    await redeliverLost()

    const rows = await Promise.all([...jobs, lost].map((job) => scheduler.read(job?.id as JobId)))
    expect(rows.map((row) => row.generation)).toEqual([0, 0, 0, 0, 1])
    expect(await scheduler.stores.dispatch.pick(8)).toEqual([toDispatchable(lost as never, 1)])
  })

  /** Marked as handed over, but not in the queue: what an emptied queue leaves behind. */
  async function loseDelivery(): Promise<void> {
    await scheduler.stores.dispatch.markDispatched(await scheduler.stores.dispatch.pick(4))
    await scheduler.ageDeliveries()
  }
})
