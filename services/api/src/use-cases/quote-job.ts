import type {
  Dataset,
  FieldError,
  JobQuote,
  JobSpec,
  ProjectId,
  ResolvedConfig,
} from '@trainyard/contracts'
import { DataError, inputWidth } from '@trainyard/datasets'
import {
  assertWithinLimits,
  type DatasetStore,
  DomainError,
  type ResolveContext,
  resolveConfig,
  trainingRowsOf,
} from '@trainyard/domain'
import { EngineError } from '@trainyard/engine/plan'
import { planTraining } from '@trainyard/model'
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
    const resolved = resolve(spec, dataset, deps.drawSeed)
    const trainingRows =
      resolved.validation === null
        ? dataset.rows
        : trainingRowsOf(dataset.rows, resolved.validation.fraction)
    const plan = inLimits(() =>
      planTraining({ resolved, columns: dataset.columns, rows: dataset.rows, trainingRows }),
    )
    assertWithinLimits(plan, resolved, deps.jobMemoryBytesMax)
    return {
      object: 'training.job_quote',
      dataset_id: dataset.id,
      resolved_config: resolved,
      parameter_count: plan.parameterCount,
      flops_per_epoch: plan.flopsPerEpoch,
      memory_bytes: plan.memoryBytes,
      training_rows: trainingRows,
      validation_rows: dataset.rows - trainingRows,
    }
  }
}

/** Throws `validation_error` with every fault: those of the specification, and columns that are too wide for it. */
function resolve(spec: JobSpec, dataset: Dataset, drawSeed: () => number): ResolvedConfig {
  const tooWide: FieldError[] = []
  const context: ResolveContext = {
    dataset,
    drawSeed,
    inputWidth: (preprocessing) => {
      try {
        return inputWidth(dataset.columns, preprocessing)
      } catch (error) {
        if (!(error instanceof DataError)) throw error
        const pointer = '#/preprocessing/max_levels'
        tooWide.push(...error.faults.map(({ detail }) => ({ detail, pointer })))
        return 1
      }
    },
  }
  let resolved: ResolvedConfig
  try {
    resolved = resolveConfig(spec, context)
  } catch (error) {
    if (!(error instanceof DomainError) || tooWide.length === 0) throw error
    throw invalid([...(error.details.errors ?? []), ...tooWide])
  }
  if (tooWide.length > 0) throw invalid(tooWide)
  return resolved
}

function invalid(errors: FieldError[]): DomainError {
  return new DomainError('validation_error', { errors })
}

/** What the engine refuses to plan is a fault of the specification. */
function inLimits<Result>(plan: () => Result): Result {
  try {
    return plan()
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw invalid([{ pointer: '#', detail: error.message }])
  }
}
