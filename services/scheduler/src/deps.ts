import type {
  BatchLeaseStore,
  BlobStore,
  CheckpointStore,
  DatasetStore,
  DispatchStore,
  IdempotencyStore,
  IngestStore,
  ModelStore,
  Pulse,
  SweepRunStore,
  WorkerStore,
} from '@trainyard/domain'
import type { Producer } from '@trainyard/queue'
import type { Leadership } from '@trainyard/store'
import type { Logger } from 'pino'

export interface SchedulerDeps {
  dispatch: DispatchStore
  batches: Pick<BatchLeaseStore, 'recoverDead'>
  workers: WorkerStore
  sweeps: SweepRunStore
  datasets: Pick<DatasetStore, 'find' | 'profile'>
  models: Pick<ModelStore, 'findVersion'>
  blobs: BlobStore
  idempotency: IdempotencyStore
  checkpoints: Pick<CheckpointStore, 'expire'>
  ingests: IngestStore
  producer: Producer
  pulse: Pulse
  leadership: Leadership
  log: Logger
  leaseSeconds: number
  /** What a training may use at most, as in the API. */
  jobMemoryBytesMax: number
  /** How long checkpoints outlive the end of their job. */
  checkpointDays: number
}
