import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { queuesToTest } from '../../../../test/support/queues.ts'
import { openTestScheduler, type TestScheduler, toDispatchable } from '../scheduler-deps.fixture.ts'
import { makeDispatchJobs } from './dispatch-jobs.ts'

describe.each(queuesToTest())('dispatching to the %s queue', (queue) => {
  let scheduler: TestScheduler

  beforeEach(async () => {
    scheduler = await openTestScheduler(queue)
  })

  afterEach(() => scheduler.stop())

  it('hands nothing over while no worker is in sight', async () => {
    const jobs = await scheduler.insertJobs(3)

    await makeDispatchJobs(scheduler.deps)()

    expect(await dispatched(jobs)).toEqual([false, false, false])
    expect(await notHeld(jobs)).toHaveLength(3)
  })

  it('takes a worker that was not heard of for a lease for gone', async () => {
    const jobs = await scheduler.insertJobs(1)
    await scheduler.stores.workers.heartbeat({ id: 'dead', slots: 4 })
    await scheduler.stores.database.$executeRaw`
      UPDATE workers SET seen_at = seen_at - interval '10 seconds'`

    await makeDispatchJobs(scheduler.deps)()

    expect(await dispatched(jobs)).toEqual([false])
  })

  it('keeps twice as many jobs in the queue as all workers have slots, however many rounds', async () => {
    const jobs = await scheduler.insertJobs(10)
    await scheduler.stores.workers.heartbeat({ id: 'a', slots: 2 })
    await scheduler.stores.workers.heartbeat({ id: 'b', slots: 1 })
    const dispatchJobs = makeDispatchJobs(scheduler.deps)

    await dispatchJobs()
    await dispatchJobs()

    const oldest = [true, true, true, true, true, true]
    expect(await dispatched(jobs)).toEqual([...oldest, false, false, false, false])
    expect(await notHeld(jobs)).toEqual(jobs.slice(6).map((job) => toDispatchable(job)))
  })

  it('counts running jobs in the window and fills it again as they end', async () => {
    const [first, second, third] = await scheduler.insertJobs(3)
    await scheduler.stores.workers.heartbeat({ id: 'a', slots: 1 })
    const dispatchJobs = makeDispatchJobs(scheduler.deps)
    await dispatchJobs()
    const claimed = await scheduler.stores.leases.claim(first?.id as never, 'a')

    await dispatchJobs()
    const whileRunning = await dispatched([second, third])
    await scheduler.stores.leases.finish(
      { jobId: first?.id as never, leaseEpoch: claimed?.leaseEpoch ?? 0 },
      {
        status: 'succeeded',
        stopReason: 'epochs_completed',
        error: null,
        final: null,
        best: null,
        metrics: [],
        layers: [],
        manifest: null,
        weights: [],
      },
    )
    await dispatchJobs()

    expect(whileRunning).toEqual([true, false])
    expect(await dispatched([second, third])).toEqual([true, true])
  })

  it('marks a job before the queue has it, so that a failing queue is seen as a lost delivery', async () => {
    const jobs = await scheduler.insertJobs(1)
    await scheduler.stores.workers.heartbeat({ id: 'a', slots: 1 })
    const producer = {
      ...scheduler.deps.producer,
      add: () => Promise.reject(new Error('no queue')),
    }

    await expect(makeDispatchJobs({ ...scheduler.deps, producer })()).rejects.toThrow('no queue')

    await scheduler.ageDeliveries()
    expect(await scheduler.stores.dispatch.undelivered()).toEqual(
      jobs.map((job) => toDispatchable(job)),
    )
  })

  type Jobs = Awaited<ReturnType<TestScheduler['insertJobs']>>

  async function dispatched(jobs: (Jobs[number] | undefined)[]): Promise<boolean[]> {
    const rows = await Promise.all(jobs.map((job) => scheduler.read(job?.id as never)))
    return rows.map((row) => row.isDispatched)
  }

  async function notHeld(jobs: Jobs) {
    return await scheduler.deps.producer.findLost(jobs.map((job) => toDispatchable(job)))
  }
})
