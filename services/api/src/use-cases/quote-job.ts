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
  type InitialModel,
  largestClassRows,
  type ModelStore,
  type ResolveContext,
  resolveConfig,
  runsOf,
  type SplitSize,
} from '@trainyard/domain'
import { EngineError, type NetworkPlan } from '@trainyard/engine/plan'
import { planTraining } from '@trainyard/model'
import { findDataset } from './find-dataset.ts'
import { findNetworkVersion } from './find-model.ts'

export type QuoteJob = (projectId: ProjectId, spec: JobSpec) => Promise<JobQuote>

/** Everything a submission would resolve to, within the limits; nothing is stored. */
export function makeQuoteJob(deps: {
  datasets: Pick<DatasetStore, 'find' | 'profile'>
  models: Pick<ModelStore, 'findVersion'>
  jobMemoryBytesMax: number
  drawSeed: () => number
}): QuoteJob {
  return async (projectId, spec) => {
    const dataset = await findDataset(deps.datasets, projectId, spec.dataset_id)
    const initialModel = await findInitialModel(projectId, spec)
    const validationSet = await findValidationSet(projectId, spec)
    const resolved = resolve(spec, {
      dataset,
      validationSet,
      initialModel,
      drawSeed: deps.drawSeed,
    })
    const runs = runsOf(dataset.rows, resolved.validation)
    const trained = resolved.training.oversample ? await oversampledRows(dataset) : null
    const plans = inLimits(() =>
      runs.map(({ trainingRows, validationRows }) => {
        const split = { trainingRows: trained?.(trainingRows) ?? trainingRows, validationRows }
        return planTraining({ resolved, dataset, validationSet, split })
      }),
    )
    const memoryBytes = Math.max(...plans.map((plan) => plan.memoryBytes))
    // The last is the one whose model is kept.
    const plan = { ...(plans.at(-1) as NetworkPlan), memoryBytes }
    const { trainingRows, validationRows } = runs.at(-1) as SplitSize
    assertWithinLimits(plan, resolved, deps.jobMemoryBytesMax)
    return {
      object: 'training.job_quote',
      dataset_id: dataset.id,
      resolved_config: resolved,
      parameter_count: plan.parameterCount,
      flops_per_epoch: plan.flopsPerEpoch,
      memory_bytes: plan.memoryBytes,
      training_rows: trainingRows,
      validation_rows: validationRows,
    }
  }

  /** How many rows at most come of so many training rows. */
  async function oversampledRows({ id, rows, columns, target }: Dataset) {
    const classes = columns.find(({ name }) => name === target)?.levels?.length ?? 1
    const largest = largestClassRows(rows, await deps.datasets.profile(id))
    return (trainingRows: number) => classes * Math.min(largest, trainingRows)
  }

  async function findValidationSet(
    projectId: ProjectId,
    { dataset_id, validation }: JobSpec,
  ): Promise<Dataset | null> {
    if (validation == null || !('dataset_id' in validation)) return null
    if (validation.dataset_id === dataset_id) {
      const detail = 'is the data set that is trained on, which proves nothing; name another'
      throw invalid([{ pointer: '#/validation/dataset_id', detail }])
    }
    return await findDataset(deps.datasets, projectId, validation.dataset_id)
  }

  async function findInitialModel(
    projectId: ProjectId,
    { initial_weights: initial }: JobSpec,
  ): Promise<InitialModel | null> {
    if (initial == null) return null
    return await findNetworkVersion(deps.models, projectId, initial, '#/initial_weights/model')
  }
}

/** Throws `validation_error` with every fault: those of the specification, and columns that are too wide for it. */
function resolve(spec: JobSpec, given: Omit<ResolveContext, 'inputWidth'>): ResolvedConfig {
  const tooWide: FieldError[] = []
  const context: ResolveContext = {
    ...given,
    inputWidth: (preprocessing) => {
      try {
        return inputWidth(given.dataset.columns, preprocessing)
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
