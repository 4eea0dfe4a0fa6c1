/** Prediction without the training code: plain TypeScript, no WebAssembly, runs anywhere. */
import { ACTIVATIONS } from './activations/activation.ts'
import type { NetworkConfig } from './config.ts'
import { EngineError } from './errors.ts'
import { BATCH_NORM_EPSILON } from './layers/batch-norm.ts'
import { exp, logistic } from './random/elementary.ts'
import { assertWeights, type LayerWeights } from './weights.ts'

export type { ActivationName, LayerConfig, NetworkConfig } from './config.ts'
export type { LayerWeights } from './weights.ts'

/**
 * Logits [rows, outputs] of inputs [rows, inputs]. Sums run in float64 and each layer is rounded to
 * float32. NaN and infinity pass through to the rows they belong to; no rows give an empty array.
 */
export function forward(
  config: Pick<NetworkConfig, 'inputs' | 'layers'>,
  weights: readonly LayerWeights[],
  inputs: Float32Array,
  rows: number,
): Float32Array {
  assertWeights(config, weights)
  if (inputs.length !== rows * config.inputs) {
    throw new EngineError(
      'invalid_data',
      `${inputs.length} values are not [${rows}, ${config.inputs}]`,
    )
  }
  let current = inputs
  for (const [index, { units, activation }] of config.layers.entries()) {
    const layer = weights[index] as LayerWeights
    const normalize = makeNormalize(layer)
    const { value } = ACTIVATIONS[activation]
    current = denseRows(current, rows, layer, units, (z, unit) => value(normalize(z, unit)))
  }
  return current
}

/**
 * Probabilities [rows, classes] of logits [rows, classes]: e^(s - max) / Σ e^(s - max). A row with a
 * NaN or +∞ becomes NaN.
 */
export function softmax(logits: Float32Array, rows: number, classes: number): Float32Array {
  const probabilities = new Float32Array(rows * classes)
  for (let row = 0; row < rows; row++) {
    const scores = logits.subarray(row * classes, (row + 1) * classes)
    const largest = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
    const sum = scores.reduce((total, s) => total + exp(s - largest), 0)
    for (const [j, s] of scores.entries()) probabilities[row * classes + j] = exp(s - largest) / sum
  }
  return probabilities
}

/** 1 / (1 + e^-s) of every logit. NaN gives NaN. */
export function sigmoid(logits: Float32Array): Float32Array {
  return logits.map(logistic)
}

/** γ (z - mean)/√(variance + ε) + β of a unit's z, with the running statistics; z without them. */
function makeNormalize({ gamma, beta, runningMean, runningVariance }: LayerWeights) {
  if (!(gamma && beta && runningMean && runningVariance)) return (z: number) => z
  const scale = Float64Array.from(
    gamma,
    (g, unit) => g / Math.sqrt((runningVariance[unit] as number) + BATCH_NORM_EPSILON),
  )
  return (z: number, unit: number) =>
    (z - (runningMean[unit] as number)) * (scale[unit] as number) + (beta[unit] as number)
}

/** f(x W^T + b) for inputs [rows, in]. */
function denseRows(
  inputs: Float32Array,
  rows: number,
  { weight, bias }: LayerWeights,
  units: number,
  activate: (z: number, unit: number) => number,
): Float32Array {
  const width = weight.length / units
  const outputs = new Float32Array(rows * units)
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit++) {
      let sum = bias[unit] as number
      for (let i = 0; i < width; i++) {
        sum += (inputs[row * width + i] as number) * (weight[unit * width + i] as number)
      }
      outputs[row * units + unit] = activate(sum, unit)
    }
  }
  return outputs
}
