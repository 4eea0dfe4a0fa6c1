import type { Tables } from '@trainyard/datasets'
import type {
  BatchLeaseStore,
  BlobStore,
  CheckpointStore,
  LeaseStore,
  Pulse,
  TrialLeaseStore,
  WorkerStore,
} from '@trainyard/domain'
import type { Logger } from 'pino'
import type { PredictionThread } from './predicting/prediction-thread.ts'
import type { DatasetCache } from './training/dataset-cache.ts'
import type { TrainingThreads } from './training/training-threads.ts'

export interface WorkerDeps {
  /** Names this process in leases. */
  workerId: string
  /** How often a lease without news, and the worker's own row, are renewed: well within the lease. */
  renewEveryMs: number
  /** After so long without an answer of Postgres trainings stop, and wait with what they have computed for its return. */
  outageMsMax: number
  leases: LeaseStore
  trialLeases: TrialLeaseStore
  workers: WorkerStore
  blobs: BlobStore
  checkpoints: CheckpointStore
  datasets: DatasetCache
  threads: TrainingThreads
  batches: BatchLeaseStore
  predictions: PredictionThread
  /** Where predictions become data sets: on one thread, so that equal ones are equal bytes. */
  results: { tables: Pick<Tables, 'readTable' | 'storePredictions'>; folder: string }
  pulse: Pulse
  log: Logger
  /** Epochs are in the database of which the first ended then, by `processMs`. */
  onEpochsStored: (endedMs: number) => void
  /** From being told to go to the end of the process. */
  drainSeconds: number
}
