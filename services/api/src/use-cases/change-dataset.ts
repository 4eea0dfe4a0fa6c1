import { rm } from 'node:fs/promises'
import type { ChangeDatasetBody, Dataset, ProjectId } from '@trainyard/contracts'
import type { Tables } from '@trainyard/datasets'
import { type BlobStore, type DatasetStore, DomainError } from '@trainyard/domain'
import { storeFile } from '@trainyard/store'
import type { DatasetFiles } from '../files/dataset-files.ts'
import { findDataset } from './find-dataset.ts'

export type ChangeDataset = (
  projectId: ProjectId,
  id: string,
  body: ChangeDatasetBody,
) => Promise<Dataset>

/** Says otherwise what was inferred, as long as no job was submitted on the data set. */
export function makeChangeDataset(deps: {
  tables: Pick<Tables, 'changeTable'>
  datasets: Pick<DatasetStore, 'find' | 'change'>
  blobs: Pick<BlobStore, 'put'>
  files: Pick<DatasetFiles, 'use' | 'adopt'>
}): ChangeDataset {
  const { tables, datasets, blobs, files } = deps
  return async (projectId, id, { name, ...change }) => {
    const before = await findDataset(datasets, projectId, id)
    const table = await files.use(before, (path) => tables.changeTable(path, before, change))
    const { parquetPath, ...described } = table
    try {
      const blob = parquetPath === null ? before : await storeFile(blobs, parquetPath)
      const { sha256, bytes } = blob
      const after = { name: name ?? before.name, ...described, sha256, bytes }
      const dataset = await datasets.change({ before, after })
      if (dataset === null) {
        const detail = 'The data set was changed or deleted by another request meanwhile.'
        throw new DomainError('dataset_immutable', { detail })
      }
      if (parquetPath !== null) await files.adopt(blob, parquetPath)
      return dataset
    } catch (error) {
      if (parquetPath !== null) await rm(parquetPath, { force: true })
      throw error
    }
  }
}
