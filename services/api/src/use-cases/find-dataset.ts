import type { Dataset, ProjectId } from '@trainyard/contracts'
import { type DatasetStore, DomainError } from '@trainyard/domain'
import { isIdLike } from './find-job.ts'

/** The data set, or `dataset_not_found`: of another project or never there, the answer is the same. */
export async function findDataset(
  datasets: Pick<DatasetStore, 'find'>,
  projectId: ProjectId,
  id: string,
): Promise<Dataset> {
  const dataset = isIdLike(id, 'ds') ? await datasets.find(projectId, id) : null
  if (dataset === null) throw new DomainError('dataset_not_found')
  return dataset
}
