import type { NetworkConfig } from './config.ts'
import { EngineError } from './errors.ts'

/** Parameters of one dense layer, y = W x + b. */
export interface LayerWeights {
  /** [out, in], row-major. */
  weight: Float32Array
  /** [out] */
  bias: Float32Array
}

/** Inputs and units of every layer, in order. */
export function layerShapes(
  network: Pick<NetworkConfig, 'inputs' | 'layers'>,
): { inputs: number; units: number }[] {
  let inputs = network.inputs
  return network.layers.map(({ units }) => {
    const shape = { inputs, units }
    inputs = units
    return shape
  })
}

/** Throws `invalid_weights` unless there is one entry per layer and every length fits. */
export function assertWeights(
  network: Pick<NetworkConfig, 'inputs' | 'layers'>,
  weights: readonly LayerWeights[],
): void {
  const shapes = layerShapes(network)
  if (weights.length !== shapes.length) {
    throw new EngineError('invalid_weights', `expected ${shapes.length} layers of weights`)
  }
  for (const [index, { inputs, units }] of shapes.entries()) {
    const layer = weights[index]
    if (layer?.weight.length !== inputs * units || layer.bias.length !== units) {
      throw new EngineError(
        'invalid_weights',
        `layer ${index} needs [${units}, ${inputs}] and [${units}]`,
      )
    }
  }
}
