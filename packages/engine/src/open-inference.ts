import type { InferenceSession } from './backend.ts'
import type { NetworkConfig } from './config.ts'
import { EngineError } from './errors.ts'
import { assertRows } from './network.ts'
import { openInferenceMemory } from './wasm/inference-memory.ts'
import { assertWeights, type LayerWeights } from './weights.ts'

/**
 * A trained network, opened once for many predictions and closed after the last. `module` are compiled kernels, as
 * `compileKernels` gives them. Logits are those of `network.predict` to the bit, of a row alone and among others; after
 * `close` they are refused as `inference_closed`. Throws `invalid_weights` or `memory_exceeded`.
 */
export function openInference(
  module: WebAssembly.Module,
  { inputs: width, layers }: Pick<NetworkConfig, 'inputs' | 'layers'>,
  weights: readonly LayerWeights[],
): InferenceSession {
  // The loss plays no part.
  const config: NetworkConfig = { inputs: width, layers, loss: 'mse' }
  assertWeights(config, weights)
  const opened = openInferenceMemory(module, config, weights)
  let isClosed = false
  return {
    predict(inputs, rows) {
      if (isClosed) throw new EngineError('inference_closed', 'the inference was closed')
      assertRows(config, inputs, rows)
      return opened.predict(inputs, rows)
    },
    close() {
      isClosed = true
      opened.close()
    },
  }
}
