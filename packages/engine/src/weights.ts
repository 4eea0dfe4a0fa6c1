import type { NetworkConfig } from './config.ts'
import { EngineError } from './errors.ts'

/**
 * Parameters of one dense layer, z = W x + b, and, where it has batch normalization, of
 * y = γ (z - mean)/√(variance + 1e-5) + β.
 */
export interface LayerWeights<Values extends Float32Array | Float64Array = Float32Array> {
  /** [out, in], row-major. */
  weight: Values
  /** [out], as is all that follows. */
  bias: Values
  gamma?: Values
  beta?: Values
  runningMean?: Values
  runningVariance?: Values
}

/** Weights in either precision, for what computes in float64. */
export type AnyLayerWeights = LayerWeights<Float32Array | Float64Array>

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

/** What only layers with batch normalization have. */
const BATCH_NORM_FIELDS = ['gamma', 'beta', 'runningMean', 'runningVariance'] as const

/** A copy that shares no memory. */
export function copyWeights(weights: readonly LayerWeights[]): LayerWeights[] {
  return weights.map(({ weight, bias, ...rest }) => {
    const copy: LayerWeights = { weight: weight.slice(), bias: bias.slice() }
    for (const field of BATCH_NORM_FIELDS) {
      const values = rest[field]
      if (values !== undefined) copy[field] = values.slice()
    }
    return copy
  })
}

/** Throws `invalid_weights` unless there is one entry per layer and every length fits. */
export function assertWeights(
  network: Pick<NetworkConfig, 'inputs' | 'layers'>,
  weights: readonly AnyLayerWeights[],
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
    assertBatchNorm(layer, network.layers[index]?.batchNorm === true ? units : null, index)
  }
}

/** units is null for a layer without batch normalization, which must not have its fields. */
function assertBatchNorm(layer: AnyLayerWeights, units: number | null, index: number): void {
  for (const field of BATCH_NORM_FIELDS) {
    if (layer[field]?.length !== (units ?? undefined)) {
      const wanted = units === null ? `has no ${field}` : `needs ${field} [${units}]`
      throw new EngineError('invalid_weights', `layer ${index} ${wanted}`)
    }
  }
  if (layer.runningVariance?.some((v) => !(v >= 0))) {
    throw new EngineError('invalid_weights', `layer ${index} has a negative runningVariance`)
  }
}
