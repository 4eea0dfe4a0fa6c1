/** Rows that a job's weights can be judged by: those of its split, in the data sets they are of. */
import type { Dataset, Job, ProjectId, WhichWeights } from '@trainyard/contracts'
import type { Table, Tables } from '@trainyard/datasets'
import type { BlobStore, DatasetStore, JobStore } from '@trainyard/domain'
import { TEST_ROW, TRAINING_ROW, VALIDATION_ROW } from '@trainyard/model'
import type { DatasetFiles } from '../files/dataset-files.ts'
import { findDataset } from './find-dataset.ts'
import { findJob } from './find-job.ts'
import type { LoadModel, StoredModel } from './load-model.ts'
import { budgetExceeded } from './read-budget.ts'
import { readParts, splitNotFound } from './read-split.ts'

/** Of predicting the rows that are looked at: some five seconds of one thread. */
export const JUDGED_FLOPS_MAX = 200_000_000_000
/** Of the rows that are looked at: 200 MB. */
const CELLS_MAX = 25_000_000

export interface JudgedPart {
  dataset: Dataset
  /** Ascending. */
  rows: Uint32Array
  /** Some of the rows, ascending, as a table of their own, with what the model takes of them and the target. */
  read(rows: Uint32Array): Promise<{ table: Table; rows: Uint32Array }>
}

export interface JudgedRows {
  job: Job
  model: StoredModel
  training: JudgedPart
  /** Null where nothing validated, or each row did in a fold of its own. */
  validation: JudgedPart | null
  /** Null without a test part. */
  test: JudgedPart | null
}

export type FindJudgedRows = (
  projectId: ProjectId,
  id: string,
  which: WhichWeights,
) => Promise<JudgedRows>

/** Throws `weights_not_found`, `split_not_found`, or `budget_exceeded` for a data set that is too large to be read at once. */
export function makeFindJudgedRows(deps: {
  jobs: Pick<JobStore, 'find' | 'split'>
  datasets: Pick<DatasetStore, 'find'>
  blobs: Pick<BlobStore, 'read'>
  tables: Pick<Tables, 'readTable'>
  files: Pick<DatasetFiles, 'use'>
  loadModel: LoadModel
}): FindJudgedRows {
  const { jobs, datasets, blobs, tables, files, loadModel } = deps
  return async (projectId, id, which) => {
    const job = await findJob(jobs, projectId, id)
    const model = await loadModel(job, which)
    const sha256 = await jobs.split(job.id)
    if (sha256 === null) throw splitNotFound(job)
    const parts = readParts(job, Buffer.concat(await Array.fromAsync(blobs.read(sha256))))
    const own = await findDataset(datasets, projectId, job.dataset_id)
    const datasetOf = async (id: string | null) =>
      id === null ? own : await findDataset(datasets, projectId, id)
    const training = toPart(model, own, parts.own, (part) =>
      parts.folds === null ? part === TRAINING_ROW : part >= TRAINING_ROW && part !== TEST_ROW,
    )
    const validation = toPart(
      model,
      await datasetOf(parts.validation.id),
      parts.validation.parts,
      (part) => parts.folds === null && part === VALIDATION_ROW,
    )
    const test = toPart(
      model,
      await datasetOf(parts.test.id),
      parts.test.parts,
      (part) => part === TEST_ROW,
    )
    return { job, model, training, validation: unlessEmpty(validation), test: unlessEmpty(test) }
  }

  function toPart(
    { architecture, preprocessing }: StoredModel,
    dataset: Dataset,
    parts: Uint8Array,
    isOfPart: (part: number) => boolean,
  ): JudgedPart {
    const wanted = new Set(preprocessing.columns.map(({ column }) => column))
    wanted.add(architecture.target)
    const columns = dataset.columns.map((column) =>
      wanted.has(column.name) ? column : { ...column, role: 'ignored' as const },
    )
    const all = Uint32Array.from(parts, (_, row) => row)
    return {
      dataset,
      rows: all.filter((row) => isOfPart(parts[row] as number)),
      async read(rows) {
        const cells = rows.length * columns.filter(({ role }) => role !== 'ignored').length
        if (cells > CELLS_MAX) {
          const detail = `has ${rows.length} rows, ${cells} cells, to be looked at; at most ${CELLS_MAX} are read at once`
          throw budgetExceeded({ parameter: 'id' }, detail)
        }
        const table = await files.use(dataset, (path) => tables.readTable(path, columns, rows))
        return { table, rows: Uint32Array.from(rows.keys()) }
      },
    }
  }
}

function unlessEmpty(part: JudgedPart): JudgedPart | null {
  return part.rows.length === 0 ? null : part
}
