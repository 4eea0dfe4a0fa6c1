import type { Dispatchable } from '@trainyard/domain'
import { Queue } from 'bullmq'
import {
  createPostgresBackend,
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
  /** Those of `jobs` whose delivery the queue does not hold. */
  findLost(jobs: readonly Dispatchable[]): Promise<Dispatchable[]>
  close(): Promise<void>
}

export async function openProducer(options: QueueOptions): Promise<Producer> {
  const defaultJobOptions = {
    // Nothing is kept: the rows remember, and an id that lingers would swallow the next delivery of its job.
    removeOnComplete: true,
    removeOnFail: true,
    attempts: 1,
    keepLogs: 0,
  }
  const queue =
    options.redisUrl === null
      ? new Queue(
          QUEUE_NAME,
          { connection: toPostgres(options.databaseUrl, 'producer'), defaultJobOptions },
          createPostgresBackend,
        )
      : new Queue(QUEUE_NAME, {
          connection: toAskingRedis(options.redisUrl),
          prefix: prefixOf(options),
          defaultJobOptions,
          streams: { events: { maxLen: 1000 } },
        })
  queue.on('error', options.onError)
  await untilUsable(options, queue)

  return {
    async add(jobs) {
      await queue.addBulk(
        jobs.map((job) => ({
          name: DELIVERY_NAME,
          data: { job_id: job.jobId, dispatch_generation: job.generation } satisfies Delivery,
          opts: { jobId: toDeliveryId(job) },
        })),
      )
    },

    async findLost(jobs) {
      const held = await Promise.all(jobs.map((job) => queue.getJob(toDeliveryId(job))))
      return jobs.filter((_, i) => held[i] === undefined || held[i] === null)
    },

    close: () => queue.close(),
  }
}
