import {
  createId,
  type DatasetId,
  type FieldError,
  type Job,
  type JobSpec,
  type ProjectId,
  type ResolvedConfig,
} from '@trainyard/contracts'
import {
  type DatasetStore,
  DomainError,
  type IdempotencyStore,
  type IdempotentRequest,
  type JobDerivation,
  type JobStore,
  type NewJob,
  type Once,
  type Pulse,
} from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import type { QuoteJob } from './quote-job.ts'
import { findReplay, fromOnce, type Replayable } from './replay.ts'

export type CreateJob = (
  projectId: ProjectId,
  spec: JobSpec,
  request: IdempotentRequest | null,
  derived?: Derived,
) => Promise<Replayable<Job>>

/** Of a job that comes from another. */
export interface Derived {
  derivation: JobDerivation
  /** What keeps it from being so, found once it is resolved. */
  findFaults?: (resolved: ResolvedConfig) => FieldError[]
}

/** How often a job is resolved anew because a data set was changed meanwhile; after that the caller is told. */
const ATTEMPTS_MAX = 5

/** Accepts a job. Once this returns, the job survives the loss of everything but Postgres. */
export function makeCreateJob(deps: {
  jobs: Pick<JobStore, 'insert'>
  datasets: Pick<DatasetStore, 'revisions'>
  idempotency: Pick<IdempotencyStore, 'find'>
  pulse: Pick<Pulse, 'jobQueued'>
  quoteJob: QuoteJob
  engineVersion: string
}): CreateJob {
  const { jobs, datasets, idempotency, pulse, quoteJob, engineVersion } = deps
  return async (projectId, spec, request, derived) => {
    const replay = await findReplay<Job>(idempotency, projectId, request)
    if (replay !== null) return replay
    const once = await insert(projectId, spec, request, derived)
    failpoint('api.insert_after_commit')
    // Only a hint: the scheduler finds the row by itself.
    if (once.kind === 'done') pulse.jobQueued()
    return fromOnce(once, request)
  }

  async function insert(
    projectId: ProjectId,
    spec: JobSpec,
    request: IdempotentRequest | null,
    derived: Derived | undefined,
  ): Promise<Once<Job>> {
    for (let attempt = 1; ; attempt++) {
      try {
        const job = await resolve(projectId, spec, derived)
        failpoint('api.before_insert')
        return await jobs.insert(job, request)
      } catch (error) {
        const isChanged = error instanceof DomainError && error.code === 'dataset_changed'
        if (!isChanged || attempt === ATTEMPTS_MAX) throw error
      }
    }
  }

  async function resolve(
    projectId: ProjectId,
    spec: JobSpec,
    derived: Derived | undefined,
  ): Promise<NewJob> {
    const [validationDatasetId, testDatasetId] = [datasetOf(spec.validation), datasetOf(spec.test)]
    const named = [spec.dataset_id, validationDatasetId, testDatasetId].filter((id) => id !== null)
    const ids = [...new Set(named)]
    // Before they are read: what changes from here on is found to have changed.
    const revisions = await datasets.revisions(projectId, ids)
    const quote = await quoteJob(projectId, spec)
    if (revisions.length < ids.length) throw new DomainError('dataset_changed')
    const errors = derived?.findFaults?.(quote.resolved_config) ?? []
    if (errors.length > 0) throw new DomainError('validation_error', { errors })
    return {
      id: createId('job'),
      projectId,
      datasetId: quote.dataset_id,
      datasets: revisions,
      validationDatasetId,
      testDatasetId,
      name: spec.name ?? null,
      config: spec,
      resolvedConfig: quote.resolved_config,
      parameterCount: quote.parameter_count,
      engineVersion,
      priority: spec.priority ?? 0,
      metadata: spec.metadata ?? {},
      ...(derived !== undefined && { derivation: derived.derivation }),
    }
  }
}

/** The data set of its own that a part has, if any. */
export function datasetOf(part: JobSpec['validation'] | JobSpec['test']): DatasetId | null {
  return part != null && 'dataset_id' in part ? (part.dataset_id as DatasetId) : null
}
