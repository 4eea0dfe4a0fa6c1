import {
  createModelPredictor,
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

/** Predictors ready to run, the last used ones kept: whoever predicts once with a model mostly goes on. */
export function createPredictorCache(bytesMax: number): (model: LoadedModel) => Predictor {
  /** Least recently used first. */
  const kept = new Map<string, { predictor: Predictor; bytes: number }>()
  let heldBytes = 0

  return ({ key, networks, bytes }) => {
    const entry = kept.get(key) ?? {
      predictor: createModelPredictor(unpackNetworks(networks, bytes)),
      bytes: bytes.byteLength,
    }
    if (kept.delete(key)) heldBytes -= entry.bytes
    kept.set(key, entry)
    heldBytes += entry.bytes
    for (const [oldest, { bytes: itsBytes }] of kept) {
      // The model at hand stays, however large it is.
      if (heldBytes <= bytesMax || oldest === key) break
      kept.delete(oldest)
      heldBytes -= itsBytes
    }
    return entry.predictor
  }
}
