import type { Job, ProjectId } from '@trainyard/contracts'
import { type BlobStore, DomainError, isTerminal, type JobStore } from '@trainyard/domain'
import { TEST_ROW, TRAINING_ROW, VALIDATION_ROW } from '@trainyard/model'
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

function* writeJson(job: Job, bytes: Uint8Array): Generator<string> {
  const { folds, own, validation, test } = readParts(job, bytes)
  const { id: job_id, dataset_id } = job
  const head = JSON.stringify({
    object: 'training.job_split',
    ...{ job_id, dataset_id, validation_dataset_id: validation.id, test_dataset_id: test.id },
  })
  yield `${head.slice(0, -1)},"training":`
  yield* writeRows(own, (part) =>
    folds === null ? part === TRAINING_ROW : part >= TRAINING_ROW && part !== TEST_ROW,
  )
  yield ',"validation":'
  yield* writeRows(validation.parts, (part) => folds === null && part === VALIDATION_ROW)
  yield ',"test":'
  yield* writeRows(test.parts, (part) => part === TEST_ROW)
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

function* writeCsv(job: Job, bytes: Uint8Array): Generator<string> {
  const { folds, own, validation, test } = readParts(job, bytes)
  const nameOf = (part: number) => {
    if (part === TRAINING_ROW) return 'training'
    if (part === TEST_ROW) return 'test'
    return folds === null ? 'validation' : `fold_${part - VALIDATION_ROW + 1}`
  }
  yield 'row,part\n'
  for (const parts of new Set([own, validation.parts, test.parts])) {
    for (let start = 0; start < parts.length; start += ROWS_PER_CHUNK) {
      let text = ''
      for (const [i, part] of parts.subarray(start, start + ROWS_PER_CHUNK).entries()) {
        if (part >= TRAINING_ROW) text += `${start + i},${nameOf(part)}\n`
      }
      yield text
    }
  }
}

/** Parts of the rows of the data set; those of data sets for validation and for tests follow, in this order. */
export function readParts({ resolved_config: { validation, test } }: Job, bytes: Uint8Array) {
  const folds = validation !== null && 'folds' in validation ? validation.folds : null
  const validating = validation !== null && 'dataset_id' in validation ? validation : null
  // Absent from jobs of before there was any.
  const testing = test != null && 'dataset_id' in test ? test : null
  const testStart = bytes.length - (testing?.rows ?? 0)
  const ownRows = testStart - (validating?.rows ?? 0)
  const own = bytes.subarray(0, ownRows)
  return {
    folds,
    own,
    validation: {
      id: validating?.dataset_id ?? null,
      parts: validating === null ? own : bytes.subarray(ownRows, testStart),
    },
    test: {
      id: testing?.dataset_id ?? null,
      parts: testing === null ? own : bytes.subarray(testStart),
    },
  }
}
