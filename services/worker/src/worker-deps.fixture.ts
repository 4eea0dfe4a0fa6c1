/** What a worker works with, on a real database, with real threads and tables. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Cell,
  createId,
  type Dataset,
  type Job,
  type ProjectId,
  type ResolvedConfig,
} from '@trainyard/contracts'
import { openTables, type Tables } from '@trainyard/datasets'
import type { Pulse } from '@trainyard/domain'
import { createBlobs } from '@trainyard/store'
import { pino } from 'pino'
import { createTestDatabase } from '../../../test/support/database.ts'
import {
  insertJob,
  insertProject,
  makeResolvedConfig,
  openTestStores,
  type TestStores,
} from '../../../test/support/factories.ts'
import type { WorkerDeps } from './deps.ts'
import { createPredictionThread } from './predicting/prediction-thread.ts'
import { createDatasetCache } from './training/dataset-cache.ts'
import { openTrainingThreads } from './training/training-threads.ts'

export interface TestWorker {
  deps: WorkerDeps
  stores: TestStores
  databaseUrl: string
  /** In a bucket whose server does not listen. */
  lostBlobs: WorkerDeps['blobs']
  /** Read from there. */
  lostDatasets: WorkerDeps['datasets']
  tables: Tables
  /** Files of the tables lie in here. */
  folder: string
  projectId: ProjectId
  /** Pulses sent so far, oldest first. */
  announced: string[]
  /** Messages logged so far, oldest first. */
  logged: string[]
  /** A data set whose blob is stored; columns `a`, `b` and the target `y`. */
  insertDataset(rows: readonly (readonly Cell[])[]): Promise<Dataset>
  /** A queued job; `change` edits the specification, which trains a network of 2-4-1 in batches of 4. */
  insertJob(dataset: Dataset, change?: (resolved: ResolvedConfig) => void): Promise<Job>
  read(job: Job): Promise<Job>
  stop(): Promise<void>
}

export async function openTestWorker(): Promise<TestWorker> {
  const database = await createTestDatabase()
  const stores = openTestStores(database.url)
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-worker-'))
  const tables = await openTables({ folder })
  const threads = await openTrainingThreads(2)
  const predictions = createPredictionThread()
  const projectId = await insertProject(stores)
  const lostBlobs = createBlobs(stores.database, {
    bucketUrl: 'http://key:secret@127.0.0.1:1/lost',
  })
  const announced: string[] = []
  const logged: string[] = []

  return {
    deps: {
      workerId: 'worker 1',
      renewEveryMs: 2000,
      outageMsMax: 600_000,
      leases: stores.leases,
      trialLeases: stores.trialLeases,
      workers: stores.workers,
      blobs: stores.blobs,
      checkpoints: stores.checkpoints,
      datasets: createDatasetCache({
        blobs: stores.blobs,
        tables,
        folder: join(folder, 'datasets'),
      }),
      threads,
      batches: stores.batches,
      predictions,
      results: { tables, folder: join(folder, 'predictions') },
      pulse: makePulse(announced),
      onEpochsStored: () => undefined,
      drainSeconds: 4,
      log: pino({ level: 'debug' }, { write: (line) => logged.push(JSON.parse(line).msg) }),
    },
    stores,
    databaseUrl: database.url,
    lostBlobs,
    lostDatasets: createDatasetCache({ blobs: lostBlobs, tables, folder: join(folder, 'lost') }),
    tables,
    folder,
    projectId,
    announced,
    logged,
    async insertDataset(rows) {
      const inline = { columns: ['a', 'b', 'y'], rows, target: 'y' }
      const { parquetPath, columns, target, task, profile } = await tables.ingestRows(inline)
      const bytes = await readFile(parquetPath)
      await rm(parquetPath)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      await stores.blobs.put({ sha256, bytes: bytes.byteLength }, [bytes])
      const inserted = await stores.datasets.insert(
        {
          id: createId('dataset'),
          projectId,
          name: 'xor',
          warnings: [],
          bytes: bytes.byteLength,
          ...{ rows: rows.length, columns, target, task, profile, sha256 },
        },
        null,
      )
      if (inserted.kind === 'replayed') throw new Error('a request without a key is no replay')
      return inserted.result
    },
    async insertJob(dataset, change = () => undefined) {
      const resolvedConfig = makeResolvedConfig()
      change(resolvedConfig)
      return await insertJob(stores, projectId, dataset.id, { resolvedConfig })
    },
    async read(job) {
      const found = await stores.jobs.find(projectId, job.id)
      if (found === null) throw new Error(`${job.id} is gone`)
      return found
    },
    async stop() {
      await threads.close()
      await predictions.close()
      await tables.close()
      await stores.close()
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The truth table of XOR over and over. */
export function makeXorRows(count: number): number[][] {
  return Array.from({ length: count }, (_, row) => {
    const [a, b] = [row & 1, (row >> 1) & 1]
    return [a, b, a ^ b]
  })
}

function makePulse(announced: string[]): Pulse {
  return {
    jobQueued: () => announced.push('queued'),
    slotFreed: () => announced.push('slot freed'),
    jobChanged: (jobId) => announced.push(`changed ${jobId}`),
    sweepChanged: () => undefined,
    stopAsked: (jobId, how) => announced.push(`${how} ${jobId}`),
    onJobQueued: () => undefined,
    onJobChanged: () => undefined,
    onSweepChanged: () => undefined,
    onStopAsked: () => undefined,
  }
}
