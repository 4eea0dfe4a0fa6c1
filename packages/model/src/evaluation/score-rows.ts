import type { Architecture, Preprocessing } from '@trainyard/contracts'
import { classIndices, type Table } from '@trainyard/datasets'
import type { TrainedModel } from '../create-predictor.ts'
import { hasRawScores, predictedClass, probabilitiesOf, toTargetUnit } from '../interpret-logits.ts'
import { logitsOf } from '../open-model.ts'
import type { ClassifiedRows } from './report-classification.ts'

/** Rows of a table whose true targets are known, judged by a model. */
export type ScoredRows =
  | ({ task: 'classification' } & ClassifiedRows)
  | { task: 'regression'; targets: Float64Array; predictions: Float64Array }

/** Predicts encoded rows, inputs [rows, width], and sets their true targets [rows] beside. */
export function scoreRows(model: TrainedModel, inputs: Float32Array, truth: Truth): ScoredRows {
  const { architecture, preprocessing } = model
  const logits = logitsOf(model, inputs, truth.length)
  return architecture.classes === null
    ? toValues(preprocessing, logits, truth)
    : toClasses(architecture, architecture.classes, logits, truth)
}

/** Class indices, or values in the unit of the target. [rows] */
export type Truth = Int32Array | Float64Array

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

function toClasses(
  architecture: Architecture,
  classes: readonly string[],
  logits: Float32Array,
  labels: Truth,
): ScoredRows {
  const areProbabilities = !hasRawScores(architecture)
  const scores = areProbabilities ? probabilitiesOf(architecture, logits, labels.length) : logits
  const width = scores.length / labels.length
  const predicted = Int32Array.from(labels, (_, row) =>
    predictedClass(scores.subarray(row * width, (row + 1) * width)),
  )
  return { task: 'classification', classes, labels, predicted, scores, areProbabilities }
}

function toValues({ target }: Preprocessing, logits: Float32Array, truth: Truth): ScoredRows {
  return {
    task: 'regression',
    targets: Float64Array.from(truth),
    predictions: Float64Array.from(logits, (output) => toTargetUnit(output, target)),
  }
}
