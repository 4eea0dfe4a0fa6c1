import type { Job, ProjectId } from '@trainyard/contracts'
import { type BlobStore, DomainError, isTerminal, type JobStore } from '@trainyard/domain'
import { TRAINING_ROW, VALIDATION_ROW } from '@trainyard/model'
import { findJob } from './find-job.ts'

export interface SplitFile {
  job: Job
  /** Strong: the same text means the same bytes. */
  etag: string
  open: () => Promise<Iterable<string>>
}

export type ReadSplit = (
  projectId: ProjectId,
  id: string,
  format: 'json' | 'csv',
) => Promise<SplitFile>

/** Rows that are written at once, while nothing else is done. */
const ROWS_PER_CHUNK = 16_384

export function makeReadSplit({
  jobs,
  blobs,
}: {
  jobs: Pick<JobStore, 'find' | 'split'>
  blobs: Pick<BlobStore, 'read'>
}): ReadSplit {
  return async (projectId, id, format) => {
    const job = await findJob(jobs, projectId, id)
    const sha256 = await jobs.split(job.id)
    if (sha256 === null) throw splitNotFound(job)
    return {
      job,
      etag: `"${sha256}-${job.id}-${format}"`,
      open: async () => {
        const parts = Buffer.concat(await Array.fromAsync(blobs.read(sha256)))
        return format === 'json' ? writeJson(job, parts) : writeCsv(job, parts)
      },
    }
  }
}

export function splitNotFound({ status }: Job): DomainError {
  const detail = isTerminal(status)
    ? `The job has ${status === 'cancelled' ? 'been cancelled' : status} without a split.`
    : `The job is ${status}; its split is there when it has ended.`
  return new DomainError('split_not_found', { detail, job_status: status })
}

function* writeJson(job: Job, parts: Uint8Array): Generator<string> {
  const { folds, own, set } = readParts(job, parts)
  const { id: job_id, dataset_id } = job
  const head = JSON.stringify({
    object: 'training.job_split',
    ...{ job_id, dataset_id, validation_dataset_id: set?.id ?? null },
  })
  yield `${head.slice(0, -1)},"training":`
  yield* writeRows(parts, (part) => (folds === null ? part === TRAINING_ROW : part >= TRAINING_ROW))
  yield ',"validation":'
  yield* writeRows(set?.parts ?? own, (part) => folds === null && part === VALIDATION_ROW)
  yield ',"folds":'
  for (let fold = 0; fold < (folds ?? 0); fold++) {
    yield fold === 0 ? '[' : ','
    yield* writeRows(own, (part) => part === VALIDATION_ROW + fold)
  }
  yield folds === null ? 'null}' : ']}'
}

function* writeRows(parts: Uint8Array, isWanted: (part: number) => boolean): Generator<string> {
  let separator = '['
  for (let start = 0; start < parts.length; start += ROWS_PER_CHUNK) {
    const rows: number[] = []
    for (const [i, part] of parts.subarray(start, start + ROWS_PER_CHUNK).entries()) {
      if (isWanted(part)) rows.push(start + i)
    }
    if (rows.length === 0) continue
    yield separator + rows.join(',')
    separator = ','
  }
  yield separator === '[' ? '[]' : ']'
}

function* writeCsv(job: Job, parts: Uint8Array): Generator<string> {
  const { folds, own, set } = readParts(job, parts)
  const nameOf = (part: number) => {
    if (part === TRAINING_ROW) return 'training'
    return folds === null ? 'validation' : `fold_${part - VALIDATION_ROW + 1}`
  }
  yield 'row,part\n'
  for (const rows of [own, set?.parts ?? new Uint8Array()]) {
    for (let start = 0; start < rows.length; start += ROWS_PER_CHUNK) {
      let text = ''
      for (const [i, part] of rows.subarray(start, start + ROWS_PER_CHUNK).entries()) {
        if (part >= TRAINING_ROW) text += `${start + i},${nameOf(part)}\n`
      }
      yield text
    }
  }
}

/** Parts of the rows of the data set, and of those of a data set for validation, which follow. */
export function readParts({ resolved_config: { validation } }: Job, parts: Uint8Array) {
  const folds = validation !== null && 'folds' in validation ? validation.folds : null
  if (validation === null || !('dataset_id' in validation)) return { folds, own: parts, set: null }
  const own = parts.subarray(0, parts.length - validation.rows)
  return { folds, own, set: { id: validation.dataset_id, parts: parts.subarray(own.length) } }
}
