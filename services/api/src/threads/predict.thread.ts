/** Predicts away from the event loop. The last model is kept: who predicts once with a large one mostly goes on. */
import type { PredictionItem } from '@trainyard/contracts'
import { DataError, type DataFault } from '@trainyard/datasets'
import { createPredictor, type Predictor, unpackLayers } from '@trainyard/model'
import type { PredictionTask } from './prediction-thread.ts'

export type PredictionResult =
  | { kind: 'predicted'; items: PredictionItem[] }
  | { kind: 'refused'; faults: DataFault[] }

let kept: { key: string; predictor: Predictor } | null = null

export default function predict(task: PredictionTask): PredictionResult {
  const { model, input, outputs } = task
  if (kept?.key !== model.key) {
    const { architecture, preprocessing, bytes } = model
    const layers = unpackLayers(architecture, bytes)
    kept = { key: model.key, predictor: createPredictor({ architecture, preprocessing, layers }) }
  }
  try {
    return { kind: 'predicted', items: kept.predictor.predict(input, outputs) }
  } catch (error) {
    if (error instanceof DataError) return { kind: 'refused', faults: [...error.faults] }
    throw error
  }
}
