import {
  createModelPredictor,
  openModel,
  type Predictor,
  type StoredNetwork,
  unpackNetworks,
} from '@trainyard/model'

/** One network of a job, or the networks of a model's version. */
export interface LoadedModel {
  /** Equal keys mean equal models. */
  key: string
  networks: readonly StoredNetwork[]
  /** Of all networks, one after the other; in shared memory, so that a thread gets them without a copy. */
  bytes: Uint8Array
}

/** Predictors of open models, the last used ones kept: whoever predicts once with a model mostly goes on. */
export function createPredictorCache(bytesMax: number): (model: LoadedModel) => Promise<Predictor> {
  /** Least recently used first. One that is dropped may be in use: its memory goes with it. */
  const kept = new Map<string, { predictor: Promise<Predictor>; bytes: number }>()
  let heldBytes = 0

  return (model) => {
    const { key } = model
    const entry = kept.get(key) ?? { predictor: open(model), bytes: model.bytes.byteLength }
    drop(key)
    kept.set(key, entry)
    heldBytes += entry.bytes
    entry.predictor.catch(() => drop(key))
    for (const oldest of kept.keys()) {
      // The model at hand stays, however large it is.
      if (heldBytes <= bytesMax || oldest === key) break
      drop(oldest)
    }
    return entry.predictor
  }

  function drop(key: string): void {
    heldBytes -= kept.get(key)?.bytes ?? 0
    kept.delete(key)
  }
}

async function open({ networks, bytes }: LoadedModel): Promise<Predictor> {
  return createModelPredictor(await Promise.all(unpackNetworks(networks, bytes).map(openModel)))
}
