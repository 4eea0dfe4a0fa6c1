import { createId, type JobId } from '@trainyard/contracts'
import type { Dispatchable } from '@trainyard/domain'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { queuesToTest } from '../../../test/support/queues.ts'
import { waitFor } from '../../../test/support/wait-for.ts'
import { type Consumer, openConsumer } from './consumer.ts'
import { openProducer, type Producer } from './producer.ts'
import { type QueueServer, startQueueServer } from './queue-server.fixture.ts'

const HOUR_MS = 3_600_000

describe.each(queuesToTest())('deliveries on the %s queue', (queue) => {
  let server: QueueServer
  let producer: Producer
  let opened: Consumer[] = []

  beforeAll(async () => {
    server = await startQueueServer(queue)
    producer = await openProducer(server.options)
  })

  beforeEach(() => server.empty())

  afterEach(async () => {
    await Promise.all(opened.map((consumer) => consumer.close()))
    opened = []
  })

  afterAll(async () => {
    await producer.close()
    await server.stop()
  })

  it('hands each delivery to exactly one of three consumers', async () => {
    const jobs = makeJobs(30)
    const received: JobId[] = []
    for (let i = 0; i < 3; i++) await consume(2, async (jobId) => void received.push(jobId))

    await producer.add(jobs)

    await waitFor('every delivery', () => received.length >= jobs.length)
    await untilConsumed(jobs)
    expect(received.toSorted()).toEqual(idsOf(jobs).toSorted())
  })

  it('delivers once what was added twice under one generation', async () => {
    const [job, last] = makeJobs(2)
    const received: JobId[] = []

    await producer.add([job, job])
    await producer.add([job])
    await producer.add([last])
    await consume(1, async (jobId) => void received.push(jobId))

    await waitFor('the last delivery', () => received.includes(last.jobId))
    expect(received).toEqual(idsOf([job, last]))
  })

  it('does not deliver again what is added again while it is worked on', async () => {
    const [job, last] = makeJobs(2)
    const work = makeHeldWork()
    await consume(1, work.run)
    await producer.add([job])
    await waitFor('the first delivery', () => work.running.size === 1)

    await producer.add([job])
    await producer.add([last])
    work.release()

    await waitFor('the last delivery', () => work.received.includes(last.jobId))
    expect(work.received).toEqual(idsOf([job, last]))
  })

  it('delivers the next generation of a job, also while the one before is worked on', async () => {
    const [job] = makeJobs(1)
    const work = makeHeldWork()
    await consume(2, work.run)
    await producer.add([job])
    await waitFor('the first generation', () => work.received.length === 1)

    await producer.add([{ ...job, generation: 1 }])

    await waitFor('the next generation', () => work.received.length === 2)
    expect(work.received).toEqual([job.jobId, job.jobId])
    work.release()
  })

  it('finds nothing lost that waits or is worked on', async () => {
    const jobs = makeJobs(3)
    const work = makeHeldWork()
    await consume(1, work.run)
    await producer.add(jobs)
    await waitFor('work', () => work.running.size === 1)

    const lost = await producer.findLost(jobs)

    expect(lost).toEqual([])
    work.release()
  })

  it('finds lost what was never added, was added under another generation or is consumed', async () => {
    const [consumed, never, older] = makeJobs(3)
    const received: JobId[] = []
    const consumer = await consume(1, async (jobId) => void received.push(jobId))
    await producer.add([consumed])
    await waitFor('a delivery', () => received.length === 1)
    await consumer.close()
    await producer.add([older])

    const lost = await producer.findLost([consumed, never, older, { ...older, generation: 1 }])

    expect(lost).toEqual([consumed, never, { ...older, generation: 1 }])
  })

  it('finds lost what a consumer holds unclaimed for too long, however clocks jump, and not what waits behind it', async () => {
    const [held, waiting] = makeJobs(2)
    const quick = await openProducer(server.options, { claimMsMax: 1000 })
    const work = makeHeldWork()
    await consume(1, work.run)
    await producer.add([held, waiting])
    await waitFor('work', () => work.running.size === 1)

    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + HOUR_MS })
    const atOnce = await quick.findLost([held, waiting])
    vi.setSystemTime(Date.now() - 2 * HOUR_MS)
    let lost: Dispatchable[] = []
    await waitFor('what is lost', async () => {
      lost = await quick.findLost([held, waiting])
      return lost.length > 0
    })
    vi.useRealTimers()
    work.release()
    await quick.close()

    expect(atOnce).toEqual([])
    expect(lost).toEqual([held])
  })

  it('finds lost what was in it when it was emptied, and takes it again', async () => {
    const jobs = makeJobs(3)
    const received: JobId[] = []
    await producer.add(jobs)

    await server.empty()
    const lost = await producer.findLost(jobs)
    await producer.add(lost.map((job) => ({ ...job, generation: job.generation + 1 })))
    await consume(1, async (jobId) => void received.push(jobId))

    await waitFor('every delivery', () => received.length === 3)
    expect(lost).toEqual(jobs)
    expect(received).toEqual(idsOf(jobs))
  })

  it('goes on taking deliveries after it was emptied under a consumer that waits', async () => {
    const [before, after] = makeJobs(2)
    const received: JobId[] = []
    await consume(1, async (jobId) => void received.push(jobId))
    await producer.add([before])
    await waitFor('the delivery before', () => received.length === 1)

    await server.empty()
    await producer.add([after])

    await waitFor('the delivery after', () => received.length === 2)
    expect(received).toEqual(idsOf([before, after]))
  })

  it('goes on taking deliveries after it was emptied under a consumer that works', async () => {
    const [before, after] = makeJobs(2)
    const work = makeHeldWork()
    await consume(1, work.run)
    await producer.add([before])
    await waitFor('work', () => work.running.size === 1)

    await server.empty()
    work.release()
    await producer.add([after])

    await waitFor('the delivery after', () => work.received.length === 2)
    expect(work.received).toEqual(idsOf([before, after]))
  })

  it('goes on taking deliveries after work that threw, and does not make that delivery again', async () => {
    const [bad, good] = makeJobs(2)
    const received: JobId[] = []
    await consume(1, async (jobId) => {
      received.push(jobId)
      if (jobId === bad.jobId) throw new Error('work has failed')
    })

    await producer.add([bad, good])

    await waitFor('the good delivery', () => received.includes(good.jobId))
    expect(received).toEqual(idsOf([bad, good]))
    expect(await producer.findLost([bad])).toEqual([bad])
  })

  it('never works on more than the concurrency, and always on as many as it may', async () => {
    const jobs = makeJobs(7)
    const work = makeHeldWork()
    await consume(3, work.run)
    await producer.add(jobs)

    const atOnce: number[] = []
    for (let left = jobs.length; left > 0; left--) {
      const expected = Math.min(3, left)
      await waitFor(`${expected} at once`, () => work.running.size >= expected)
      atOnce.push(work.running.size)
      work.releaseOne()
    }

    await waitFor('the end of all', () => work.running.size === 0)
    expect(atOnce).toEqual([3, 3, 3, 3, 3, 2, 1])
    expect(work.most()).toBe(3)
  })

  it('waits at close for the work under way and takes no more', async () => {
    const jobs = makeJobs(2)
    const work = makeHeldWork()
    const consumer = await consume(1, work.run)
    await producer.add(jobs)
    await waitFor('work', () => work.running.size === 1)

    const order: string[] = []
    const closed = consumer.close().then(() => order.push('closed'))
    // A query goes there and back: whatever does not wait has closed by then.
    await producer.findLost(jobs)
    order.push('released')
    work.release()
    await closed

    expect(order).toEqual(['released', 'closed'])
    expect(work.received).toEqual(idsOf([jobs[0]]))
    expect(await producer.findLost(jobs)).toEqual([jobs[0]])
  })

  it('says that it is away instead of waiting, and everybody goes on when it is back', async () => {
    const [before, during, after] = makeJobs(3)
    const received: JobId[] = []
    await consume(1, async (jobId) => void received.push(jobId))
    await producer.add([before])
    await waitFor('the delivery before', () => received.length === 1)

    await server.goDown()
    const askedMs = performance.now()
    await expect(producer.add([during])).rejects.toThrow()
    await expect(producer.findLost([during])).rejects.toThrow()
    const answeredMs = performance.now() - askedMs
    await server.comeBack()
    await waitFor('the producer is back', async () =>
      producer.add([after]).then(
        () => true,
        () => false,
      ),
    )

    await waitFor('the delivery after', () => received.includes(after.jobId))
    expect(answeredMs).toBeLessThan(5000)
    expect(received).toEqual(idsOf([before, after]))
  })

  async function consume(
    concurrency: number,
    work: (jobId: JobId) => Promise<void>,
  ): Promise<Consumer> {
    const consumer = await openConsumer(server.options, concurrency, work)
    opened.push(consumer)
    return consumer
  }

  async function untilConsumed(jobs: readonly Dispatchable[]): Promise<void> {
    await waitFor(
      'the queue holds nothing more',
      async () => (await producer.findLost(jobs)).length === jobs.length,
    )
  }
})

function makeJobs<Count extends number>(count: Count) {
  const jobs = Array.from({ length: count }, () => ({ jobId: createId('job'), generation: 0 }))
  return jobs as Count extends 1
    ? [Dispatchable]
    : Count extends 2
      ? [Dispatchable, Dispatchable]
      : [Dispatchable, Dispatchable, Dispatchable]
}

function idsOf(jobs: readonly Dispatchable[]): JobId[] {
  return jobs.map((job) => job.jobId)
}

/** Work that ends only when it is told to. */
function makeHeldWork() {
  const received: JobId[] = []
  const running = new Map<number, () => void>()
  let most = 0
  let isReleased = false
  return {
    received,
    running,
    most: () => most,
    async run(jobId: JobId): Promise<void> {
      const key = received.push(jobId)
      if (isReleased) return
      await new Promise<void>((resolve) => {
        running.set(key, resolve)
        most = Math.max(most, running.size)
      })
      running.delete(key)
    },
    releaseOne(): void {
      const [first] = running.entries()
      if (first === undefined) throw new Error('nothing runs')
      running.delete(first[0])
      first[1]()
    },
    release(): void {
      isReleased = true
      for (const resolve of running.values()) resolve()
    },
  }
}
