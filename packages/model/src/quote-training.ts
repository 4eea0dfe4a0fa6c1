/** What a job will be, before anything is read or stored: resolved, counted, and within the limits. Pure. */
import type {
  Dataset,
  FieldError,
  JobQuote,
  JobSpec,
  ResolvedConfig,
  StoredProfile,
} from '@trainyard/contracts'
import { DataError, inputWidth } from '@trainyard/datasets/schema'
import {
  assertWithinLimits,
  DomainError,
  type HeldOutSet,
  type InitialModel,
  largestClassRows,
  type ResolveContext,
  resolveConfig,
  runsOf,
  type SplitSize,
} from '@trainyard/domain'
import { EngineError, type NetworkPlan } from '@trainyard/engine/plan'
import { planTraining } from './plan-training.ts'

/** What a specification refers to, as it is. */
export interface TrainingFacts {
  dataset: Dataset
  /** Looked at where oversampling asks how large the classes are, or a split how many groups there are. */
  profile: StoredProfile | null
  validationSet: HeldOutSet | null
  testSet: HeldOutSet | null
  initialModel: InitialModel | null
}

/** Throws `validation_error` or `budget_exceeded` with every fault. */
export function quoteTraining(
  spec: JobSpec,
  { dataset, profile, validationSet, testSet, initialModel }: TrainingFacts,
  options: { memoryBytesMax: number; drawSeed: () => number },
): JobQuote {
  const { drawSeed } = options
  const resolved = resolve(spec, {
    ...{ dataset, validationSet, testSet, initialModel, drawSeed },
    groupsOf: groupCounter(dataset, profile),
  })
  const runs = runsOf(dataset.rows, resolved)
  const heldOut = [validationSet, testSet].filter((set) => set !== null)
  const trained = resolved.training.oversample ? oversampledRows(dataset, profile) : null
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
  assertWithinLimits(plan, resolved, options.memoryBytesMax)
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

/** Few values are counted in all rows, so what is too little is so for certain. */
function groupCounter(
  { columns }: Dataset,
  profile: StoredProfile | null,
): (column: string) => number | null {
  return (name) => {
    const levels = columns.find((one) => one.name === name)?.levels ?? null
    const column = profile?.columns.find((one) => one.name === name)
    const distinct = levels?.length ?? column?.distinct ?? null
    // Every row without a value is a group of its own.
    return distinct === null || column === undefined ? null : distinct + column.missing
  }
}

/** How many rows at most come of so many training rows. */
function oversampledRows({ rows, columns, target }: Dataset, profile: StoredProfile | null) {
  const classes = columns.find(({ name }) => name === target)?.levels?.length ?? 1
  const largest = largestClassRows(rows, profile)
  return (trainingRows: number) => classes * Math.min(largest, trainingRows)
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
