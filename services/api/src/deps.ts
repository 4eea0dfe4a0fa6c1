/** What the API works with. `main.ts` opens all of it for real; a test puts in what it needs. */
import type { Tables } from '@trainyard/datasets'
import type {
  BatchPredictionStore,
  BlobStore,
  CheckpointStore,
  DatasetStore,
  IdempotencyStore,
  IngestStore,
  JobStore,
  KeyStore,
  ModelStore,
  Pulse,
  SweepStore,
} from '@trainyard/domain'
import type { Logger } from 'pino'
import type { StreamTiming } from './streams/event-streams.ts'
import type { CheckpointThread } from './threads/checkpoint-thread.ts'
import type { EvaluationThread } from './threads/evaluation-thread.ts'
import type { ImportThread } from './threads/import-thread.ts'
import type { PredictionThread } from './threads/prediction-thread.ts'
import type { SweepThread } from './threads/sweep-thread.ts'
import type { TraceThread } from './threads/trace-thread.ts'

export interface Deps {
  log: Logger
  keys: KeyStore
  jobs: JobStore
  datasets: DatasetStore
  models: ModelStore
  batchPredictions: BatchPredictionStore
  sweeps: SweepStore
  blobs: BlobStore
  checkpoints: Pick<CheckpointStore, 'list' | 'find' | 'read'>
  idempotency: IdempotencyStore
  ingests: IngestStore
  pulse: Pulse & { isHealthy(): boolean }
  tables: Tables
  predictions: PredictionThread
  imports: ImportThread
  traces: TraceThread
  searches: SweepThread
  evaluations: EvaluationThread
  checkpointReader: CheckpointThread
  /** Resolves when Postgres answers. */
  pingDatabase: () => Promise<void>
  settings: Settings
}

export interface Settings {
  keyPepper: Uint8Array
  /** Off: every request works in the oldest project. Only for a machine of one's own. */
  authentication: 'on' | 'off'
  scratchDir: string
  jobMemoryBytesMax: number
  version: string
  /** Stored with every job. */
  engineVersion: string
  commit: string
  /** Memory, processor time and the lag of the event loop at `/metrics`: where the process is this app's alone. */
  processMetrics: boolean
  /** Checks every response against its schema; in production what a mapper makes is trusted. */
  checkResponses: boolean
  streams: Partial<StreamTiming>
  /** How long a request may take to arrive. */
  requestTimeoutMs: number
}
