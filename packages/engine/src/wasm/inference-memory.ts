import type { InferenceSession } from '../backend.ts'
import type { NetworkConfig } from '../config.ts'
import type { LayerWeights } from '../weights.ts'
import { openArena } from './arena.ts'
import { JobMemory } from './job-memory.ts'
import { instantiateKernels } from './kernels.ts'
import { EVALUATION_ROWS_MAX, type LayerMap, mapMemory } from './memory-map.ts'
import { writeNetwork } from './write-record.ts'

/**
 * A network in a memory of its own, its weights packed once. Which products are packed does not depend on the rows of a
 * call, so a row has the same logits alone and among others: those of a validation of as many rows as are taken at a time.
 */
export function openInferenceMemory(
  module: WebAssembly.Module,
  config: NetworkConfig,
  weights: readonly LayerWeights[],
): InferenceSession {
  const map = mapMemory({
    network: config,
    optimizer: 'sgd',
    batchSize: 1,
    trainingRows: 0,
    validationRows: EVALUATION_ROWS_MAX,
    predicts: true,
  })
  const arena = openArena(map.bytes)
  const memory = new JobMemory(arena.memory, map)
  writeNetwork(memory, config)
  memory.writeWeights(weights)
  const kernels = instantiateKernels(module, arena.memory, null)
  kernels.packWeights()
  const { inputs: width } = config
  const { inputStride, validationInputs } = map
  const { units, unitStride, outputs } = map.layers.at(-1) as LayerMap

  return {
    predict(inputs, rows) {
      const logits = new Float32Array(rows * units)
      for (let start = 0; start < rows; start += EVALUATION_ROWS_MAX) {
        const count = Math.min(EVALUATION_ROWS_MAX, rows - start)
        const block = inputs.subarray(start * width, (start + count) * width)
        memory.writeRows(block, count, width, inputStride, validationInputs)
        kernels.forwardPass(validationInputs, 0, count, count, 1)
        memory.copyRows(outputs, count, units, unitStride, logits.subarray(start * units))
      }
      return logits
    },
    close: () => arena.release(),
  }
}
