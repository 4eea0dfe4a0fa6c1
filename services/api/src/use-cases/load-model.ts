/** Weights of a job in memory, the last used ones kept: a model is often asked again within a second. */
import type { Architecture, Job, Preprocessing, WhichWeights } from '@trainyard/contracts'
import { type BlobStore, DomainError, isTerminal, type JobStore } from '@trainyard/domain'

export interface StoredModel {
  /** Equal keys mean equal models. */
  key: string
  epoch: number
  sha256: string
  architecture: Architecture
  preprocessing: Preprocessing
  /** In shared memory, so that a thread gets them without a copy. */
  bytes: Uint8Array
}

export type LoadModel = (job: Job, which: WhichWeights) => Promise<StoredModel>

const KEPT_BYTES_MAX = 256 * 1024 ** 2

/** Throws `weights_not_found`, with the reason. */
export function makeLoadModel({
  jobs,
  blobs,
}: {
  jobs: Pick<JobStore, 'weights'>
  blobs: Pick<BlobStore, 'read'>
}): LoadModel {
  /** Bytes by content, least recently used first; under way or there. */
  const kept = new Map<string, { bytes: number; content: Promise<Uint8Array> }>()

  return async (job, which) => {
    const weights = await jobs.weights(job.id, which)
    if (weights === null) throw weightsNotFound(job)
    const { sha256, epoch, architecture, preprocessing } = weights
    const entry = kept.get(sha256) ?? {
      bytes: weights.bytes,
      content: readShared(blobs, sha256, weights.bytes),
    }
    kept.delete(sha256)
    kept.set(sha256, entry)
    entry.content.catch(() => kept.delete(sha256))
    makeRoom()
    const key = `${job.id}/${which}/${sha256}`
    return { key, epoch, sha256, architecture, preprocessing, bytes: await entry.content }
  }

  function makeRoom(): void {
    let held = 0
    for (const { bytes } of kept.values()) held += bytes
    for (const [sha256, { bytes }] of kept) {
      if (held <= KEPT_BYTES_MAX) return
      kept.delete(sha256)
      held -= bytes
    }
  }
}

export function weightsNotFound(job: Job): DomainError {
  const detail = isTerminal(job.status)
    ? `The job has ${job.status === 'cancelled' ? 'been cancelled' : job.status} without weights.`
    : `The job is ${job.status}; its weights are there when it has ended.`
  return new DomainError('weights_not_found', { detail, job_status: job.status })
}

/** A blob of so many bytes, in memory that threads share. */
export async function readShared(
  blobs: Pick<BlobStore, 'read'>,
  sha256: string,
  length: number,
): Promise<Uint8Array> {
  const content = new Uint8Array(new SharedArrayBuffer(length))
  let at = 0
  for await (const chunk of blobs.read(sha256)) {
    content.set(chunk, at)
    at += chunk.length
  }
  return content
}
