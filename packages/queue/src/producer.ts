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
  /** Those of `jobs` whose delivery the queue does not hold, or has given to a consumer that makes nothing of it. */
  findLost(jobs: readonly Dispatchable[]): Promise<Dispatchable[]>
  close(): Promise<void>
}

/** On either server. */
type OpenQueue = Pick<Queue, 'addBulk' | 'getJob' | 'close'>

/** Whoever asks has an answer or an error within it. */
const ANSWER_MS_MAX = 2500
/** A consumer claims at once; one that was cut off as it took a delivery never will. */
const CLAIM_MS_MAX = 10_000

/**
 * On Redis a server that is away does not keep it from opening: every question tries again, with a new queue, since BullMQ
 * waits for its first contact without end and remembers its failure for ever.
 */
export async function openProducer(options: QueueOptions): Promise<Producer> {
  await assertKeepsKeys(options)
  let queue: Promise<OpenQueue> | null = null
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
      await withinTime(open.addBulk(deliveries))
    },

    async findLost(jobs) {
      const open = await usable()
      const held = await withinTime(Promise.all(jobs.map((job) => open.getJob(toDeliveryId(job)))))
      return jobs.filter((_, i) => {
        const delivery = held[i]
        if (delivery === undefined || delivery === null) return true
        return Date.now() - (delivery.processedOn ?? Date.now()) > CLAIM_MS_MAX
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
