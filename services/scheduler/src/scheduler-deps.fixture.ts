/** What a scheduler works with, on a real database and a real queue, with a clock of Postgres that the test sets forward. */
import type { Dispatchable } from '@trainyard/domain'
import { openProducer, openPulse, type QueueOptions } from '@trainyard/queue'
import { openLeadership } from '@trainyard/store'
import { type Logger, pino } from 'pino'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import {
  insertDataset,
  insertJob,
  insertProject,
  openTestStores,
  type TestStores,
} from '../../../test/support/factories.ts'
import type { TestQueue } from '../../../test/support/queues.ts'
import { startRedis } from '../../../test/support/redis.ts'
import type { SchedulerDeps } from './deps.ts'

type Job = Awaited<ReturnType<typeof insertJob>>
type JobId = Job['id']

export const LEASE_SECONDS = 9

export interface TestScheduler {
  deps: SchedulerDeps
  queue: QueueOptions
  database: TestDatabase
  stores: TestStores
  /** Messages logged so far, oldest first. */
  logged: string[]
  /** Jobs whose change was announced. */
  changed: JobId[]
  /** Sets forward the clock by which it looks; leases do not notice. */
  moveClock(seconds: number): void
  insertJobs(count: number): Promise<Job[]>
  read(jobId: JobId): Promise<{ status: string; generation: number; isDispatched: boolean }>
  /** Puts the handing-over of every job into the past, as the passing of time would. */
  ageDeliveries(): Promise<void>
  stop(): Promise<void>
}

export async function openTestScheduler(
  kind: TestQueue,
  { leaseSeconds = LEASE_SECONDS } = {},
): Promise<TestScheduler> {
  const database = await createTestDatabase()
  const redis = kind === 'redis' ? await startRedis() : null
  // Tests break connections on purpose.
  const onError = () => undefined
  const queue = { databaseUrl: database.url, redisUrl: redis?.url ?? null, onError }
  const stores = openTestStores(database.url, { leaseSeconds })
  const producer = await openProducer(queue)
  const pulse = await openPulse({ ...queue, name: 'test' })
  const leadership = openLeadership(database.url)
  const logged: string[] = []
  const changed: JobId[] = []
  let aheadMs = 0
  const place = await insertPlace(stores)

  return {
    deps: {
      ...stores,
      sweeps: stores.sweepRuns,
      dispatch: {
        ...stores.dispatch,
        clockMs: async () => (await stores.dispatch.clockMs()) + aheadMs,
        // Leases are by the clock as it is.
        recoverDeadLeases: (asOfMs) =>
          stores.dispatch.recoverDeadLeases(asOfMs === undefined ? asOfMs : asOfMs - aheadMs),
      },
      batches: {
        recoverDead: (asOfMs) => stores.batches.recoverDead(asOfMs - aheadMs),
      },
      producer,
      pulse: { ...pulse, jobChanged: (jobId) => changed.push(jobId) },
      leadership,
      log: makeLog(logged),
      leaseSeconds,
      jobMemoryBytesMax: 2 * 1024 ** 3,
      checkpointDays: 30,
    },
    queue,
    database,
    stores,
    logged,
    changed,
    moveClock(seconds) {
      aheadMs += seconds * 1000
    },
    async insertJobs(count) {
      const jobs: Job[] = []
      for (let i = 0; i < count; i++) {
        jobs.push(await insertJob(stores, place.projectId, place.datasetId))
      }
      return jobs
    },
    async read(jobId) {
      const row = await stores.database.job.findUniqueOrThrow({ where: { id: jobId } })
      return {
        status: row.status,
        generation: row.dispatchGeneration,
        isDispatched: row.dispatchedAt !== null,
      }
    },
    async ageDeliveries() {
      await stores.database.$executeRaw`
        UPDATE jobs SET dispatched_at = dispatched_at - interval '2 seconds' WHERE dispatched_at IS NOT NULL`
    },
    async stop() {
      await Promise.all([pulse.close(), producer.close(), leadership.close(), stores.close()])
      await redis?.stop()
      await database.drop()
    },
  }
}

/** As it is handed over the `generation`th time. */
export function toDispatchable(job: Job, generation = 0): Dispatchable {
  return { jobId: job.id, generation }
}

async function insertPlace(stores: TestStores) {
  const projectId = await insertProject(stores)
  return { projectId, datasetId: (await insertDataset(stores, projectId)).id }
}

function makeLog(messages: string[]): Logger {
  return pino({ level: 'debug' }, { write: (line) => messages.push(JSON.parse(line).msg) })
}
