import type { EvaluationReport } from '@trainyard/contracts'
import { encodeFeatures, type Table } from '@trainyard/datasets'
import type { TrainedModel } from '../create-predictor.ts'
import { reportClassification } from './report-classification.ts'
import { reportRegression } from './report-regression.ts'
import { readTruth, scoreRows } from './score-rows.ts'

/**
 * How good a model is on the listed rows of a table, at least one, each as good as the other whatever its weight. Throws
 * DataError for a row that the model has no inputs or no class for. Computes; not for an event loop.
 */
export function evaluate(model: TrainedModel, table: Table, rows: Uint32Array): EvaluationReport {
  const scored = scoreRows(
    model,
    encodeFeatures(model.preprocessing, table, rows),
    readTruth(model, table, rows),
  )
  return scored.task === 'classification'
    ? reportClassification(scored)
    : reportRegression(scored.targets, scored.predictions)
}
