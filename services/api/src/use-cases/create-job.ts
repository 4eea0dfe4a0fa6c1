import {
  createId,
  type DatasetId,
  type Job,
  type JobSpec,
  type ProjectId,
} from '@trainyard/contracts'
import type { IdempotencyStore, IdempotentRequest, JobStore, Pulse } from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import type { QuoteJob } from './quote-job.ts'
import { fromOnce, type Replayable, toReplay } from './replay.ts'

export type CreateJob = (
  projectId: ProjectId,
  spec: JobSpec,
  request: IdempotentRequest | null,
) => Promise<Replayable<Job>>

/** Accepts a job. Once this returns, the job survives the loss of everything but Postgres. */
export function makeCreateJob(deps: {
  jobs: Pick<JobStore, 'insert'>
  idempotency: Pick<IdempotencyStore, 'find'>
  pulse: Pick<Pulse, 'jobQueued'>
  quoteJob: QuoteJob
  engineVersion: string
}): CreateJob {
  const { jobs, idempotency, pulse, quoteJob, engineVersion } = deps
  return async (projectId, spec, request) => {
    // Before anything is decided: the data set of a job that was accepted may be gone by now.
    const stored = request === null ? null : await idempotency.find(projectId, request)
    if (stored !== null && request !== null) return toReplay(stored, request)
    const quote = await quoteJob(projectId, spec)
    const { validation } = quote.resolved_config
    failpoint('api.before_insert')
    const once = await jobs.insert(
      {
        id: createId('job'),
        projectId,
        datasetId: quote.dataset_id,
        validationDatasetId:
          validation !== null && 'dataset_id' in validation
            ? (validation.dataset_id as DatasetId)
            : null,
        name: spec.name ?? null,
        config: spec,
        resolvedConfig: quote.resolved_config,
        parameterCount: quote.parameter_count,
        engineVersion,
        priority: spec.priority ?? 0,
        metadata: spec.metadata ?? {},
      },
      request,
    )
    failpoint('api.insert_after_commit')
    // Only a hint: the scheduler finds the row by itself.
    if (once.kind === 'done') pulse.jobQueued()
    return fromOnce(once, request)
  }
}
