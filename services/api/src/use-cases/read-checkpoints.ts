import type { Checkpoint, Job, ProjectId, WhichWeights } from '@trainyard/contracts'
import {
  type CheckpointStore,
  DomainError,
  type JobStore,
  type StoredWeights,
} from '@trainyard/domain'
import type { CheckpointThread } from '../threads/checkpoint-thread.ts'
import { findJob, isIdLike } from './find-job.ts'

export type ListCheckpoints = (projectId: ProjectId, id: string) => Promise<Checkpoint[]>
export type ReadCheckpoint = (
  projectId: ProjectId,
  id: string,
  checkpointId: string,
) => Promise<Checkpoint>
/** The weights that a checkpoint holds, as those of an ended job are stored. */
export type LoadCheckpoint = (
  job: Job,
  checkpointId: string,
  which: WhichWeights,
) => Promise<StoredWeights & { content: Uint8Array<ArrayBuffer> }>

export function makeListCheckpoints(deps: {
  jobs: Pick<JobStore, 'find'>
  checkpoints: Pick<CheckpointStore, 'list'>
}): ListCheckpoints {
  return async (projectId, id) => {
    const job = await findJob(deps.jobs, projectId, id)
    return await deps.checkpoints.list(job.id)
  }
}

export function makeReadCheckpoint(deps: {
  jobs: Pick<JobStore, 'find'>
  checkpoints: Pick<CheckpointStore, 'find'>
}): ReadCheckpoint {
  return async (projectId, id, checkpointId) => {
    const job = await findJob(deps.jobs, projectId, id)
    return (await findCheckpoint(deps.checkpoints, job, checkpointId)).checkpoint
  }
}

export function makeLoadCheckpoint(deps: {
  checkpoints: Pick<CheckpointStore, 'find' | 'read'>
  thread: Pick<CheckpointThread, 'read'>
}): LoadCheckpoint {
  const { checkpoints, thread } = deps
  return async (job, checkpointId, which) => {
    const { checkpoint, model } = await findCheckpoint(checkpoints, job, checkpointId)
    const bytes = await checkpoints.read(job.id, checkpoint.sha256)
    if (model === null || bytes === null) {
      const detail = `Checkpoint ${checkpoint.id} is damaged, or older than weights could be read.`
      throw new DomainError('checkpoint_unusable', { detail })
    }
    const { bytes: content, sha256 } = await thread.read({ bytes, which })
    const epoch = which === 'best' ? (checkpoint.best?.epoch ?? 0) : checkpoint.epoch
    return { ...model, epoch, sha256, bytes: content.byteLength, content }
  }
}

/** The newest where none is named. Throws `checkpoint_not_found`, or `removed_by_gc`. */
export async function findCheckpoint(
  checkpoints: Pick<CheckpointStore, 'find'>,
  job: Job,
  checkpointId?: string,
) {
  const isId = checkpointId === undefined || isIdLike(checkpointId, 'ckpt')
  const found = isId ? await checkpoints.find(job.id, checkpointId) : null
  if (found === null) throw new DomainError('checkpoint_not_found')
  return found
}
