import type { Dataset, IngestingDataset, ProjectId } from '@trainyard/contracts'
import { type DatasetStore, DomainError, type IngestStore } from '@trainyard/domain'
import { findDataset } from './find-dataset.ts'

export type ReadDataset = (projectId: ProjectId, id: string) => Promise<Dataset | IngestingDataset>

/** The data set, or how far its upload has come. */
export function makeReadDataset({
  datasets,
  ingests,
}: {
  datasets: Pick<DatasetStore, 'find'>
  ingests: Pick<IngestStore, 'find'>
}): ReadDataset {
  return async (projectId, id) => {
    try {
      return await findDataset(datasets, projectId, id)
    } catch (error) {
      const isComing = error instanceof DomainError && error.code === 'dataset_ingesting'
      const coming = isComing ? await ingests.find(projectId, id) : null
      if (coming !== null) return coming
      // It may have become a data set, or nothing, in between.
      return await findDataset(datasets, projectId, id)
    }
  }
}
