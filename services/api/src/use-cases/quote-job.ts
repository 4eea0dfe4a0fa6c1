import type { Dataset, JobQuote, JobSpec, ProjectId } from '@trainyard/contracts'
import { inputWidth } from '@trainyard/datasets'
import {
  assertWithinLimits,
  type DatasetStore,
  DomainError,
  resolveConfig,
  trainingRowsOf,
} from '@trainyard/domain'
import { EngineError, planNetwork } from '@trainyard/engine/plan'
import { toNetworkConfig } from '@trainyard/model'
import { findDataset } from './find-dataset.ts'

export type QuoteJob = (projectId: ProjectId, spec: JobSpec) => Promise<JobQuote>

/** Everything a submission would resolve to, within the limits; nothing is stored. */
export function makeQuoteJob(deps: {
  datasets: Pick<DatasetStore, 'find'>
  jobMemoryBytesMax: number
  drawSeed: () => number
}): QuoteJob {
  return async (projectId, spec) => {
    const dataset = await findDataset(deps.datasets, projectId, spec.dataset_id)
    const resolved = resolveConfig(spec, {
      dataset,
      inputWidth: (preprocessing) => inputWidth(dataset.columns, preprocessing),
      drawSeed: deps.drawSeed,
    })
    const trainingRows =
      resolved.validation === null
        ? dataset.rows
        : trainingRowsOf(dataset.rows, resolved.validation.fraction)
    const plan = inLimits(() =>
      planNetwork({
        network: toNetworkConfig(resolved),
        optimizer: resolved.training.optimizer.type,
        batchSize: resolved.training.batch_size,
        trainingRows,
        validationRows: dataset.rows - trainingRows,
      }),
    )
    assertWithinLimits(plan, resolved, deps.jobMemoryBytesMax)
    return {
      object: 'training.job_quote',
      dataset_id: dataset.id as Dataset['id'],
      resolved_config: resolved,
      parameter_count: plan.parameterCount,
      flops_per_epoch: plan.flopsPerEpoch,
      memory_bytes: plan.memoryBytes,
      training_rows: trainingRows,
      validation_rows: dataset.rows - trainingRows,
    }
  }
}

/** What the engine refuses to plan is a fault of the specification. */
function inLimits<Result>(plan: () => Result): Result {
  try {
    return plan()
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw new DomainError('validation_error', {
      errors: [{ pointer: '#', detail: error.message }],
    })
  }
}
