import type { Backend, InferenceSession, TrainingJob, TrainingSession } from './backend.ts'
import { referenceBackend } from './backends/reference.ts'
import { createWasmBackend } from './backends/wasm.ts'
import { assertNetworkConfig, type LayerConfig, type NetworkConfig } from './config.ts'
import { EngineError } from './errors.ts'
import { initializeBatchNorm, initializeLayer } from './initializers/initialize.ts'
import { compileKernels } from './wasm/load.ts'
import { assertWeights, copyWeights, type LayerWeights, layerShapes } from './weights.ts'

export type BackendName = 'wasm' | 'reference'

export interface NetworkOptions {
  /** `wasm` unless said otherwise; `reference` is the float64 oracle, a thousand times slower. */
  backend?: BackendName
  /** Unsigned 64 bits; decides the initial weights. */
  seed: bigint
  /** Used instead of the initializers. */
  initialWeights?: LayerWeights[]
  /** Kernels compiled elsewhere, for instance handed to a thread; otherwise compiled once a process. */
  module?: WebAssembly.Module
}

/** A network with its parameters. Configuration and shapes never change. */
export interface Network {
  readonly config: NetworkConfig
  /**
   * A copy of the parameters. `best` are those of the epoch that was best in the latest training;
   * before the first such epoch they are the ones training began with.
   */
  weights(which?: 'last' | 'best'): LayerWeights[]
  /** Logits [rows, outputs] of inputs [rows, inputs], with the last weights. */
  predict(inputs: Float32Array, rows: number): Float32Array
  /** Starts a run that continues from the last weights; used by `train`. One run at a time. */
  openTraining(job: TrainingJob): TrainingSession
  /** Frees a run still open and what predictions hold, and refuses everything after. May be called twice. */
  dispose(): void
}

/** Checks the configuration, loads the backend and sets the initial weights. */
export async function createNetwork(
  config: NetworkConfig,
  { backend = 'wasm', seed, initialWeights: given, module }: NetworkOptions,
): Promise<Network> {
  assertNetworkConfig(config)
  const weights = given ?? initialWeights(config, seed)
  assertWeights(config, weights)
  const kernels = backend === 'wasm' ? (module ?? (await compileKernels()).module) : null
  const computing = kernels === null ? referenceBackend : createWasmBackend(kernels)
  return makeNetwork(config, computing, copyWeights(weights))
}

function makeNetwork(
  config: NetworkConfig,
  backend: Backend,
  initial: readonly LayerWeights[],
): Network {
  let last = initial
  let best = initial
  let session: TrainingSession | null = null
  /** Of the last weights, from the first prediction until they change. */
  let inference: InferenceSession | null = null
  let isDisposed = false

  const closeInference = (): void => {
    inference?.close()
    inference = null
  }

  const assertUsable = (): void => {
    if (isDisposed) throw new EngineError('network_disposed', 'the network was disposed of')
  }

  return {
    config,

    weights(which = 'last') {
      assertUsable()
      return session?.weights(which) ?? copyWeights(which === 'best' ? best : last)
    },

    predict(inputs, rows) {
      assertUsable()
      assertRows(config, inputs, rows)
      if (session === null) {
        inference ??= backend.openInference(config, last)
        return inference.predict(inputs, rows)
      }
      // Whose weights change with every batch.
      const opened = backend.openInference(config, session.weights('last'))
      try {
        return opened.predict(inputs, rows)
      } finally {
        opened.close()
      }
    },

    openTraining(job) {
      assertUsable()
      if (session !== null) throw new EngineError('network_busy', 'the network is being trained')
      const opened = backend.openTraining(config, last, job)
      session = opened
      return {
        ...opened,
        close() {
          // A second close must not take the weights of a later run.
          if (session !== opened) return
          last = opened.weights('last')
          best = opened.weights('best')
          session = null
          opened.close()
          closeInference()
        },
      }
    },

    dispose() {
      session?.close()
      session = null
      closeInference()
      isDisposed = true
    },
  }
}

/** Throws `invalid_data` unless inputs are [rows, inputs]. */
export function assertRows(
  { inputs: width }: Pick<NetworkConfig, 'inputs'>,
  inputs: Float32Array,
  rows: number,
): void {
  if (!(Number.isSafeInteger(rows) && rows >= 0 && inputs.length === rows * width)) {
    throw new EngineError('invalid_data', `inputs are not [${rows}, ${width}]`)
  }
}

/** What a network of that configuration and seed begins with. */
export function initialWeights(config: NetworkConfig, seed: bigint): LayerWeights[] {
  assertNetworkConfig(config)
  return layerShapes(config).map(({ inputs, units }, index) => {
    const { initializer, batchNorm } = config.layers[index] as LayerConfig
    const layer = initializeLayer(initializer, inputs, units, seed, index)
    return batchNorm ? { ...layer, ...initializeBatchNorm(units) } : layer
  })
}
