import { createRequire } from 'node:module'
import { openTables } from '@trainyard/datasets'
import { ENGINE_VERSION } from '@trainyard/engine/plan'
import { armFailpoints, type Closers, parseEnv, runService } from '@trainyard/lifecycle'
import { openPulse } from '@trainyard/queue'
import {
  createBatchPredictions,
  createBlobs,
  createCheckpoints,
  createDatasets,
  createIdempotency,
  createIngests,
  createJobs,
  createKeys,
  createModels,
  createSweeps,
  openDatabase,
} from '@trainyard/store'
import { type Logger, pino } from 'pino'
import { buildApp } from './app.ts'
import type { Deps } from './deps.ts'
import { type Env, envSchema } from './env.ts'
import { REDACTED } from './plugins/request-log.ts'
import { openScratchFolder } from './scratch-folder.ts'
import { createCheckpointThread } from './threads/checkpoint-thread.ts'
import { createEvaluationThread } from './threads/evaluation-thread.ts'
import { createImportThread } from './threads/import-thread.ts'
import { createPredictionThread } from './threads/prediction-thread.ts'
import { createSweepThread } from './threads/sweep-thread.ts'
import { createTraceThread } from './threads/trace-thread.ts'

const CONNECTIONS_MAX = 10
/** A gibibyte at less than two megabytes a second. */
const REQUEST_TIMEOUT_MS = 600_000

const { version } = createRequire(import.meta.url)('../package.json') as { version: string }

await runService(() => {
  armFailpoints(process.env)
  const env = parseEnv(envSchema, process.env)
  const log = pino({ name: 'api', level: env.TRAINYARD_LOG_LEVEL, redact: REDACTED })
  return {
    log,
    drainSeconds: env.TRAINYARD_DRAIN_SECONDS,
    async open(closers) {
      const deps = await openDeps(env, log, closers)
      // The first question loads Prisma's compiler, for longer than a request waits on a busy machine. Without Postgres
      // the service starts all the same.
      await deps.pingDatabase().catch(() => undefined)
      const app = await buildApp(deps)
      closers.push('http', () => app.close())
      await app.listen({ host: env.HOST, port: env.PORT })
    },
  }
})

async function openDeps(env: Env, log: Logger, closers: Closers): Promise<Deps> {
  const onError = (error: Error) => log.warn({ err: error }, 'connection trouble')
  const database = openDatabase({
    connectionString: env.DATABASE_URL,
    applicationName: 'trainyard-api',
    connectionsMax: CONNECTIONS_MAX,
    onError,
  })
  closers.push('database', () => database.$disconnect())
  const queue = { databaseUrl: env.DATABASE_URL, redisUrl: env.REDIS_URL ?? null, onError }
  const pulse = await openPulse({ ...queue, name: 'api' })
  closers.push('pulse', () => pulse.close())
  const scratch = await openScratchFolder(env.TRAINYARD_SCRATCH_DIR)
  closers.push('scratch folder', scratch.close)
  const tables = await openTables({ folder: scratch.path })
  closers.push('tables', () => tables.close())
  const predictions = createPredictionThread()
  closers.push('prediction thread', () => predictions.close())
  const imports = createImportThread()
  closers.push('import thread', () => imports.close())
  const searches = createSweepThread()
  closers.push('sweep thread', () => searches.close())
  const traces = createTraceThread()
  closers.push('trace thread', () => traces.close())
  const evaluations = createEvaluationThread()
  const checkpointReader = createCheckpointThread()
  closers.push('evaluation thread', () => evaluations.close())
  closers.push('checkpoint thread', () => checkpointReader.close())
  return {
    log,
    pulse,
    tables,
    predictions,
    imports,
    traces,
    searches,
    evaluations,
    checkpointReader,
    keys: createKeys(database),
    jobs: createJobs(database),
    checkpoints: createCheckpoints(database),
    datasets: createDatasets(database),
    models: createModels(database),
    batchPredictions: createBatchPredictions(database),
    sweeps: createSweeps(database),
    blobs: createBlobs(database, {
      folder: env.TRAINYARD_BLOB_DIR,
      bucketUrl: env.TRAINYARD_S3_URL,
    }),
    idempotency: createIdempotency(database),
    ingests: createIngests(database),
    pingDatabase: async () => {
      await database.$queryRaw`SELECT 1`
    },
    settings: {
      keyPepper: Uint8Array.fromHex(env.TRAINYARD_KEY_PEPPER),
      authentication: env.TRAINYARD_AUTH,
      scratchDir: scratch.path,
      jobMemoryBytesMax: env.TRAINYARD_JOB_MEMORY_MB * 1024 ** 2,
      version,
      engineVersion: ENGINE_VERSION,
      commit: env.TRAINYARD_COMMIT,
      processMetrics: true,
      checkResponses: false,
      streams: {},
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
    },
  }
}
