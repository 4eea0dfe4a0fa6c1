import type { Column, ResolvedConfig } from '@trainyard/contracts'
import { tableBytes } from '@trainyard/datasets/schema'
import { type NetworkPlan, planNetwork } from '@trainyard/engine/plan'
import { threadsMax, toAugmentation, toNetworkConfig } from './network-config.ts'

/**
 * Copies of the parameters outside the engine's memory at the end, when they are most: those it began with; best and
 * last, both also as packed bytes; and one of those that the collector has not come to yet.
 */
const PARAMETER_COPIES = 6
/**
 * One on its way to the database, that of the end or the one that an attempt goes on from, and two that the collector has not
 * come to: measured, a job of 18 million parameters that keeps one every second takes 7 % less than what this gives.
 */
const CHECKPOINT_COPIES = 4
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
  /** Data sets of their own for validation and test. */
  heldOut: readonly TableFacts[]
  split: { trainingRows: number; validationRows: number; testRows: number }
}): NetworkPlan {
  const { resolved, dataset, heldOut, split } = input
  const { trainingRows, validationRows, testRows } = split
  const { model, training } = resolved
  const hasRowWeights = dataset.columns.some(({ role }) => role === 'weight')
  const planRows = (rows: { trainingRows: number; validationRows: number; batchSize: number }) =>
    planNetwork({
      network: toNetworkConfig(resolved),
      optimizer: training.optimizer.type,
      ...rows,
      weighted: training.class_weight !== null || hasRowWeights,
      threads: threadsMax(resolved),
      observed: true,
      augmentation: toAugmentation(training),
    })
  const plan = planRows({ trainingRows, validationRows, batchSize: training.batch_size })
  // After the training is gone, the test rows are looked at in its place.
  const testBytes =
    testRows === 0
      ? 0
      : planRows({ trainingRows: 1, validationRows: testRows, batchSize: 1 }).memoryBytes
  // Inputs, one target, a weight and the row's index, encoded before the engine copies them into its memory.
  const floatsPerRow = model.inputs + 1 + Number(hasRowWeights)
  const encodedBytes =
    (trainingRows + validationRows + testRows) * (floatsPerRow * FLOAT_BYTES + SPLIT_BYTES)
  const parameterBytes = PARAMETER_COPIES * FLOAT_BYTES * plan.parameterCount
  const tablesBytes = [dataset, ...heldOut].reduce(
    (bytes, { columns, rows }) => bytes + tableBytes(columns, rows),
    0,
  )
  const memoryBytes =
    Math.max(plan.memoryBytes, testBytes) +
    tablesBytes +
    encodedBytes +
    parameterBytes +
    CHECKPOINT_COPIES * plan.checkpointBytes
  return { ...plan, memoryBytes }
}
