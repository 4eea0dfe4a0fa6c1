import type { BatchPrediction, ProjectId } from '@trainyard/contracts'
import { type BatchPredictionStore, DomainError } from '@trainyard/domain'
import { isIdLike } from './find-job.ts'

/** The batch prediction, or `batch_prediction_not_found`: of another project or never there, the answer is the same. */
export async function findBatchPrediction(
  batchPredictions: Pick<BatchPredictionStore, 'find'>,
  projectId: ProjectId,
  id: string,
): Promise<BatchPrediction> {
  const batch = isIdLike(id, 'bp') ? await batchPredictions.find(projectId, id) : null
  if (batch === null) throw new DomainError('batch_prediction_not_found')
  return batch
}
