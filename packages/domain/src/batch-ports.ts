/** What the services ask of the store about batch predictions. */
import type {
  Architecture,
  BatchPrediction,
  BatchPredictionError,
  BatchPredictionEvent,
  BatchPredictionId,
  BatchPredictionStatus,
  Dataset,
  List,
  Preprocessing,
  ProjectId,
} from '@trainyard/contracts'
import type { IdempotentRequest, NewDataset, Once, Page } from './ports.ts'

/** Everything that it will need, by content: what happens to the model or the data set afterwards changes nothing. */
export interface NewBatchPrediction
  extends Pick<BatchPrediction, 'id' | 'name' | 'model' | 'version' | 'outputs'> {
  projectId: ProjectId
  modelSha256: string
  networks: { architecture: Architecture; preprocessing: Preprocessing | null }[]
  dataset: Pick<Dataset, 'id' | 'sha256' | 'columns' | 'rows'>
}

/** The API's side: every call names its project first. */
export interface BatchPredictionStore {
  /** Throws `dataset_not_found` or `dataset_changed` when the data set is not as it was any more. */
  insert(
    batch: NewBatchPrediction,
    idempotency: IdempotentRequest | null,
  ): Promise<Once<BatchPrediction>>
  find(projectId: ProjectId, id: string): Promise<BatchPrediction | null>
  list(
    projectId: ProjectId,
    page: Page & { status?: BatchPredictionStatus | undefined },
  ): Promise<List<BatchPrediction>>
  /** Decides by the locked row (`decideCancel`). Null when there is none. */
  cancel(projectId: ProjectId, id: string): Promise<BatchPrediction | null>
  /** Events with seq > `afterSeq` in order. */
  events(id: BatchPredictionId, afterSeq: number, limit: number): Promise<BatchPredictionEvent[]>
  eventSeq(id: BatchPredictionId, eventId: string): Promise<number | null>
}

export interface ClaimedBatch extends NewBatchPrediction {
  leaseEpoch: number
}

export interface BatchLease {
  id: BatchPredictionId
  leaseEpoch: number
}

export type BatchEnd =
  | { status: 'succeeded'; result: Omit<NewDataset, 'id' | 'projectId' | 'lineage'> }
  | { status: 'failed'; error: BatchPredictionError }
  | { status: 'cancelled' }

/** The worker's side. `fenced` means: the lease is another's now, stop and write nothing more. */
export interface BatchLeaseStore {
  /** Takes one that is queued: of the project that has waited longest for its turn, the oldest. Null when there is none. */
  claim(owner: string): Promise<ClaimedBatch | null>
  /** Renews the lease, and says what is asked for; more rows than before are told by an event. */
  report(lease: BatchLease, rowsDone: number): Promise<'go_on' | 'cancel' | 'fenced'>
  /** State, event and the resulting data set in one transaction; who was told `cancelling` sees no other end. */
  finish(lease: BatchLease, end: BatchEnd): Promise<'done' | 'fenced'>
  /** Gives it back: the worker drains, or cannot read what it needs. */
  release(lease: BatchLease, reason: 'drained' | 'unreadable'): Promise<'done' | 'fenced'>
  /** Those whose lease was dead at that time by Postgres' clock: again from the beginning, failed after too many, or cancelled. */
  recoverDead(asOfMs: number): Promise<number>
}
