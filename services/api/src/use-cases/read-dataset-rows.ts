import type { DatasetRows, ProjectId } from '@trainyard/contracts'
import type { Tables } from '@trainyard/datasets'
import { type DatasetStore, DomainError } from '@trainyard/domain'
import type { DatasetFiles } from '../files/dataset-files.ts'
import { findDataset } from './find-dataset.ts'

/** Cells of one page: the widest data set would fill a page of 1,000 rows with 16 million. */
const CELLS_MAX = 500_000

export type ReadDatasetRows = (
  projectId: ProjectId,
  id: string,
  page: { offset: number; limit: number },
) => Promise<DatasetRows>

export function makeReadDatasetRows(deps: {
  tables: Pick<Tables, 'readRows'>
  datasets: Pick<DatasetStore, 'find'>
  files: Pick<DatasetFiles, 'use'>
}): ReadDatasetRows {
  return async (projectId, id, page) => {
    const dataset = await findDataset(deps.datasets, projectId, id)
    const { columns } = dataset
    if (page.limit * columns.length > CELLS_MAX) {
      const limit = Math.floor(CELLS_MAX / columns.length)
      throw new DomainError('validation_error', {
        errors: [
          {
            parameter: 'limit',
            detail: `must be at most ${limit} for ${columns.length} columns, got ${page.limit}`,
          },
        ],
      })
    }
    const rows = await deps.files.use(dataset, (path) => deps.tables.readRows(path, columns, page))
    return {
      object: 'dataset.rows',
      columns: columns.map(({ name }) => name),
      rows,
      offset: page.offset,
      total: dataset.rows,
    }
  }
}
