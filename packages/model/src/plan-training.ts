import type { Column, ResolvedConfig } from '@trainyard/contracts'
import { tableBytes } from '@trainyard/datasets/schema'
import { type NetworkPlan, planNetwork } from '@trainyard/engine/plan'
import { threadsMax, toAugmentation, toNetworkConfig } from './network-config.ts'

/**
 * Copies of the parameters outside the engine's memory at the end, when they are most: those it began with; best and
 * last, both also as packed bytes; and one of those that the collector has not come to yet.
 */
const PARAMETER_COPIES = 6
const FLOAT_BYTES = 4
/** The row's index and, in the split that is kept, its part. */
const SPLIT_BYTES = 4 + 1

interface TableFacts {
  columns: readonly Column[]
  rows: number
}

/**
 * What training a specification on tables of so many rows takes; `memoryBytes` is all of a worker's memory that the job
 * needs, not the engine's part alone. Throws EngineError for what the engine refuses.
 */
export function planTraining(input: {
  resolved: ResolvedConfig
  dataset: TableFacts
  /** A data set of its own for validation. */
  validationSet: TableFacts | null
  split: { trainingRows: number; validationRows: number }
}): NetworkPlan {
  const { resolved, dataset, validationSet, split } = input
  const { model, training } = resolved
  const hasRowWeights = dataset.columns.some(({ role }) => role === 'weight')
  const plan = planNetwork({
    network: toNetworkConfig(resolved),
    optimizer: training.optimizer.type,
    batchSize: training.batch_size,
    ...split,
    weighted: training.class_weight !== null || hasRowWeights,
    threads: threadsMax(resolved),
    observed: true,
    augmentation: toAugmentation(training),
  })
  // Inputs, one target, a weight and the row's index, encoded before the engine copies them into its memory.
  const floatsPerRow = model.inputs + 1 + Number(hasRowWeights)
  const encodedBytes =
    (split.trainingRows + split.validationRows) * (floatsPerRow * FLOAT_BYTES + SPLIT_BYTES)
  const parameterBytes = PARAMETER_COPIES * FLOAT_BYTES * plan.parameterCount
  const tablesBytes = [dataset, ...(validationSet === null ? [] : [validationSet])].reduce(
    (bytes, { columns, rows }) => bytes + tableBytes(columns, rows),
    0,
  )
  const memoryBytes = plan.memoryBytes + tablesBytes + encodedBytes + parameterBytes
  return { ...plan, memoryBytes }
}
