/** Predicts away from the event loop. */
import type { PredictionItem } from '@trainyard/contracts'
import { DataError, type DataFault } from '@trainyard/datasets'
import { InferenceError } from '@trainyard/formats'
import { answerInference, type InferenceAnswer } from './answer-inference.ts'
import { readPredictionCsv } from './prediction-csv.ts'
import type { PredictionTask } from './prediction-thread.ts'
import { createPredictorCache } from './predictor-cache.ts'

/** Errors lose their class on the way between threads. */
export type PredictionResult =
  | { kind: 'predicted'; items: PredictionItem[] }
  | { kind: 'inferred'; response: InferenceAnswer }
  | { kind: 'refused'; faults: DataFault[] }
  | { kind: 'misread'; message: string }

const KEPT_BYTES_MAX = 256 * 1024 ** 2
const toPredictor = createPredictorCache(KEPT_BYTES_MAX)

export default async function predict(task: PredictionTask): Promise<PredictionResult> {
  const predictor = await toPredictor(task.model)
  try {
    if (task.kind === 'infer') {
      return { kind: 'inferred', response: answerInference(predictor, task) }
    }
    if (task.kind === 'csv') {
      const rows = readPredictionCsv(task.text, task.signature, task.rowsMax)
      return { kind: 'predicted', items: predictor.predict(rows) }
    }
    return { kind: 'predicted', items: predictor.predict(task.input, task.outputs) }
  } catch (error) {
    if (error instanceof DataError) return { kind: 'refused', faults: [...error.faults] }
    if (error instanceof InferenceError) return { kind: 'misread', message: error.message }
    throw error
  }
}
