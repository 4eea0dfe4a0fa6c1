import type { Architecture } from '@trainyard/contracts'
import type { LayerWeights } from '@trainyard/engine'

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT

/** Weights as they are stored: little-endian float32, per layer the weight [out][in], then the bias. */
export function packLayers(layers: readonly LayerWeights[]): Uint8Array<ArrayBuffer> {
  const floats = layers.reduce((sum, { weight, bias }) => sum + weight.length + bias.length, 0)
  const packed = new Float32Array(floats)
  let at = 0
  for (const { weight, bias } of layers) {
    packed.set(weight, at)
    packed.set(bias, at + weight.length)
    at += weight.length + bias.length
  }
  return new Uint8Array(packed.buffer)
}

/** The layers of stored weights, copied out: `bytes` may lie at any offset of its buffer. */
export function unpackLayers(architecture: Architecture, bytes: Uint8Array): LayerWeights[] {
  const shapes = layerShapes(architecture)
  const floats = shapes.reduce((sum, { inputs, units }) => sum + (inputs + 1) * units, 0)
  if (bytes.byteLength !== floats * FLOAT_BYTES) {
    throw new Error(`${bytes.byteLength} bytes are no weights of ${floats} parameters`)
  }
  const values = new Float32Array(bytes.slice().buffer)
  let at = 0
  const take = (length: number): Float32Array => {
    at += length
    return values.subarray(at - length, at)
  }
  return shapes.map(({ inputs, units }) => ({ weight: take(inputs * units), bias: take(units) }))
}

/** Inputs and units of every layer, the output layer last. */
export function layerShapes({ inputs, hidden, outputs }: Architecture) {
  const units = [...hidden.map((layer) => layer.units), outputs]
  return units.map((count, i) => ({ inputs: i === 0 ? inputs : (units[i - 1] ?? 0), units: count }))
}
