/** Jobs that come from others. Each is a job of its own: what has ended stays as it was. */
import {
  createId,
  type ForkJobBody,
  type Job,
  type JobSpec,
  jobSpecSchema,
  type ProjectId,
  type StopReason,
} from '@trainyard/contracts'
import {
  assertAllowed,
  type CheckpointStore,
  type DatasetStore,
  DomainError,
  findForkFaults,
  type IdempotencyStore,
  type IdempotentRequest,
  type JobStore,
  mergePatch,
  type Pulse,
  toCloneBase,
  toForkBase,
} from '@trainyard/domain'
import { toFieldErrors } from '../plugins/field-errors.ts'
import { type CreateJob, datasetOf } from './create-job.ts'
import { findJob } from './find-job.ts'
import { weightsNotFound } from './load-model.ts'
import { findCheckpoint } from './read-checkpoints.ts'
import { findReplay, fromOnce, type Replayable } from './replay.ts'

export type CloneJob = (
  projectId: ProjectId,
  id: string,
  patch: Record<string, unknown>,
  request: IdempotentRequest | null,
) => Promise<Replayable<Job>>

export type ForkJob = (
  projectId: ProjectId,
  id: string,
  body: ForkJobBody,
  request: IdempotentRequest | null,
) => Promise<Replayable<Job>>

export type RepeatJob = (
  projectId: ProjectId,
  id: string,
  request: IdempotentRequest | null,
) => Promise<Replayable<Job>>

/** With the seed that was drawn, unless the patch says otherwise: the two differ in nothing but the patch. */
export function makeCloneJob(deps: {
  jobs: Pick<JobStore, 'find'>
  idempotency: Pick<IdempotencyStore, 'find'>
  createJob: CreateJob
}): CloneJob {
  const { jobs, idempotency, createJob } = deps
  return async (projectId, id, patch, request) => {
    const replay = await findReplay<Job>(idempotency, projectId, request)
    if (replay !== null) return replay
    const parent = await findJob(jobs, projectId, id)
    const spec = parseSpec(mergePatch(toCloneBase(parent, patch), patch))
    const derivation = { origin: 'clone', parentJobId: parent.id } as const
    return await createJob(projectId, spec, request, { derivation })
  }
}

export function makeForkJob(deps: {
  jobs: Pick<JobStore, 'find'>
  checkpoints: Pick<CheckpointStore, 'find'>
  idempotency: Pick<IdempotencyStore, 'find'>
  createJob: CreateJob
}): ForkJob {
  const { jobs, checkpoints, idempotency, createJob } = deps
  return async (projectId, id, { checkpoint: checkpointId, patch = {} }, request) => {
    const replay = await findReplay<Job>(idempotency, projectId, request)
    if (replay !== null) return replay
    const parent = await findJob(jobs, projectId, id)
    assertAllowed('fork', parent.status)
    const { checkpoint } = await findCheckpoint(checkpoints, parent, checkpointId)
    const derivation = {
      origin: 'fork',
      parentJobId: parent.id,
      checkpointId: checkpoint.id,
    } as const
    return await withinPatch(async () => {
      const spec = parseSpec(mergePatch(toForkBase(parent), patch))
      return await createJob(projectId, spec, request, {
        derivation,
        findFaults: (resolved) => [
          ...(spec.dataset_id === parent.dataset_id
            ? []
            : [
                {
                  pointer: '#/dataset_id',
                  detail: 'cannot change: a training goes on with its data',
                },
              ]),
          ...findForkFaults(parent.resolved_config, resolved, checkpoint),
        ],
      })
    })
  }
}

/** The same again, to the bit: resolved as it was, whatever the defaults are by now. */
export function makeRepeatJob(deps: {
  origin: 'retry' | 'verify'
  jobs: Pick<JobStore, 'find' | 'insert'>
  datasets: Pick<DatasetStore, 'revisions'>
  idempotency: Pick<IdempotencyStore, 'find'>
  pulse: Pick<Pulse, 'jobQueued'>
  engineVersion: string
}): RepeatJob {
  const { origin, jobs, datasets, idempotency, pulse, engineVersion } = deps
  return async (projectId, id, request) => {
    const replay = await findReplay<Job>(idempotency, projectId, request)
    if (replay !== null) return replay
    const parent = await findJob(jobs, projectId, id)
    assertAllowed(origin, parent.status)
    if (origin === 'verify') assertVerifiable(parent)
    const { config, resolved_config: resolved } = parent
    const [validationDatasetId, testDatasetId] = [
      datasetOf(config.validation),
      datasetOf(config.test),
    ]
    const named = [parent.dataset_id, validationDatasetId, testDatasetId].filter(
      (id) => id !== null,
    )
    const ids = [...new Set(named)]
    const revisions = await datasets.revisions(projectId, ids)
    if (revisions.length < ids.length) throw new DomainError('dataset_not_found')
    const once = await jobs.insert(
      {
        id: createId('job'),
        projectId,
        datasetId: parent.dataset_id,
        datasets: revisions,
        validationDatasetId,
        testDatasetId,
        name: parent.name,
        config: { ...config, seed: parent.seed },
        // Where a clock would end the second training is not where it ended the first.
        resolvedConfig:
          origin === 'verify'
            ? { ...resolved, limits: { ...resolved.limits, max_seconds: null } }
            : resolved,
        parameterCount: parent.parameter_count,
        engineVersion,
        priority: parent.priority,
        metadata: parent.metadata,
        derivation: { origin, parentJobId: parent.id },
      },
      request,
    )
    if (once.kind === 'done') pulse.jobQueued()
    return fromOnce(once, request)
  }
}

const UNREPEATABLE: Partial<Record<StopReason, string>> = {
  max_seconds: 'The clock ended the job',
  pruned: 'The other trials of its sweep ended the job',
}

function assertVerifiable(job: Job): void {
  if (job.weights === null) throw weightsNotFound(job)
  const cause = job.stop_reason === null ? undefined : UNREPEATABLE[job.stop_reason]
  if (cause === undefined) return
  throw new DomainError('illegal_transition', {
    detail: `${cause} (${job.stop_reason}): no second training ends at the same batch.`,
    status: job.status,
    allowed: ['clone', 'fork', 'delete'],
  })
}

function parseSpec(merged: unknown): JobSpec {
  const parsed = jobSpecSchema.safeParse(merged)
  if (parsed.success) return parsed.data
  const errors = toFieldErrors(parsed.error.issues, merged, 'body')
  throw new DomainError('validation_error', { errors })
}

/** Faults of the specification as faults of the body that holds its patch. */
async function withinPatch<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof DomainError) || error.details.errors === undefined) throw error
    const errors = error.details.errors.map(({ pointer, ...rest }) =>
      pointer === undefined ? rest : { ...rest, pointer: pointer.replace(/^#/, '#/patch') },
    )
    throw new DomainError(error.code, { ...error.details, errors }, { cause: error })
  }
}
