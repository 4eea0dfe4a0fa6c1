import type {
  BlobStore,
  CheckpointStore,
  DispatchStore,
  IdempotencyStore,
  IngestStore,
  Pulse,
  WorkerStore,
} from '@trainyard/domain'
import type { Producer } from '@trainyard/queue'
import type { Leadership } from '@trainyard/store'
import type { Logger } from 'pino'

export interface SchedulerDeps {
  dispatch: DispatchStore
  workers: WorkerStore
  blobs: BlobStore
  idempotency: IdempotencyStore
  checkpoints: Pick<CheckpointStore, 'expire'>
  ingests: IngestStore
  producer: Producer
  pulse: Pulse
  leadership: Leadership
  log: Logger
  leaseSeconds: number
  /** How long checkpoints outlive the end of their job. */
  checkpointDays: number
}
