import type { BlobStore, CheckpointStore, LeaseStore, Pulse, WorkerStore } from '@trainyard/domain'
import type { Logger } from 'pino'
import type { DatasetCache } from './training/dataset-cache.ts'
import type { TrainingThreads } from './training/training-threads.ts'

export interface WorkerDeps {
  /** Names this process in leases. */
  workerId: string
  leases: LeaseStore
  workers: WorkerStore
  blobs: BlobStore
  checkpoints: CheckpointStore
  datasets: DatasetCache
  threads: TrainingThreads
  pulse: Pulse
  log: Logger
  leaseSeconds: number
}
