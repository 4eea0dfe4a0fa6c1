import type { DatasetProfile, ProjectId } from '@trainyard/contracts'
import type { Tables } from '@trainyard/datasets'
import type { DatasetStore } from '@trainyard/domain'
import type { DatasetFiles } from '../files/dataset-files.ts'
import { findDataset } from './find-dataset.ts'

export type ReadDatasetProfile = (projectId: ProjectId, id: string) => Promise<DatasetProfile>

/** What was found when the table came in; for a data set from before there were profiles, what is found now. */
export function makeReadDatasetProfile(deps: {
  tables: Pick<Tables, 'changeTable'>
  datasets: Pick<DatasetStore, 'find' | 'profile'>
  files: Pick<DatasetFiles, 'use'>
}): ReadDatasetProfile {
  return async (projectId, id) => {
    const dataset = await findDataset(deps.datasets, projectId, id)
    const stored = await deps.datasets.profile(dataset.id)
    const profile =
      stored ??
      (await deps.files.use(dataset, (path) => deps.tables.changeTable(path, dataset, {}))).profile
    return {
      object: 'dataset.profile',
      dataset_id: dataset.id,
      rows: dataset.rows,
      ...profile,
      warnings: dataset.warnings,
    }
  }
}
