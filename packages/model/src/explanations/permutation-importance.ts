import { encodeFeatures, type Table } from '@trainyard/datasets'
import { permutation } from '@trainyard/engine/random'
import type { TrainedModel } from '../create-predictor.ts'
import { reportRegression } from '../evaluation/report-regression.ts'
import { readTruth, type ScoredRows, scoreRows, type Truth } from '../evaluation/score-rows.ts'
import { columnInputs } from './column-inputs.ts'

export interface PermutationImportance {
  /** Accuracy of a classification, r² of a regression. */
  metric: 'accuracy' | 'r2'
  /** With every column as it is. */
  value: number
  /** The largest loss first. */
  columns: ColumnImportance[]
}

export interface ColumnImportance {
  column: string
  /** By how much the metric falls when the column's values are dealt to other rows: mean and standard deviation. */
  importance: number
  std: number
}

/**
 * Permutation importance (Breiman, 2001; https://doi.org/10.1023/A:1010933404324): what the model loses on the listed rows
 * when one column is shuffled among them, so many times; the shuffles follow from the seed. Null where the metric is not
 * defined: r² of fewer than two rows. Columns that say the same share their importance, or hide it.
 */
export function permutationImportance(
  model: TrainedModel,
  {
    table,
    rows,
    repeats,
    seed,
  }: { table: Table; rows: Uint32Array; repeats: number; seed: bigint },
): PermutationImportance | null {
  const inputs = encodeFeatures(model.preprocessing, table, rows)
  const truth = readTruth(model, table, rows)
  const measure = (inputs: Float32Array) => metricOf(scoreRows(model, inputs, truth))
  const value = measure(inputs)
  if (value === null) return null
  const columns = columnInputs(model.preprocessing).map(({ column, offset, width }) => {
    const drops = Array.from({ length: repeats }, (_, repeat) => {
      const order = permutation(seed, `importance ${column}`, repeat, rows.length)
      const shuffled = dealColumn(inputs, truth, order, offset, width)
      return value - (measure(shuffled) ?? value)
    })
    return { column, ...spreadOf(drops) }
  })
  columns.sort((a, b) => b.importance - a.importance)
  return { metric: model.architecture.classes === null ? 'r2' : 'accuracy', value, columns }
}

/** A copy in which the inputs of one column come from other rows. */
function dealColumn(
  inputs: Float32Array,
  { length: rows }: Truth,
  order: Uint32Array,
  offset: number,
  columnWidth: number,
): Float32Array {
  const width = inputs.length / rows
  const dealt = inputs.slice()
  for (const [row, from] of order.entries()) {
    const start = from * width + offset
    dealt.set(inputs.subarray(start, start + columnWidth), row * width + offset)
  }
  return dealt
}

function metricOf(scored: ScoredRows): number | null {
  if (scored.task === 'regression') return reportRegression(scored.targets, scored.predictions).r2
  const { labels, predicted } = scored
  let right = 0
  for (let row = 0; row < labels.length; row++) if (predicted[row] === labels[row]) right += 1
  return right / labels.length
}

function spreadOf(values: readonly number[]): { importance: number; std: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return { importance: mean, std: Math.sqrt(variance) }
}
