import type { Architecture } from '@trainyard/contracts'
import type { AnyLayerWeights, LayerWeights } from '@trainyard/engine'

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT

/**
 * Weights as they are stored: little-endian float32, per layer the weight [out][in], then the bias, then, where there is
 * batch normalization, γ, β, running mean and running variance.
 */
export function packLayers(layers: readonly AnyLayerWeights[]): Uint8Array<ArrayBuffer> {
  const parts = layers.flatMap(({ weight, bias, gamma, beta, runningMean, runningVariance }) =>
    [weight, bias, gamma, beta, runningMean, runningVariance].filter((part) => part !== undefined),
  )
  const packed = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    packed.set(part, at)
    at += part.length
  }
  return new Uint8Array(packed.buffer)
}

/** The layers of stored weights, copied out: `bytes` may lie at any offset of its buffer. */
export function unpackLayers(architecture: Architecture, bytes: Uint8Array): LayerWeights[] {
  const shapes = layerShapes(architecture)
  const expected = weightsBytes(architecture)
  if (bytes.byteLength !== expected) {
    throw new Error(`${bytes.byteLength} bytes are no weights of ${expected / FLOAT_BYTES} numbers`)
  }
  const values = new Float32Array(bytes.slice().buffer)
  let at = 0
  const take = (length: number): Float32Array => {
    at += length
    return values.subarray(at - length, at)
  }
  return shapes.map(({ inputs, units, batchNorm }) => {
    const layer: LayerWeights = { weight: take(inputs * units), bias: take(units) }
    if (batchNorm) {
      layer.gamma = take(units)
      layer.beta = take(units)
      layer.runningMean = take(units)
      layer.runningVariance = take(units)
    }
    return layer
  })
}

/** How many bytes the weights of a network take. */
export function weightsBytes(architecture: Architecture): number {
  const floats = layerShapes(architecture).reduce(
    (sum, { inputs, units, batchNorm }) => sum + (inputs + (batchNorm ? 5 : 1)) * units,
    0,
  )
  return floats * FLOAT_BYTES
}

export interface LayerShape {
  inputs: number
  units: number
  batchNorm: boolean
}

/** Inputs and units of every layer and whether it has batch normalization, the output layer last. */
export function layerShapes({
  inputs,
  hidden,
  outputs,
}: Pick<Architecture, 'inputs' | 'hidden' | 'outputs'>): LayerShape[] {
  const layers = [...hidden, { units: outputs, batch_norm: false }]
  return layers.map(({ units, batch_norm: batchNorm }, i) => ({
    inputs: i === 0 ? inputs : (layers[i - 1]?.units ?? 0),
    units,
    batchNorm,
  }))
}
