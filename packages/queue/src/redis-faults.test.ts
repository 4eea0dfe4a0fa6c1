/** What a Redis does that is there but of no use: frozen, full, or of a kind that forgets. */
import { createId, type JobId } from '@trainyard/contracts'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { queuesToTest } from '../../../test/support/queues.ts'
import { startRedis, type TestRedis } from '../../../test/support/redis.ts'
import { waitFor } from '../../../test/support/wait-for.ts'
import type { QueueOptions } from './connection.ts'
import { openConsumer } from './consumer.ts'
import { openProducer, type Producer } from './producer.ts'

/** From the end of the fault to the first delivery. */
const BACK_MS_MAX = 3000
/** Nobody who asks waits longer for an answer or an error. */
const ANSWER_MS_MAX = 5000

describe.runIf(queuesToTest().includes('redis'))('a redis queue', () => {
  let redis: TestRedis
  let admin: Redis
  let options: QueueOptions
  let closers: (() => Promise<void>)[]

  beforeEach(async () => {
    redis = await startRedis()
    admin = new Redis(redis.url)
    options = {
      databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
      redisUrl: redis.url,
      onError: () => undefined,
    }
    closers = []
  })

  afterEach(async () => {
    redis.signal('SIGCONT')
    await Promise.all(closers.map((close) => close()))
    admin.disconnect()
    await redis.stop()
  })

  it('is refused while it may drop keys, with a word that says so', async () => {
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')

    const refused = await Promise.allSettled([
      openProducer(options),
      openConsumer(options, 1, async () => undefined),
    ])

    for (const result of refused) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { name: 'EnvError', message: expect.stringContaining('allkeys-lru') },
      })
    }
  })

  it('that is frozen answers nobody and hangs nobody, and goes on within 3 s of its return', async () => {
    const { producer, received } = await open()
    const [during, after] = [makeDelivery(), makeDelivery()]

    redis.signal('SIGSTOP')
    const askedMs = performance.now()
    const refused = await Promise.allSettled([producer.add([during]), producer.findLost([during])])
    const answeredMs = performance.now() - askedMs
    redis.signal('SIGCONT')
    const backMs = await deliver(producer, received, after)

    expect(refused.map((result) => result.status)).toEqual(['rejected', 'rejected'])
    expect(answeredMs).toBeLessThan(ANSWER_MS_MAX)
    expect(backMs).toBeLessThan(BACK_MS_MAX)
  })

  it('that is frozen from the start is used once it answers', async () => {
    redis.signal('SIGSTOP')
    const { producer, received } = await open()
    await expect(producer.add([makeDelivery()])).rejects.toThrow()

    redis.signal('SIGCONT')
    const backMs = await deliver(producer, received, makeDelivery())

    expect(backMs).toBeLessThan(BACK_MS_MAX)
  })

  it('that is out of memory refuses deliveries, and takes them again within 3 s of having room', async () => {
    const { producer, received } = await open()
    const [during, after] = [makeDelivery(), makeDelivery()]

    await admin.config('SET', 'maxmemory', '1')
    await expect(producer.add([during])).rejects.toThrow(/OOM|maxmemory/)
    const lost = await producer.findLost([during])
    await admin.config('SET', 'maxmemory', '0')
    const backMs = await deliver(producer, received, after)

    expect(lost).toEqual([during])
    expect(backMs).toBeLessThan(BACK_MS_MAX)
  })

  it('whose connections are cut again and again delivers all the same', async () => {
    const { producer, received } = await open()
    for (let cut = 0; cut < 5; cut++) {
      await admin.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await deliver(producer, received, makeDelivery())
    }

    expect(new Set(received).size).toBe(5)
  })

  async function open() {
    const received: JobId[] = []
    const producer = await openProducer(options)
    const consumer = await openConsumer(options, 2, async (jobId) => void received.push(jobId))
    closers.push(
      () => consumer.close(),
      () => producer.close(),
    )
    return { producer, received }
  }
})

function makeDelivery() {
  return { jobId: createId('job'), generation: 0 }
}

/** Adds until the delivery is there, as the scheduler does, and says how long that took. */
async function deliver(
  producer: Producer,
  received: readonly JobId[],
  delivery: ReturnType<typeof makeDelivery>,
): Promise<number> {
  const sinceMs = performance.now()
  await waitFor('the producer is back', () =>
    producer.add([delivery]).then(
      () => true,
      () => false,
    ),
  )
  await waitFor('the delivery', () => received.includes(delivery.jobId))
  return performance.now() - sinceMs
}
