/** What the services ask of the store about sweeps. A sweep's trials are rows of their own; their trainings are jobs. */
import type {
  DatasetId,
  JobError,
  JobId,
  JobSpec,
  List,
  MetricsSummary,
  ProjectId,
  ResolvedConfig,
  StopReason,
  Sweep,
  SweepEvent,
  SweepEventType,
  SweepId,
  SweepMethod,
  SweepRound,
  SweepSpec,
  SweepStatus,
  SweepStopReason,
  Trial,
  TrialObjective,
  TrialParams,
  TrialStatus,
} from '@trainyard/contracts'
import type { Finish, Lease, ReleaseReason } from './lease-ports.ts'
import type { IdempotentRequest, Once, Page } from './ports.ts'

export interface NewSweep {
  id: SweepId
  projectId: ProjectId
  datasetId: DatasetId
  name: string | null
  config: SweepSpec
  method: SweepMethod
  seed: number
  objective: Sweep['objective']
  repeats: number
  maxTrials: number
  engineVersion: string
  metadata: Record<string, string>
}

export interface TrialPage {
  limit: number
  /** A trial index. */
  after?: number | undefined
  sort: 'trial_index' | 'objective'
  status?: TrialStatus | undefined
}

export interface ScoredTrialRow {
  trialIndex: number
  params: TrialParams
  /** As it is, whatever the goal; null where there is none. */
  objective: number | null
  status: TrialStatus
  finishedOrder: number | null
}

/** What a replay of the sweep's choices and decisions starts from. */
export interface SweepRecordRows {
  trials: (ScoredTrialRow & { round: number | null; seenTrials: number | null })[]
  /** In the order in which trials were heard. */
  rungs: (RungSaying & { position: number; decision: Record<string, unknown> })[]
}

export type SweepCommand = 'cancel' | 'pause' | 'resume'

/** The API's side of sweeps: every call names its project first. */
export interface SweepStore {
  insert(sweep: NewSweep, idempotency: IdempotentRequest | null): Promise<Once<Sweep>>
  find(projectId: ProjectId, id: string): Promise<Sweep | null>
  list(
    projectId: ProjectId,
    page: Page & { status?: SweepStatus | undefined },
  ): Promise<List<Sweep>>
  trials(sweep: Sweep, page: TrialPage): Promise<List<Trial>>
  /** All trials that have ended, by index. */
  scored(sweepId: SweepId): Promise<ScoredTrialRow[]>
  /** All trials that were chosen, by index. */
  record(sweepId: SweepId): Promise<SweepRecordRows>
  /** Events with seq > `afterSeq` in order. */
  events(sweepId: SweepId, afterSeq: number, limit: number): Promise<SweepEvent[]>
  eventSeq(sweepId: SweepId, eventId: string): Promise<number | null>
  /**
   * Decides by the locked row (`decideSweep`). A cancel ends queued trainings at once and asks the workers of the running
   * ones, which are named. Null when there is none; throws `illegal_transition`.
   */
  command(
    projectId: ProjectId,
    id: string,
    command: SweepCommand,
  ): Promise<{ sweep: Sweep; running: JobId[] } | null>
  /** More trials for a sweep, ended or not. Null when there is none; throws `illegal_transition` for a cancelled one. */
  extend(projectId: ProjectId, id: string, maxTrials: number): Promise<Sweep | null>
  /** New trainings, of the same seeds, for the repeats of a trial that have failed. Null when there is no such trial. */
  retryTrial(projectId: ProjectId, id: string, trialIndex: number): Promise<Sweep | null>
  /** Of trainings that ended within a day, over all projects; null where there are none. */
  flopsPerSecond(): Promise<number | null>
}

/** One training of a trial, as far as the runner looks at it. */
export interface TrialJob {
  jobId: JobId
  repeat: number
  status: string
  stopReason: StopReason | null
  epoch: number
  best: { epoch: number; metrics: MetricsSummary } | null
  final: { epoch: number; metrics: MetricsSummary } | null
  error: JobError | null
  finishedAt: Date | null
}

export interface OpenTrial {
  trialIndex: number
  status: TrialStatus
  params: TrialParams
  /** The last of early termination; null where none was made. */
  decision: Record<string, unknown> | null
  /** The newest of each repeat. */
  jobs: TrialJob[]
}

export interface RunningSweep {
  id: SweepId
  projectId: ProjectId
  datasetId: DatasetId
  status: SweepStatus
  stopReason: SweepStopReason | null
  config: SweepSpec
  method: SweepMethod
  seed: number
  objective: Sweep['objective']
  maxTrials: number
  engineVersion: string
  rounds: SweepRound[]
  finishedTrials: number
  /** Trials chosen so far, the highest index plus 1. */
  chosen: number
  /** By status. */
  trials: Partial<Record<TrialStatus, number>>
  /** By the code of their error. */
  failures: Record<string, number>
  /** Since its first training started; 0 before. */
  seconds: number
}

export interface NewTrial {
  trialIndex: number
  params: TrialParams
  round: number | null
  seenTrials: number | null
  /** Why there is nothing to train; null for a trial with jobs. */
  refused: { status: 'infeasible' | 'failed'; error: { code: string; message: string } } | null
  jobs: {
    id: JobId
    repeat: number
    config: JobSpec
    resolvedConfig: ResolvedConfig
    parameterCount: number
    /** null where it is not to be claimed together with others. */
    expectedMs: number | null
  }[]
}

export interface NewSweepEvent {
  type: SweepEventType
  message: string
  data: Record<string, unknown>
}

export interface SettledTrial {
  trialIndex: number
  status: TrialStatus
  objective: TrialObjective | null
  epochs: number
  error: { code: string; message: string } | null
}

/** Ended trials of which something that is stored is not kept. */
export interface UnkeptTrials {
  /** Whose weights of the best epoch are not kept. */
  best: number[]
  /** Whose last weights and checkpoints are not kept. */
  last: number[]
}

export interface SweepUpdate {
  /** Trials whose first training has started. */
  started: number[]
  /** In the order of finishing. */
  settled: SettledTrial[]
  /** Removed together with what is recorded; what is gone already stays gone. */
  unkept?: UnkeptTrials
  events: NewSweepEvent[]
  status?: SweepStatus
  stopReason?: SweepStopReason
  rounds?: SweepRound[]
  warnings?: Sweep['warnings']
  error?: { code: string; message: string } | null
}

/** The scheduler's side of sweeps. Every write locks the sweep's row, so that it and a cancel follow each other. */
export interface SweepRunStore {
  /** Those that have something to be done. */
  active(): Promise<RunningSweep[]>
  /** Trials that have not ended, with their jobs. */
  openTrials(sweepId: SweepId): Promise<OpenTrial[]>
  /** Ended trials in the order of finishing, which is recorded. */
  scored(sweepId: SweepId): Promise<ScoredTrialRow[]>
  /** False when the sweep has ended meanwhile: nothing was written then. */
  apply(sweepId: SweepId, update: SweepUpdate): Promise<boolean>
  /** False unless the sweep is running and not to be stopped: nothing was written then. A trial that is there stays. */
  insertTrials(sweep: RunningSweep, trials: readonly NewTrial[]): Promise<boolean>
  /** Cancels the queued trainings and asks for the running ones, which are named. */
  cancelJobs(sweepId: SweepId): Promise<JobId[]>
}

/** A training that is claimed with the first of its batch; data set and project are the same. */
export interface ClaimedSibling {
  id: JobId
  leaseEpoch: number
  attempt: number
  trialIndex: number
  resolvedConfig: ResolvedConfig
}

/** What a trial said at an epoch of the early termination. */
export interface RungSaying {
  trialIndex: number
  epoch: number
  value: number
}

/** The worker's side of sweeps: short trainings many at a time, and who trains on. */
export interface TrialLeaseStore {
  /** Up to `count` queued short trainings of the sweep, under leases of their own. */
  claimSiblings(
    first: { jobId: JobId; sweepId: SweepId },
    owner: string,
    count: number,
  ): Promise<ClaimedSibling[]>
  /** Renews all; those that are not named any more are another's, `cancel` are to be stopped. */
  renew(leases: readonly Lease[]): Promise<Map<JobId, 'go_on' | 'cancel'>>
  /** Terminal states in one transaction, each under its own fence. Returns those that were written. */
  finishMany(finishes: readonly { lease: Lease; finish: Finish }[]): Promise<JobId[]>
  /** Gives trainings back that have not ended. */
  releaseMany(leases: readonly Lease[], reason: ReleaseReason): Promise<void>
  /** What early termination the sweep has, and in what direction its objective is better. */
  searchOf(sweepId: SweepId): Promise<Pick<RunningSweep, 'config' | 'objective' | 'seed'>>
  /**
   * Records what the trial says and what follows; the answer to the same saying is always the same. `decide` gets what was
   * said before, in order. Null when the lease is another's.
   */
  sayAtRung<Decision extends { stops: boolean }>(
    lease: Lease,
    sweepId: SweepId,
    saying: RungSaying,
    decide: (before: RungSaying[]) => Decision,
  ): Promise<Decision | null>
}
