/** Weights in memory, the last used ones kept: a model is often asked again within a second. */
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

/** Weights by their content; `bytes` is their length. In shared memory. */
export type ReadWeightBytes = (blob: { sha256: string; bytes: number }) => Promise<Uint8Array>
export type LoadModel = (job: Job, which: WhichWeights) => Promise<StoredModel>

const KEPT_BYTES_MAX = 256 * 1024 ** 2

export function makeReadWeightBytes({
  blobs,
}: {
  blobs: Pick<BlobStore, 'read'>
}): ReadWeightBytes {
  /** By content, least recently used first; under way or there. */
  const kept = new Map<string, { bytes: number; content: Promise<Uint8Array> }>()

  return async ({ sha256, bytes }) => {
    const entry = kept.get(sha256) ?? { bytes, content: readShared(blobs, sha256, bytes) }
    kept.delete(sha256)
    kept.set(sha256, entry)
    entry.content.catch(() => kept.delete(sha256))
    makeRoom()
    return await entry.content
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

/** Throws `weights_not_found`, with the reason, or `removed_by_gc`. */
export function makeLoadModel({
  jobs,
  readWeightBytes,
}: {
  jobs: Pick<JobStore, 'weights'>
  readWeightBytes: ReadWeightBytes
}): LoadModel {
  return async (job, which) => {
    const weights = await jobs.weights(job.id, which)
    if (weights === null) throw weightsNotFound(job)
    const { bytes: _, ...rest } = weights
    const key = `${job.id}/${which}/${weights.sha256}`
    return { key, ...rest, bytes: await readWeightBytes(weights) }
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
