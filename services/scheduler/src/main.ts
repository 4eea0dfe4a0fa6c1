import { toLeaseTimes } from '@trainyard/domain'
import { armFailpoints, createCalmLog, parseEnv, runService } from '@trainyard/lifecycle'
import { openProducer, openPulse } from '@trainyard/queue'
import {
  createBatchLeases,
  createBlobs,
  createCheckpoints,
  createDatasets,
  createDispatch,
  createIdempotency,
  createIngests,
  createModels,
  createSweepRuns,
  createWorkers,
  openDatabase,
  openLeadership,
} from '@trainyard/store'
import { pino } from 'pino'
import { envSchema } from './env.ts'
import { startScheduler } from './scheduler.ts'

/** Four loops use the database at a time, one query each. */
const CONNECTIONS_MAX = 4

await runService(() => {
  armFailpoints(process.env)
  const env = parseEnv(envSchema, process.env)
  const log = pino({ name: 'scheduler', level: env.TRAINYARD_LOG_LEVEL, hooks: createCalmLog() })
  const onError = (error: Error) => log.warn({ err: error }, 'connection trouble')
  return {
    log,
    drainSeconds: env.TRAINYARD_DRAIN_SECONDS,
    async open(closers) {
      const database = openDatabase({
        connectionString: env.DATABASE_URL,
        applicationName: 'trainyard-scheduler',
        connectionsMax: CONNECTIONS_MAX,
        onError,
      })
      closers.push('database', () => database.$disconnect())
      const leadership = openLeadership(env.DATABASE_URL)
      closers.push('leadership', () => leadership.close())
      const queue = { databaseUrl: env.DATABASE_URL, redisUrl: env.REDIS_URL ?? null, onError }
      const leaseSeconds = env.TRAINYARD_LEASE_SECONDS
      const producer = await openProducer(queue, toLeaseTimes(leaseSeconds))
      closers.push('producer', () => producer.close())
      const pulse = await openPulse({ ...queue, name: 'scheduler' })
      closers.push('pulse', () => pulse.close())
      const scheduler = startScheduler({
        dispatch: createDispatch(database, { leaseSeconds }),
        batches: createBatchLeases(database, { leaseSeconds }),
        sweeps: createSweepRuns(database),
        datasets: createDatasets(database),
        models: createModels(database),
        workers: createWorkers(database, { leaseSeconds }),
        blobs: createBlobs(database, {
          folder: env.TRAINYARD_BLOB_DIR,
          bucketUrl: env.TRAINYARD_S3_URL,
        }),
        idempotency: createIdempotency(database),
        checkpoints: createCheckpoints(database),
        ingests: createIngests(database),
        producer,
        pulse,
        leadership,
        log,
        leaseSeconds,
        jobMemoryBytesMax: env.TRAINYARD_JOB_MEMORY_MB * 1024 ** 2,
        checkpointDays: env.TRAINYARD_CHECKPOINT_DAYS,
      })
      closers.push('scheduler', () => scheduler.stop())
    },
  }
})
