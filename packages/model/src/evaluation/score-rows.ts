import { classIndices, type Table } from '@trainyard/datasets'
import { createPredictor, type TrainedModel } from '../create-predictor.ts'
import type { ClassifiedRows } from './report-classification.ts'

/** Rows of a table whose true targets are known, judged by a model. */
export type ScoredRows =
  | ({ task: 'classification' } & ClassifiedRows)
  | { task: 'regression'; targets: Float64Array; predictions: Float64Array }

/** Class indices, or values in the unit of the target. [rows] */
export type Truth = Int32Array | Float64Array

/** Predicts encoded rows, inputs [rows, width], and sets their true targets [rows] beside. */
export function scoreRows(model: TrainedModel, inputs: Float32Array, truth: Truth): ScoredRows {
  const scores = createPredictor(model).score({ rows: truth.length, encode: () => inputs })
  if (scores.values !== null) {
    return {
      task: 'regression',
      targets: Float64Array.from(truth),
      predictions: scores.values,
    }
  }
  const { probabilities, logits, classIndices: predicted } = scores
  const { classes } = model.architecture
  const classScores = probabilities ?? logits
  if (classes === null || predicted === null || classScores === null) {
    throw new Error('A network has classes or values')
  }
  return {
    task: 'classification',
    ...{ classes, labels: truth, predicted, scores: classScores },
    areProbabilities: probabilities !== null,
  }
}

/** Throws DataError for a value that is none of the model's classes. */
export function readTruth({ architecture }: TrainedModel, table: Table, rows: Uint32Array): Truth {
  const { classes, target } = architecture
  if (classes !== null) return classIndices({ table, target, classes, rows })
  const column = table.columns.get(target)
  if (column === undefined || column.type === 'category') {
    throw new Error(`The target ${target} is no number`)
  }
  return Float64Array.from(rows, (row) => column.values[row] as number)
}
