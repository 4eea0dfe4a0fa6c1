import { createPredictor, openModel, type Predictor, unpackLayers } from '@trainyard/model'
import type { StoredModel } from './load-model.ts'

const KEPT_MAX = 16

/** Predictors of the models used last, for those small enough to be opened on the event loop. */
export function makeOpenPredictor(): (model: StoredModel) => Promise<Predictor> {
  /** By key, least recently used first. One that is dropped may be in use: its memory goes with it. */
  const kept = new Map<string, Promise<Predictor>>()

  return (model) => {
    const predictor = kept.get(model.key) ?? open(model)
    kept.delete(model.key)
    kept.set(model.key, predictor)
    predictor.catch(() => kept.delete(model.key))
    const [oldest] = kept.keys()
    if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest)
    return predictor
  }
}

async function open({ architecture, preprocessing, bytes }: StoredModel): Promise<Predictor> {
  const layers = unpackLayers(architecture, bytes)
  return createPredictor(await openModel({ architecture, preprocessing, layers }))
}
