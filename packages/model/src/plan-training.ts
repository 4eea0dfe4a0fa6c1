import type { Column, ResolvedConfig } from '@trainyard/contracts'
import { tableBytes } from '@trainyard/datasets'
import { type NetworkPlan, planNetwork } from '@trainyard/engine/plan'
import { threadsMax, toNetworkConfig } from './network-config.ts'

/**
 * Copies of the parameters outside the engine's memory at the end, when they are most: those it began with; best and
 * last, both also as packed bytes; and one of those that the collector has not come to yet.
 */
const PARAMETER_COPIES = 6
const FLOAT_BYTES = 4
const ROW_INDEX_BYTES = 4

/**
 * What training a specification on a table of so many rows takes; `memoryBytes` is all of a worker's memory that the job
 * needs, not the engine's part alone. Throws EngineError for what the engine refuses.
 */
export function planTraining(input: {
  resolved: ResolvedConfig
  columns: readonly Column[]
  rows: number
  /** The others validate. */
  trainingRows: number
}): NetworkPlan {
  const { resolved, columns, rows, trainingRows } = input
  const { model, training } = resolved
  const hasRowWeights = columns.some(({ role }) => role === 'weight')
  const plan = planNetwork({
    network: toNetworkConfig(resolved),
    optimizer: training.optimizer.type,
    batchSize: training.batch_size,
    trainingRows,
    validationRows: rows - trainingRows,
    weighted: training.class_weight !== null || hasRowWeights,
    threads: threadsMax(resolved),
    observed: true,
  })
  // Inputs, one target, a weight and the row's index, encoded before the engine copies them into its memory.
  const floatsPerRow = model.inputs + 1 + Number(hasRowWeights)
  const encodedBytes = rows * (floatsPerRow * FLOAT_BYTES + ROW_INDEX_BYTES)
  const parameterBytes = PARAMETER_COPIES * FLOAT_BYTES * plan.parameterCount
  const memoryBytes = plan.memoryBytes + tableBytes(columns, rows) + encodedBytes + parameterBytes
  return { ...plan, memoryBytes }
}
