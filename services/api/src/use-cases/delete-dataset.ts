import type { ProjectId } from '@trainyard/contracts'
import { type DatasetStore, DomainError } from '@trainyard/domain'
import { isIdLike } from './find-job.ts'

export type DeleteDataset = (projectId: ProjectId, id: string) => Promise<void>

export function makeDeleteDataset({
  datasets,
}: {
  datasets: Pick<DatasetStore, 'delete'>
}): DeleteDataset {
  return async (projectId, id) => {
    const isDeleted = isIdLike(id, 'ds') && (await datasets.delete(projectId, id))
    if (!isDeleted) throw new DomainError('dataset_not_found')
  }
}
