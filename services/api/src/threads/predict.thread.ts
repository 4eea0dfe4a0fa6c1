/** Predicts away from the event loop. The last model is kept: who predicts once with a large one mostly goes on. */
import type { PredictionItem } from '@trainyard/contracts'
import { DataError, type DataFault } from '@trainyard/datasets'
import {
  createPredictor,
  type OpenModel,
  openModel,
  type Predictor,
  unpackLayers,
} from '@trainyard/model'
import type { StoredModel } from '../use-cases/load-model.ts'
import type { PredictionTask } from './prediction-thread.ts'

export type PredictionResult =
  | { kind: 'predicted'; items: PredictionItem[] }
  | { kind: 'refused'; faults: DataFault[] }

let kept: { key: string; model: OpenModel; predictor: Predictor } | null = null

export default async function predict(task: PredictionTask): Promise<PredictionResult> {
  const { model, input, outputs } = task
  const { predictor } = kept?.key === model.key ? kept : await keep(model)
  try {
    return { kind: 'predicted', items: predictor.predict(input, outputs) }
  } catch (error) {
    if (error instanceof DataError) return { kind: 'refused', faults: [...error.faults] }
    throw error
  }
}

async function keep({ key, architecture, preprocessing, bytes }: StoredModel) {
  kept?.model.close()
  kept = null
  const layers = unpackLayers(architecture, bytes)
  const model = await openModel({ architecture, preprocessing, layers })
  kept = { key, model, predictor: createPredictor(model) }
  return kept
}
