import type { TrainingData, TrainingJob } from '../backend.ts'
import { type NetworkConfig, targetWidth } from '../config.ts'
import { permutation, SHUFFLE_STREAM } from '../random.ts'
import { element, Matrix } from '../tensor.ts'
import type { ReferenceNetwork } from './reference-network.ts'

export interface Batch {
  inputs: Matrix
  targets: Matrix
  /** [rows] */
  weights: Float64Array
}

/** Rows in the order of an epoch, from 1. */
export function epochOrder(
  { training, shuffle, seed }: Pick<TrainingJob, 'training' | 'shuffle' | 'seed'>,
  epoch: number,
): Uint32Array {
  return shuffle
    ? permutation(seed, SHUFFLE_STREAM, epoch, training.rows)
    : Uint32Array.from({ length: training.rows }, (_, row) => row)
}

/** Those rows of the data, their inputs as `augmentRow` makes them if it is there. */
export function gatherBatch(
  config: NetworkConfig,
  data: TrainingData,
  rows: Uint32Array,
  augmentRow?: (row: number) => Float32Array,
): Batch {
  const copy = (values: Float32Array, width: number): Matrix => {
    const matrix = new Matrix(rows.length, width)
    for (const [i, row] of rows.entries()) {
      matrix.row(i).set(values.subarray(row * width, (row + 1) * width))
    }
    return matrix
  }
  const inputs = copy(data.inputs, config.inputs)
  if (augmentRow) for (const [i, row] of rows.entries()) inputs.row(i).set(augmentRow(row))
  return {
    inputs,
    targets: copy(data.targets, targetWidth(config)),
    weights: Float64Array.from(rows, (row) => data.weights?.[row] ?? 1),
  }
}

/** The loss of every row, and how many are predicted right. logits [rows, outputs] */
export function rowLosses({ loss }: ReferenceNetwork, logits: Matrix, targets: Matrix) {
  const values = new Float64Array(logits.rows)
  let correct = 0
  for (let row = 0; row < logits.rows; row++) {
    values[row] = loss.value(logits.row(row), targets.row(row))
    if (loss.isCorrect?.(logits.row(row), targets.row(row))) correct++
  }
  return { values, correct }
}

/** Σ w·value / Σ w; null if there is no weight at all. */
export function weightedMean(values: Float64Array, weights: Float64Array): number | null {
  const weightSum = weights.reduce((sum, w) => sum + w, 0)
  if (weightSum === 0) return null
  return values.reduce((sum, value, i) => sum + value * element(weights, i), 0) / weightSum
}
