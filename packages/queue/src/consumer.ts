import type { JobId } from '@trainyard/contracts'
import { Worker } from 'bullmq'
import {
  assertKeepsKeys,
  createPostgresBackend,
  prefixOf,
  type QueueOptions,
  toPostgres,
  toWaitingRedis,
  untilUsable,
} from './connection.ts'
import { type Delivery, QUEUE_NAME } from './deliveries.ts'

export interface Consumer {
  /** Takes no more deliveries and waits for those under way. */
  close(): Promise<void>
}

/** The lock only decides when a delivery is made again; the lease in Postgres decides who may write. */
const LOCK_MS = 30_000
/** How long one command waits for a delivery. Short, so that a connection that has died silently is soon found out. */
const BLOCK_SECONDS = 2

/**
 * Takes deliveries, at most `concurrency` at a time. `work` must only await: whatever computes on this event loop keeps
 * the lock from being renewed, and the delivery is made twice.
 */
export async function openConsumer(
  options: QueueOptions,
  concurrency: number,
  work: (jobId: JobId) => Promise<void>,
): Promise<Consumer> {
  await assertKeepsKeys(options)
  const workerOptions = {
    concurrency,
    drainDelay: BLOCK_SECONDS,
    lockDuration: LOCK_MS,
    stalledInterval: LOCK_MS / 2,
    // Postgres counts lost workers and gives up; BullMQ shall not.
    maxStalledCount: 1_000_000,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
    runRetryDelay: 500,
  }
  const process = async (delivery: { data: Delivery }) => {
    await work(delivery.data.job_id)
  }
  const worker =
    options.redisUrl === null
      ? new Worker(
          QUEUE_NAME,
          process,
          { ...workerOptions, connection: toPostgres(options.databaseUrl, 'consumer') },
          createPostgresBackend,
        )
      : new Worker(QUEUE_NAME, process, {
          ...workerOptions,
          connection: toWaitingRedis(options.redisUrl),
          prefix: prefixOf(options),
        })
  worker.on('error', options.onError)
  await untilUsable(options, worker)
  return { close: () => worker.close() }
}
