import type { ModelVersion, ProjectId, RegisterModelBody } from '@trainyard/contracts'
import type {
  BlobStore,
  IdempotencyStore,
  IdempotentRequest,
  JobStore,
  ModelStore,
  NewModelVersion,
} from '@trainyard/domain'
import type { ModelWish } from '../threads/import.thread.ts'
import { findJob } from './find-job.ts'
import { weightsNotFound } from './load-model.ts'
import { fromOnce, type Replayable, toReplay } from './replay.ts'

export type CreateModel = (
  projectId: ProjectId,
  wish: ModelWish,
  request: IdempotentRequest | null,
) => Promise<Replayable<ModelVersion>>

/** Gives weights a name and a number: those of the body, or those of a job that has ended. */
export function makeCreateModel(deps: {
  models: Pick<ModelStore, 'insertVersion'>
  jobs: Pick<JobStore, 'find' | 'weights'>
  blobs: Pick<BlobStore, 'put'>
  idempotency: Pick<IdempotencyStore, 'find'>
}): CreateModel {
  const { models, jobs, blobs, idempotency } = deps
  return async (projectId, wish, request) => {
    const stored = request === null ? null : await idempotency.find(projectId, request)
    if (stored !== null && request !== null) return toReplay(stored, request)
    const version =
      wish.kind === 'import'
        ? await storeImport(projectId, wish)
        : await takeFromJob(projectId, wish.body)
    return fromOnce(await models.insertVersion(version, request), request)
  }

  async function storeImport(
    projectId: ProjectId,
    { name, weights }: ModelWish & { kind: 'import' },
  ): Promise<NewModelVersion> {
    const { bytes, ...rest } = weights
    const blob = { sha256: weights.sha256, bytes: bytes.byteLength }
    await blobs.put(blob, [bytes])
    return { projectId, model: name, source: { type: 'import' }, ...rest, ...blob }
  }

  async function takeFromJob(
    projectId: ProjectId,
    { name, job_id, which = 'best' }: RegisterModelBody,
  ): Promise<NewModelVersion> {
    const job = await findJob(jobs, projectId, job_id)
    const weights = await jobs.weights(job.id, which)
    if (weights === null) throw weightsNotFound(job)
    const { epoch, ...rest } = weights
    const source = { type: 'job', job_id: job.id, which, epoch } as const
    return { projectId, model: name, source, parameterCount: job.parameter_count, ...rest }
  }
}
