import {
  type Dataset,
  type FieldError,
  FOLDS_MAX,
  type JobQuote,
  type JobSpec,
  type ProjectId,
  type ResolvedConfig,
} from '@trainyard/contracts'
import { DataError, inputWidth } from '@trainyard/datasets'
import {
  assertWithinLimits,
  type DatasetStore,
  DomainError,
  type HeldOutSet,
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
    const [validationSet, testSet] = await findHeldOut(projectId, spec)
    const resolved = resolve(spec, {
      dataset,
      validationSet,
      testSet,
      initialModel,
      groupsOf: await groupCounter(spec, dataset),
      drawSeed: deps.drawSeed,
    })
    const runs = runsOf(dataset.rows, resolved)
    const heldOut = [validationSet, testSet].filter((set) => set !== null)
    const trained = resolved.training.oversample ? await oversampledRows(dataset) : null
    const plans = inLimits(() =>
      runs.map((rows) => {
        const trainingRows = trained?.(rows.trainingRows) ?? rows.trainingRows
        return planTraining({ resolved, dataset, heldOut, split: { ...rows, trainingRows } })
      }),
    )
    const memoryBytes = Math.max(...plans.map((plan) => plan.memoryBytes))
    // The last is the one whose model is kept.
    const plan = { ...(plans.at(-1) as NetworkPlan), memoryBytes }
    const { trainingRows, validationRows, testRows } = runs.at(-1) as SplitSize
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
      test_rows: testRows,
    }
  }

  /** Of a large table the profile knows a part of the rows; what has enough groups there has them. */
  async function groupCounter(
    { validation, test }: JobSpec,
    { id, rows, columns }: Dataset,
  ): Promise<(column: string) => number | null> {
    const asked = [validation, test].some((part) => part != null && 'group_column' in part)
    if (!asked && columns.every(({ role }) => role !== 'group')) return () => null
    const profile = await deps.datasets.profile(id)
    return (name) => {
      const column = profile?.columns.find((one) => one.name === name)
      if (column?.distinct == null) return null
      const isCounted = profile?.rows_examined === rows || column.distinct > FOLDS_MAX
      // Every row without a value is a group of its own.
      return isCounted ? column.distinct + column.missing : null
    }
  }

  /** How many rows at most come of so many training rows. */
  async function oversampledRows({ id, rows, columns, target }: Dataset) {
    const classes = columns.find(({ name }) => name === target)?.levels?.length ?? 1
    const largest = largestClassRows(rows, await deps.datasets.profile(id))
    return (trainingRows: number) => classes * Math.min(largest, trainingRows)
  }

  /** The data sets of their own that validation and test have; every part proves something only on rows of its own. */
  async function findHeldOut(
    projectId: ProjectId,
    spec: JobSpec,
  ): Promise<[HeldOutSet | null, HeldOutSet | null]> {
    const uses = new Map([[spec.dataset_id, 'that is trained on']])
    const find = async (part: HeldOutSet['part'], used: string): Promise<HeldOutSet | null> => {
      const asked = spec[part]
      if (asked == null || !('dataset_id' in asked)) return null
      const taken = uses.get(asked.dataset_id)
      if (taken !== undefined) {
        const detail = `is the data set ${taken}, which proves nothing; name another`
        throw invalid([{ pointer: `#/${part}/dataset_id`, detail }])
      }
      uses.set(asked.dataset_id, used)
      return { ...(await findDataset(deps.datasets, projectId, asked.dataset_id)), part }
    }
    return [await find('validation', 'that validates'), await find('test', 'that tests')]
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
