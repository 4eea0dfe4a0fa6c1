import type { AugmentedRow } from '../augmentation/augment-rows.ts'
import type { TrainingData, TrainingJob } from '../backend.ts'
import { type NetworkConfig, targetWidth } from '../config.ts'
import { permutation, SHUFFLE_STREAM } from '../random.ts'
import { element, Matrix } from '../tensor.ts'
import type { ReferenceNetwork } from './reference-network.ts'

/** The other target of each row, and the share of its own, [rows]. */
export interface Mixed {
  targets: Matrix
  shares: Float64Array
}

export interface Batch {
  inputs: Matrix
  targets: Matrix
  /** [rows] */
  weights: Float64Array
  /** What the rows were mixed with. */
  mixed: Mixed | null
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
  augmentRow?: (row: number) => AugmentedRow,
): Batch {
  const copy = (values: Float32Array, of: Uint32Array, width: number): Matrix => {
    const matrix = new Matrix(of.length, width)
    for (const [i, row] of of.entries()) {
      matrix.row(i).set(values.subarray(row * width, (row + 1) * width))
    }
    return matrix
  }
  const inputs = copy(data.inputs, rows, config.inputs)
  const augmented = augmentRow ? Array.from(rows, augmentRow) : []
  for (const [i, row] of augmented.entries()) inputs.row(i).set(row.inputs)
  const mixes = augmented.flatMap(({ mixed }) => mixed ?? [])
  const copyTargets = (of: Uint32Array) => copy(data.targets, of, targetWidth(config))
  return {
    inputs,
    targets: copyTargets(rows),
    weights: Float64Array.from(rows, (row) => data.weights?.[row] ?? 1),
    mixed:
      mixes.length === 0
        ? null
        : {
            targets: copyTargets(Uint32Array.from(mixes, ({ partner }) => partner)),
            shares: Float64Array.from(mixes, ({ share }) => share),
          },
  }
}

/** The loss of every row, and how many are predicted right. logits [rows, outputs] */
export function rowLosses(
  { loss }: ReferenceNetwork,
  logits: Matrix,
  targets: Matrix,
  mixed: Mixed | null = null,
) {
  const values = new Float64Array(logits.rows)
  let correct = 0
  for (let row = 0; row < logits.rows; row++) {
    const own = loss.value(logits.row(row), targets.row(row))
    values[row] = own
    if (mixed !== null) {
      const share = element(mixed.shares, row)
      values[row] = share * own + (1 - share) * loss.value(logits.row(row), mixed.targets.row(row))
    }
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
