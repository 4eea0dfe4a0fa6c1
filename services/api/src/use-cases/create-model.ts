import {
  type CheckpointId,
  type EnsembleBody,
  type Job,
  type JobWeightsChoice,
  type Lineage,
  MEMBERS_MAX,
  type MemberChoice,
  type ModelMember,
  type ModelVersion,
  type ProjectId,
  type RegisterModelBody,
  type WhichWeights,
} from '@trainyard/contracts'
import {
  type BlobStore,
  type DatasetStore,
  DomainError,
  type IdempotencyStore,
  type IdempotentRequest,
  type JobStore,
  type ModelStore,
  type NewModelVersion,
} from '@trainyard/domain'
import { findEnsembleFaults } from '@trainyard/model'
import type { ModelWish } from '../threads/import.thread.ts'
import { describeMembers, type FoundMember } from './describe-members.ts'
import { findJob } from './find-job.ts'
import { findModelVersion } from './find-model.ts'
import { joinWeights } from './join-weights.ts'
import { type ReadWeightBytes, weightsNotFound } from './load-model.ts'
import type { LoadCheckpoint } from './read-checkpoints.ts'
import { findReplay, fromOnce, type Replayable } from './replay.ts'

export type CreateModel = (
  projectId: ProjectId,
  wish: ModelWish,
  request: IdempotentRequest | null,
) => Promise<Replayable<ModelVersion>>

/** Weights of all members together. */
const ENSEMBLE_BYTES_MAX = 256 * 1024 ** 2

/** Gives weights a name and a number: those of the body, those of a job or of a checkpoint of it, or several as one. */
export function makeCreateModel(deps: {
  models: Pick<ModelStore, 'insertVersion' | 'findVersion'>
  jobs: Pick<JobStore, 'find' | 'weights'>
  datasets: Pick<DatasetStore, 'find'>
  blobs: Pick<BlobStore, 'put'>
  readWeightBytes: ReadWeightBytes
  loadCheckpoint: LoadCheckpoint
  idempotency: Pick<IdempotencyStore, 'find'>
}): CreateModel {
  const { models, jobs, datasets, blobs, idempotency, readWeightBytes, loadCheckpoint } = deps
  return async (projectId, wish, request) => {
    const replay = await findReplay<ModelVersion>(idempotency, projectId, request)
    if (replay !== null) return replay
    const version = await toVersion(projectId, wish)
    return fromOnce(await models.insertVersion(version, request), request)
  }

  async function toVersion(projectId: ProjectId, wish: ModelWish): Promise<NewModelVersion> {
    switch (wish.kind) {
      case 'import':
        return await storeImport(projectId, wish)
      case 'register':
        return await takeFromJob(projectId, wish.body)
      case 'ensemble':
        return await joinMembers(projectId, wish.body)
    }
  }

  async function storeImport(
    projectId: ProjectId,
    { name, format, weights }: ModelWish & { kind: 'import' },
  ): Promise<NewModelVersion> {
    const { bytes, networks, parameterCount, sha256 } = weights
    const blob = { sha256, bytes: bytes.byteLength }
    const source = { type: 'import', format } as const
    const found = networks.map(
      (network): FoundMember => ({
        ...network,
        source,
        lineage: null,
        columns: null,
      }),
    )
    const described = describeMembers(found)
    await blobs.put(blob, [bytes])
    return { projectId, model: name, ...described, parameterCount, source, lineage: null, ...blob }
  }

  async function takeFromJob(
    projectId: ProjectId,
    { name, ...choice }: RegisterModelBody,
  ): Promise<NewModelVersion> {
    const { member, blob } = await fromJob(projectId, choice)
    const { source, lineage } = member
    const parameterCount = member.parameter_count
    const described = describeMembers([member])
    return { projectId, model: name, ...described, parameterCount, source, lineage, ...blob }
  }

  async function joinMembers(
    projectId: ProjectId,
    { name, members }: EnsembleBody,
  ): Promise<NewModelVersion> {
    const groups = await Promise.all(members.map((member) => findMember(projectId, member)))
    const found = groups.flatMap((group) => group.members)
    const faults = findEnsembleFaults(found, '#/members')
    if (found.length > MEMBERS_MAX) {
      const detail = `hold ${found.length} networks together, at most ${MEMBERS_MAX} make an ensemble`
      faults.push({ pointer: '#/members', detail })
    }
    const size = groups.reduce((sum, { blob }) => sum + blob.bytes, 0)
    if (size > ENSEMBLE_BYTES_MAX) {
      const detail = `have ${size} bytes of weights together, at most ${ENSEMBLE_BYTES_MAX} are allowed`
      faults.push({ pointer: '#/members', detail })
    }
    if (faults.length > 0) throw new DomainError('validation_error', { errors: faults })
    const blob = await joinWeights(
      { blobs, readWeightBytes },
      groups.map((group) => group.blob),
    )
    return {
      projectId,
      model: name,
      ...describeMembers(found),
      parameterCount: found.reduce((sum, { parameter_count }) => sum + parameter_count, 0),
      source: { type: 'ensemble' },
      lineage: null,
      ...blob,
    }
  }

  async function findMember(projectId: ProjectId, choice: MemberChoice): Promise<FoundGroup> {
    if ('job_id' in choice) {
      const { member, blob } = await fromJob(projectId, choice)
      return { members: [member], blob }
    }
    const { model, version } = choice
    const found = await findModelVersion(models, projectId, model, version ?? null)
    const blob = { sha256: found.sha256, bytes: found.bytes }
    return { members: toMembers(found).map((member) => ({ ...member, columns: null })), blob }
  }

  async function fromJob(projectId: ProjectId, { job_id, checkpoint, which }: JobWeightsChoice) {
    const job = await findJob(jobs, projectId, job_id)
    const weights =
      checkpoint === undefined
        ? await endOf(job, which ?? 'best')
        : await storeCheckpoint(job, checkpoint, which ?? 'last')
    const { epoch, architecture, preprocessing, sha256, bytes, source } = weights
    const dataset = await datasets.find(projectId, job.dataset_id)
    const member: FoundMember = {
      architecture,
      preprocessing,
      parameter_count: job.parameter_count,
      source: { type: 'job', job_id: job.id, epoch, ...source },
      lineage: toLineage(job, dataset?.sha256 ?? null),
      columns: dataset?.columns ?? null,
    }
    return { member, blob: { sha256, bytes } }
  }

  async function endOf(job: Job, which: WhichWeights) {
    const weights = await jobs.weights(job.id, which)
    if (weights === null) throw weightsNotFound(job)
    return { ...weights, source: { which, checkpoint: null } }
  }

  /** Of its own from here on: the checkpoint goes with its job, or before. */
  async function storeCheckpoint(job: Job, id: string, which: WhichWeights) {
    const { content, ...weights } = await loadCheckpoint(job, id, which)
    await blobs.put({ sha256: weights.sha256, bytes: weights.bytes }, [content])
    return { ...weights, source: { which, checkpoint: id as CheckpointId } }
  }
}

/** Networks whose weights lie in one blob, in this order. */
interface FoundGroup {
  members: FoundMember[]
  blob: { sha256: string; bytes: number }
}

function toMembers(version: ModelVersion): ModelMember[] {
  const { architecture, preprocessing, parameter_count, source, lineage, members } = version
  if (members !== null) return members
  if (architecture === null) throw new Error('a network has an architecture')
  return [{ architecture, preprocessing, parameter_count, source, lineage }]
}

export function toLineage(job: Job, datasetSha256: string | null): Lineage {
  return {
    job_id: job.id,
    dataset_id: job.dataset_id,
    dataset_sha256: job.manifest?.dataset_sha256 ?? datasetSha256,
    config: job.resolved_config,
    engine_version: job.manifest?.engine_version ?? job.engine_version,
    manifest: job.manifest,
    parent: job.resolved_config.initial_weights,
  }
}
