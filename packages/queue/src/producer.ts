import { type Dispatchable, DomainError } from '@trainyard/domain'
import { Queue } from 'bullmq'
import {
  assertKeepsKeys,
  createPostgresBackend,
  kindOf,
  prefixOf,
  type QueueOptions,
  toAskingRedis,
  toPostgres,
  untilUsable,
} from './connection.ts'
import { DELIVERY_NAME, type Delivery, QUEUE_NAME, toDeliveryId } from './deliveries.ts'

export interface Producer {
  /** Hands deliveries over. Repeating it is harmless: the id is the same. */
  add(jobs: readonly Dispatchable[]): Promise<void>
  /**
   * Those of `jobs`, which nobody has claimed, whose delivery the queue does not hold, or has given to a consumer for so long
   * that it will make nothing of it. Counted from when this producer first saw it given, since clocks of machines jump.
   */
  findLost(jobs: readonly Dispatchable[]): Promise<Dispatchable[]>
  close(): Promise<void>
}

/** On either server. */
type OpenQueue = Pick<Queue, 'add' | 'addBulk' | 'getJob' | 'close'>

/** Whoever asks has an answer or an error within it. */
const ANSWER_MS_MAX = 2500

/**
 * `claimMsMax`: how long a consumer may hold a delivery whose job is not claimed; one that died as it took it never claims it.
 * Default 9 s, the default lease.
 *
 * On Redis a server that is away does not keep it from opening: every question tries again, with a new queue, since BullMQ
 * waits for its first contact without end and remembers its failure for ever.
 */
export async function openProducer(
  options: QueueOptions,
  { claimMsMax = 9000 } = {},
): Promise<Producer> {
  await assertKeepsKeys(options)
  let queue: Promise<OpenQueue> | null = null
  let givenSince = new Map<string, number>()
  const usable = () => {
    queue ??= openQueue(options).catch((error: unknown) => {
      queue = null
      throw error
    })
    return queue
  }
  const opening = usable()
  if (kindOf(options) === 'postgres') await opening
  else opening.catch(options.onError)

  return {
    async add(jobs) {
      const deliveries = jobs.map((job) => ({
        name: DELIVERY_NAME,
        data: { job_id: job.jobId, dispatch_generation: job.generation } satisfies Delivery,
        opts: { jobId: toDeliveryId(job) },
      }))
      const open = await usable()
      const [only] = deliveries
      // BullMQ's bulk makes tables for each call on Postgres: 8 ms, where a single delivery takes less than one.
      const adding: Promise<unknown> =
        only !== undefined && deliveries.length === 1
          ? open.add(only.name, only.data, only.opts)
          : open.addBulk(deliveries)
      await withinTime(adding)
    },

    async findLost(jobs) {
      const open = await usable()
      const held = await withinTime(Promise.all(jobs.map((job) => open.getJob(toDeliveryId(job)))))
      const nowMs = performance.now()
      const given = jobs.filter((_, i) => held[i]?.processedOn !== undefined).map(toDeliveryId)
      givenSince = new Map(given.map((id) => [id, givenSince.get(id) ?? nowMs]))
      return jobs.filter((job, i) => {
        const sinceMs = givenSince.get(toDeliveryId(job)) ?? nowMs
        return !held[i] || nowMs - sinceMs > claimMsMax
      })
    },

    async close() {
      // One that cannot be opened has closed itself.
      const open = await queue?.catch(() => null)
      await open?.close()
    },
  }
}

async function openQueue(options: QueueOptions): Promise<OpenQueue> {
  const queueOptions = {
    // Nothing is kept: the rows remember, and an id that lingers would swallow the next delivery of its job.
    defaultJobOptions: {
      removeOnComplete: true,
      removeOnFail: true,
      attempts: 1,
      keepLogs: 0,
    },
  }
  if (options.redisUrl === null) {
    const connection = toPostgres(options.databaseUrl, 'producer')
    const queue = new Queue(QUEUE_NAME, { ...queueOptions, connection }, createPostgresBackend)
    queue.on('error', options.onError)
    await untilUsable(options, queue)
    return queue
  }
  const queue = new Queue(QUEUE_NAME, {
    ...queueOptions,
    connection: toAskingRedis(options.redisUrl),
    prefix: prefixOf(options),
    streams: { events: { maxLen: 1000 } },
  })
  queue.on('error', options.onError)
  try {
    await withinTime(queue.waitUntilReady())
    return queue
  } catch (error) {
    // What is broken here is already known.
    await queue.close().catch(() => undefined)
    throw error
  }
}

/** What comes later than `ANSWER_MS_MAX` is of no use, and of no harm. */
async function withinTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new DomainError('unavailable', { detail: 'The queue does not answer.' })),
    ANSWER_MS_MAX,
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
