/**
 * What the services ask of the store, in the domain's words. `packages/store` keeps these promises on Postgres; a fake
 * may stand in only if it passes the same tests.
 */
import type {
  ApiKeyId,
  Architecture,
  CancelMode,
  CheckpointId,
  Column,
  Dataset,
  DatasetId,
  DatasetLineage,
  DatasetWarning,
  EpochLayers,
  EpochMetrics,
  Event,
  IngestingDataset,
  IngestPhase,
  Job,
  JobId,
  JobOrigin,
  JobSpec,
  JobStatus,
  List,
  Model,
  ModelAlias,
  ModelEvent,
  ModelId,
  ModelVersion,
  Preprocessing,
  ProjectId,
  ResolvedConfig,
  StoredProfile,
  Task,
  WhichWeights,
} from '@trainyard/contracts'

export interface Page {
  limit: number
  after?: string | undefined
  before?: string | undefined
}

/** Scope and fingerprint of a request that may be repeated (`Idempotency-Key`). */
export interface IdempotentRequest {
  method: string
  path: string
  key: string
  /** SHA-256 of the raw body, hex. */
  requestSha256: string
}

export interface StoredResponse {
  requestSha256: string
  status: number
  body: unknown
}

/** The outcome of a write that carries an idempotency key: done now, or done before by the same key. */
export type Once<Result> =
  | { kind: 'done'; result: Result }
  | { kind: 'replayed'; stored: StoredResponse }

export interface ApiKey {
  id: ApiKeyId
  projectId: ProjectId
  /** The public part of the key's text. */
  keyId: string
  name: string
  secretHash: Uint8Array
  expiresAt: Date | null
  revokedAt: Date | null
}

export interface KeyStore {
  /** The key by the public id inside its text, or null. */
  find(keyId: string): Promise<ApiKey | null>
  /** Makes the key's project first when there is none of that name. */
  insert(key: {
    keyId: string
    projectName: string
    name: string
    secretHash: Uint8Array
    expiresAt: Date | null
  }): Promise<ApiKey>
  list(): Promise<(ApiKey & { projectName: string })[]>
  /** The oldest project, in which a local stack without authentication works. */
  defaultProject(): Promise<ProjectId | null>
}

export interface NewDataset {
  id: DatasetId
  projectId: ProjectId
  name: string
  rows: number
  columns: Column[]
  target: string
  task: Task
  warnings: DatasetWarning[]
  profile: StoredProfile
  /** A blob that was put before. */
  sha256: string
  bytes: number
  /** Default null: data that came in. */
  lineage?: DatasetLineage | null
}

/** A state of a data set: each change makes the next. */
export interface DatasetRevision {
  id: DatasetId
  revision: number
}

/** A data set as it was read, and what takes its place. */
export interface DatasetChange {
  before: Dataset
  after: Omit<NewDataset, 'id' | 'projectId' | 'rows'>
}

export interface DatasetStore {
  insert(dataset: NewDataset, idempotency: IdempotentRequest | null): Promise<Once<Dataset>>
  /** Throws `dataset_ingesting` when its upload is under way. */
  find(projectId: ProjectId, id: string): Promise<Dataset | null>
  list(projectId: ProjectId, page: Page): Promise<List<Dataset>>
  /** Those of the ids that there are, by id. */
  revisions(projectId: ProjectId, ids: readonly string[]): Promise<DatasetRevision[]>
  /** null for a data set from before there were profiles. */
  profile(id: DatasetId): Promise<StoredProfile | null>
  /**
   * Null when there is none, or when it is not as it was read any more; throws `dataset_immutable` when a job, ended and
   * deleted ones included, trains or validates on it.
   */
  change(change: DatasetChange): Promise<Dataset | null>
  /** False when there is none; throws `dataset_in_use` while a job that uses it is not terminal. */
  delete(projectId: ProjectId, id: string): Promise<boolean>
}

/** How far an upload is, as its process last said. */
export interface Ingest {
  /** That of the data set to come. */
  id: DatasetId
  projectId: ProjectId
  name: string | null
  phase: IngestPhase
  bytesReceived: number
  bytesTotal: number | null
}

/** Uploads under way: of use to who watches, and nothing else depends on them. One whose process is silent is not there. */
export interface IngestStore {
  /** Makes it, or says that it lives and how far it is; at least every few seconds. */
  put(ingest: Ingest): Promise<void>
  remove(id: DatasetId): Promise<void>
  find(projectId: ProjectId, id: string): Promise<IngestingDataset | null>
  /** The newest hundred. */
  list(projectId: ProjectId): Promise<IngestingDataset[]>
  /** Removes those whose process has died. Returns how many. */
  expire(): Promise<number>
}

/** Bytes from `start` up to, and without, `end`; at least one. */
export interface ByteRange {
  start: number
  end: number
}

/** Bytes by their SHA-256 (hex): equal content is stored once, and never changes. */
export interface BlobStore {
  /** Does nothing when the blob is there already. The caller vouches that `chunks` hash to `sha256`. */
  put(
    blob: { sha256: string; bytes: number },
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void>
  /** The same for many small ones at a time. */
  putMany(blobs: readonly { sha256: string; bytes: Uint8Array }[]): Promise<void>
  /**
   * Throws when the blob is absent or its bytes do not hash to its name; of a part it is only seen whether it is there,
   * since the hash is that of the whole.
   */
  read(sha256: string, part?: ByteRange): AsyncGenerator<Uint8Array>
  /** Removes blobs that nothing refers to and nobody put for an hour. Returns how many. */
  sweep(): Promise<number>
}

export interface NewJob {
  id: JobId
  projectId: ProjectId
  datasetId: DatasetId
  /** Every data set it reads, from before the specification was resolved against them. */
  datasets: DatasetRevision[]
  /** A data set of its own for validation. */
  validationDatasetId: DatasetId | null
  /** The same for the test. */
  testDatasetId: DatasetId | null
  name: string | null
  config: JobSpec
  resolvedConfig: ResolvedConfig
  parameterCount: number
  engineVersion: string
  priority: number
  metadata: Record<string, string>
  /** Absent for one that was submitted. */
  derivation?: JobDerivation
}

/** From which job of the same project another comes, and what it takes over. */
export interface JobDerivation {
  origin: JobOrigin
  parentJobId: JobId
  /** Goes on from it: its bytes, and the history before it, are copied. */
  checkpointId?: CheckpointId
}

export interface StoredWeights {
  epoch: number
  sha256: string
  bytes: number
  architecture: Architecture
  preprocessing: Preprocessing
}

export interface NewModelVersion
  extends Pick<
    ModelVersion,
    | 'architecture'
    | 'preprocessing'
    | 'members'
    | 'sha256'
    | 'bytes'
    | 'source'
    | 'lineage'
    | 'signature'
    | 'example'
  > {
  projectId: ProjectId
  /** Made when the project has no model of that name. */
  model: string
  parameterCount: number
}

/** A version by its number, by an alias, `latest`, or null for the one that `champion` names, else the latest. */
export type VersionChoice = number | string | null

/** What is deleted answers like what never was, from the moment that `delete` returns. */
export interface ModelStore {
  /** The next version of the model, with its event; `sha256` is a blob that was put before. */
  insertVersion(
    version: NewModelVersion,
    idempotency: IdempotentRequest | null,
  ): Promise<Once<ModelVersion>>
  find(projectId: ProjectId, name: string): Promise<Model | null>
  list(projectId: ProjectId, page: Page): Promise<List<Model>>
  /** One statement, so that it finds a version however fast an alias is moved. */
  findVersion(
    projectId: ProjectId,
    name: string,
    choice: VersionChoice,
  ): Promise<ModelVersion | null>
  /** Makes the alias or moves it, with its event. Null when there is no such version. */
  moveAlias(
    projectId: ProjectId,
    name: string,
    alias: string,
    version: number,
  ): Promise<ModelAlias | null>
  /** False when there is none. */
  deleteAlias(projectId: ProjectId, name: string, alias: string): Promise<boolean>
  /**
   * One version, or all of them with the model (`version` null); the last version takes the model with it. False when
   * there is none; throws `model_version_aliased`. `purge` removes its rows for good, also of what was deleted before.
   */
  delete(
    projectId: ProjectId,
    name: string,
    options: { version: number | null; purge: boolean },
  ): Promise<boolean>
  /** Events with seq > `afterSeq` in order. */
  events(id: ModelId, afterSeq: number, limit: number): Promise<ModelEvent[]>
  /** Seq of an event by its id, null when the model has none of that id. */
  eventSeq(id: ModelId, eventId: string): Promise<number | null>
}

export interface IdempotencyStore {
  find(projectId: ProjectId, request: IdempotentRequest): Promise<StoredResponse | null>
  /** Forgets keys older than 24 h. Returns how many. */
  expire(): Promise<number>
}

/** The API's side of jobs: every read and write names its project first, and there is no other way to reach a job. */
export interface JobStore {
  /**
   * Job, `job.created` event and idempotency key in one transaction, with what a derived job takes over. Throws
   * `dataset_changed` when one of its data sets is not as it was any more, and `checkpoint_not_found` when the checkpoint
   * is gone by then.
   */
  insert(job: NewJob, idempotency: IdempotentRequest | null): Promise<Once<Job>>
  find(projectId: ProjectId, id: string): Promise<Job | null>
  list(projectId: ProjectId, page: Page & { status?: JobStatus | undefined }): Promise<List<Job>>
  /** These three decide by the locked row (`decideCancel` and so on). Null when there is none. Default mode: graceful. */
  cancel(projectId: ProjectId, id: string, mode?: CancelMode): Promise<Job | null>
  pause(projectId: ProjectId, id: string): Promise<Job | null>
  resume(projectId: ProjectId, id: string): Promise<Job | null>
  /** False when there is none; throws `illegal_transition` when it is not terminal. `purge` removes its rows for good. */
  delete(projectId: ProjectId, id: string, options: { purge: boolean }): Promise<boolean>
  /** Events with seq > `afterSeq` in order. */
  events(jobId: JobId, afterSeq: number, limit: number): Promise<Event[]>
  /** Seq of an event by its id, null when the job has none of that id. */
  eventSeq(jobId: JobId, eventId: string): Promise<number | null>
  /**
   * The history, at most `maxPoints` (3 or more) rows of it, in order: the first, the last, the best, and of equal
   * stretches the extremes of both losses, so that a spike of one epoch in a hundred thousand is still there.
   */
  metrics(
    jobId: JobId,
    thinning: { maxPoints: number; bestEpoch: number | null },
  ): Promise<{ rows: EpochMetrics[]; totalEpochs: number }>
  /** What was observed of the layers, by epoch; the store thins it as it grows (`keptStrides`). */
  layers(jobId: JobId): Promise<EpochLayers[]>
  /** null where there are none; throws `removed_by_gc`. */
  weights(jobId: JobId, which: WhichWeights): Promise<StoredWeights | null>
  /** The blob that says which part each row was in (`packSplit`); null where the job has none, or not yet. */
  split(jobId: JobId): Promise<string | null>
  /** Jobs by status over all projects, for the metrics page. */
  countByStatus(): Promise<{ status: JobStatus; count: number }[]>
}
