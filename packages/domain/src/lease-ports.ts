/** What workers and scheduler ask of the store about jobs, and the hints between processes. */
import type {
  Architecture,
  Baseline,
  Checkpoint,
  Column,
  EpochLayers,
  EpochMetrics,
  Fold,
  JobError,
  JobId,
  Manifest,
  MetricsSummary,
  Preprocessing,
  ProjectId,
  ResolvedConfig,
  StopReason,
  SweepId,
  Task,
  TestResult,
  WhichWeights,
} from '@trainyard/contracts'

/** What a worker needs to train a claimed job. The lease epoch fences everything it writes. */
export interface ClaimedJob {
  id: JobId
  projectId: ProjectId
  leaseEpoch: number
  attempt: number
  resolvedConfig: ResolvedConfig
  dataset: { sha256: string; rows: number; columns: Column[]; target: string; task: Task }
  /** null where nothing, or a part of the data set, validates. */
  validationDataset: { sha256: string; columns: Column[] } | null
  /** null for a job of its own. */
  trial: { sweepId: SweepId; trialIndex: number; expectedMs: number | null } | null
  /** The same of the test. */
  testDataset: { sha256: string; columns: Column[] } | null
  /** Completed by an attempt before, with the same engine. */
  folds: Fold[]
  /** The furthest that any attempt was seen at, in batches from the start. */
  furthestBatch: number
  /** The newest one, from which to go on; null starts from the beginning. */
  checkpoint: { step: number; sha256: string; progress: CheckpointProgress } | null
  /** Whether its first checkpoint is another job's: without one it cannot be trained. */
  isFork: boolean
}

/** What a worker has counted when a checkpoint is taken. */
export interface CheckpointProgress {
  /** Completed epochs. */
  epoch: number
  /** Of training, over all attempts. */
  seconds: number
  best: EpochMetrics | null
  last: EpochMetrics | null
}

/** Whose bytes are put already. */
export interface JobCheckpoint {
  /** Batches before it. */
  step: number
  sha256: string
  bytes: number
  /** So many stay, this one included. */
  keep: number
  progress: CheckpointProgress
  architecture: Architecture
  preprocessing: Preprocessing
}

export interface StoredCheckpoint {
  checkpoint: Checkpoint
  /** What its parameters are the weights of; null for one from before they were kept. */
  model: { architecture: Architecture; preprocessing: Preprocessing } | null
}

/** The newest checkpoints of a job; they go with it, or when it has ended long ago. */
export interface CheckpointStore {
  /** Newest first. */
  list(jobId: JobId): Promise<Checkpoint[]>
  /** Without an id the newest. null when there is none; throws `removed_by_gc` when it went with all others of its trial. */
  find(jobId: JobId, id?: string): Promise<StoredCheckpoint | null>
  /**
   * Does nothing when the lease is another's. Without a `report` that names it a checkpoint counts for nothing, and the
   * next report of one removes it.
   */
  put(lease: Lease, checkpoint: { sha256: string; bytes: Uint8Array }): Promise<void>
  /** null when they are damaged or gone. */
  read(jobId: JobId, sha256: string): Promise<Uint8Array<ArrayBuffer> | null>
  /** Forgets those of jobs that ended more than so many days ago. Returns how many. */
  expire(days: number): Promise<number>
}

export interface Progress {
  /** Epochs not reported before, oldest first; may be empty. */
  metrics: EpochMetrics[]
  /** Observed epochs among them. */
  layers: EpochLayers[]
  /** The same of folds, all of which come before the first epoch. */
  folds?: Fold[]
  /** All epochs it has completed are reported by now. */
  checkpoint?: JobCheckpoint | undefined
  epoch: number
  best: { epoch: number; metrics: MetricsSummary } | null
}

export interface FinishedWeights {
  which: WhichWeights
  epoch: number
  sha256: string
  bytes: number
  architecture: Architecture
  preprocessing: Preprocessing
}

export interface Finish {
  status: 'succeeded' | 'failed' | 'cancelled'
  stopReason: StopReason | null
  error: JobError | null
  final: { epoch: number; metrics: MetricsSummary } | null
  best: { epoch: number; metrics: MetricsSummary } | null
  /** null when nothing was trained. */
  manifest: Manifest | null
  /** Epochs not reported before. */
  metrics: EpochMetrics[]
  /** Observed epochs among them. */
  layers: EpochLayers[]
  /** Folds not reported before. */
  folds?: Fold[]
  weights: FinishedWeights[]
  /** A blob that was put before; left out where no data was read. */
  split?: { sha256: string }
  /** Left out where none were measured. */
  baselines?: Baseline[]
  /** Of the end, or the newest that was not reported before. */
  checkpoint?: JobCheckpoint | undefined
  /** Left out without a test part. */
  test?: TestResult | null
}

/** Why a worker gives a job back. */
export type ReleaseReason = 'drained' | 'made_way' | 'outage' | 'unreadable'
/** What becomes of a job whose worker or thread is lost. */
export type LostJobOutcome = 'requeued' | 'failed' | 'cancelled' | 'paused'

export interface Lease {
  jobId: JobId
  leaseEpoch: number
}

/** The worker's side of jobs. `fenced` means: the lease is another's now, stop and write nothing more. */
export interface LeaseStore {
  /**
   * Takes a queued job; null when it is not queued any more, or is suspect and the worker does not say that it will run alone.
   * Epochs beyond the checkpoint it goes on from are forgotten: they are trained again.
   */
  claim(jobId: JobId, owner: string, options?: { isAlone: boolean }): Promise<ClaimedJob | null>
  /** Whether it is queued and may only run alone, since too many workers have died of it or beside it. */
  isSuspect(jobId: JobId): Promise<boolean>
  /**
   * Renews the lease, stores metrics and one `job.epoch_completed`, and says what is asked for. `batch` is how far
   * the training is, in batches from its start (default unknown): getting further than any attempt before is progress.
   */
  report(
    lease: Lease,
    progress: Progress | null,
    batch?: number,
  ): Promise<'go_on' | 'cancel' | 'pause' | 'fenced'>
  /** Terminal state, rest of the metrics, weights and event in one transaction. */
  finish(lease: Lease, finish: Finish): Promise<'done' | 'fenced'>
  /** Forgets a checkpoint that cannot be used and gives the job back, to go on from the one before. */
  discardCheckpoint(lease: Lease, step: number): Promise<'done' | 'fenced'>
  /**
   * Gives a job back unharmed: the worker drains, or the job makes way for one that has to run alone. Paused where that was
   * asked, else queued.
   */
  release(lease: Lease, reason: ReleaseReason): Promise<'done' | 'fenced'>
  /** The thread of the job has ended without a word: counts as a death. */
  abandon(lease: Lease): Promise<LostJobOutcome | 'fenced'>
}

export interface Dispatchable {
  jobId: JobId
  generation: number
}

/** What projects with jobs under way, or waiting for nothing but a thread, had of the workers' threads until `atMs` of Postgres' clock. */
export interface ThreadTimes {
  atMs: number
  threadMs: ReadonlyMap<ProjectId, number>
}

/** The scheduler's side of jobs. */
export interface DispatchStore {
  /** Since that time of Postgres' clock, in ms since 1970; zero for all where it is null. */
  threadTimes(sinceMs: number | null): Promise<ThreadTimes>
  /**
   * Fair choice among projects of at most `window` − (jobs dispatched or running) queued jobs. `behind` has turns that projects
   * wait longer than their jobs under way make them; default none.
   */
  pick(window: number, behind?: ReadonlyMap<ProjectId, number>): Promise<Dispatchable[]>
  markDispatched(jobs: readonly Dispatchable[]): Promise<void>
  /** Queued jobs whose delivery was handed over more than a second ago and not claimed since. */
  undelivered(): Promise<Dispatchable[]>
  /** Makes them dispatchable again under the next generation. */
  redispatch(jobs: readonly Dispatchable[]): Promise<void>
  /** What Postgres' clock shows, in ms since 1970. Leases know no other. */
  clockMs(): Promise<number>
  /**
   * Running jobs whose lease was dead at that time by Postgres' clock, default now: queued again, failed as `worker_lost` after
   * too many, cancelled or paused when that was asked.
   */
  recoverDeadLeases(asOfMs?: number): Promise<{ jobId: JobId; outcome: LostJobOutcome }[]>
}

export interface WorkerInfo {
  id: string
  slots: number
}

export interface WorkerStore {
  /** Says that the worker lives; called each lease renewal. */
  heartbeat(worker: WorkerInfo): Promise<void>
  /** Says that it was told to go: it takes no more jobs, and what dies with it dies through no fault of the jobs. */
  drain(id: string): Promise<void>
  leave(id: string): Promise<void>
  /** Slots of all workers heard of within a lease, and not draining. */
  slots(): Promise<number>
}

export type StopWish = 'cancel' | 'force' | 'pause'

/**
 * "Look again": hints between processes that may be lost without harm, since everybody also looks by the clock.
 * Publishing never throws and never waits.
 */
export interface Pulse {
  jobQueued(): void
  /** A job has ended or was given back: the next may be handed over. */
  slotFreed(): void
  jobChanged(jobId: JobId): void
  sweepChanged(sweepId: SweepId): void
  /** The worker of the job is to stop it: `force` at once, else at the next batch. */
  stopAsked(jobId: JobId, how: StopWish): void
  onJobQueued(listener: () => void): void
  onJobChanged(listener: (jobId: JobId) => void): void
  onSweepChanged(listener: (sweepId: SweepId) => void): void
  onStopAsked(listener: (jobId: JobId, how: StopWish) => void): void
}
