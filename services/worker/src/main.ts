import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { openTables } from '@trainyard/datasets'
import { toLeaseTimes } from '@trainyard/domain'
import { ENGINE_VERSION } from '@trainyard/engine'
import { armFailpoints, createCalmLog, parseEnv, runService } from '@trainyard/lifecycle'
import { openPulse } from '@trainyard/queue'
import {
  createBatchLeases,
  createBlobs,
  createCheckpoints,
  createLeases,
  createTrialLeases,
  createWorkers,
  openDatabase,
} from '@trainyard/store'
import { pino } from 'pino'
import { envSchema } from './env.ts'
import { createPredictionThread } from './predicting/prediction-thread.ts'
import { createDatasetCache } from './training/dataset-cache.ts'
import { openTrainingThreads } from './training/training-threads.ts'
import { startWorker } from './worker.ts'
import { createWorkerMetrics, serveWorkerMetrics } from './worker-metrics.ts'

/** Whoever else may be reached by then goes on without what was computed since: a network that is cut off shall not burn on. */
const OUTAGE_MS_MAX = 10 * 60_000
/** Reports are one statement each, four a second a job; more would only wait for the same disk. */
const CONNECTIONS_MAX = 4

await runService(() => {
  armFailpoints(process.env)
  const env = parseEnv(envSchema, process.env)
  const log = pino({ name: 'worker', level: env.TRAINYARD_LOG_LEVEL, hooks: createCalmLog() })
  const onError = (error: Error) => log.warn({ err: error }, 'connection trouble')
  const slots = env.TRAINYARD_WORKER_THREADS
  const folder = resolve(env.TRAINYARD_SCRATCH_DIR)
  return {
    log,
    drainSeconds: env.TRAINYARD_DRAIN_SECONDS,
    async open(closers) {
      const threads = await openTrainingThreads(slots)
      closers.push('threads', () => threads.close())
      const tables = await openTables({ folder, threads: slots })
      closers.push('tables', () => tables.close())
      const results = await openTables({ folder })
      closers.push('results', () => results.close())
      const predictions = createPredictionThread()
      closers.push('prediction thread', () => predictions.close())
      const database = openDatabase({
        connectionString: env.DATABASE_URL,
        applicationName: 'trainyard-worker',
        connectionsMax: CONNECTIONS_MAX,
        onError,
      })
      closers.push('database', () => database.$disconnect())
      const queue = { databaseUrl: env.DATABASE_URL, redisUrl: env.REDIS_URL ?? null, onError }
      const pulse = await openPulse({ ...queue, name: 'worker' })
      closers.push('pulse', () => pulse.close())
      const leaseSeconds = env.TRAINYARD_LEASE_SECONDS
      const blobs = createBlobs(database, {
        folder: env.TRAINYARD_BLOB_DIR,
        bucketUrl: env.TRAINYARD_S3_URL,
      })
      const engine = `${ENGINE_VERSION} ${threads.fused ? 'fused' : 'unfused'}`
      const metrics = createWorkerMetrics()
      const { TRAINYARD_METRICS_HOST: host, TRAINYARD_METRICS_PORT: port } = env
      if (port !== undefined) {
        const server = await serveWorkerMetrics(metrics, { host, port })
        closers.push('metrics', () => server.close())
      }
      const worker = await startWorker(
        {
          workerId: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`,
          renewEveryMs: toLeaseTimes(leaseSeconds).renewEveryMs,
          outageMsMax: OUTAGE_MS_MAX,
          leases: createLeases(database, { leaseSeconds, engine }),
          trialLeases: createTrialLeases(database, { leaseSeconds, engine }),
          workers: createWorkers(database, { leaseSeconds }),
          blobs,
          checkpoints: createCheckpoints(database),
          datasets: createDatasetCache({ blobs, tables, folder: join(folder, 'datasets') }),
          threads,
          batches: createBatchLeases(database, { leaseSeconds }),
          predictions,
          results: { tables: results, folder: join(folder, 'predictions') },
          pulse,
          log,
          onEpochsStored: metrics.onEpochsStored,
          drainSeconds: env.TRAINYARD_DRAIN_SECONDS,
        },
        { slots, queue, memoryBytes: env.TRAINYARD_WORKER_MEMORY_MB * 1024 ** 2 },
      )
      closers.push('worker', () => worker.stop())
    },
  }
})
