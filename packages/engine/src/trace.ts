import { type LayerView, ReferenceNetwork } from './backends/reference-network.ts'
import {
  assertNetworkConfig,
  classCount,
  type NetworkConfig,
  outputUnits,
  targetWidth,
} from './config.ts'
import { EngineError } from './errors.ts'
import { softmax } from './losses/cross-entropy.ts'
import { logistic } from './random/elementary.ts'
import { Matrix } from './tensor.ts'
import { type AnyLayerWeights, assertWeights } from './weights.ts'

/** One sample, and where its gradient begins: at the loss of a target, or at the network's outputs. */
export type TracedSample = { inputs: readonly number[] } & (
  | {
      /** A class index, or one number per output. [targetWidth] */
      target: readonly number[]
    }
  | {
      /** ∂L/∂logits of whatever L comes after the network. [outputs] */
      upstreamGradient: readonly number[]
    }
)

/** Parameters of one layer or something of their shape; γ and β are null without batch normalization. */
export interface TracedParameters {
  /** [out, in], row-major. */
  weight: Float64Array
  /** [out], as are γ and β. */
  bias: Float64Array
  gamma: Float64Array | null
  beta: Float64Array | null
}

/** What one sample leaves in a layer; all [units] but for the parameters. */
export interface TracedLayer {
  /** W a + b, with a of the layer below. */
  z: Float64Array
  /** What batch normalization makes of z, and the activation is of; null without. */
  normalized: Float64Array | null
  a: Float64Array
  /** ∂L/∂z */
  delta: Float64Array
  parameters: TracedParameters
  gradient: TracedParameters
  /** The parameters after x -= η g; null without a learning rate. */
  afterStep: TracedParameters | null
}

export interface NetworkTrace {
  /** The data loss, without any penalty; null if the gradient began at the outputs. */
  loss: number | null
  /** Softmax or sigmoid of the logits, where the loss is one of the cross-entropies; else null. [outputs] */
  probabilities: Float64Array | null
  layers: TracedLayer[]
}

/**
 * Forward and backward pass of one sample in float64. It is that of inference: no unit is dropped, and batch normalization
 * takes its running statistics as constants, which is what training does with a batch of one row as well. As in training
 * the bias of a normalized layer has gradient 0. learningRate is that of one step of plain gradient descent.
 * Throws `invalid_network`, `invalid_weights` or `invalid_data` where the three do not go together.
 */
export function trace(
  config: NetworkConfig,
  weights: readonly AnyLayerWeights[],
  sample: TracedSample,
  learningRate: number | null = null,
): NetworkTrace {
  assertNetworkConfig(config)
  assertWeights(config, weights)
  assertSample(config, sample)
  const network = new ReferenceNetwork(config, weights)
  const activations = network.forward(toRow(sample.inputs))
  const logits = activations.at(-1) as Matrix
  let loss: number | null = null
  if ('target' in sample) {
    const target = toRow(sample.target)
    loss = network.loss.value(logits.row(0), target.row(0))
    network.backward(activations, target)
  } else {
    network.backpropagate(activations, toRow(sample.upstreamGradient))
  }
  const probabilities = toProbabilities(config, logits.row(0))
  return { loss, probabilities, layers: readLayers(network, learningRate) }
}

function toProbabilities({ loss }: NetworkConfig, logits: Float64Array): Float64Array | null {
  if (loss === 'cross_entropy') return softmax(logits)
  return loss === 'binary_cross_entropy' ? logits.map(logistic) : null
}

function readLayers({ layers }: ReferenceNetwork, learningRate: number | null): TracedLayer[] {
  return layers.map(({ pass, parameters: own, gradient: ofOwn }) => {
    if (pass === null || pass.delta === null) throw new Error('both passes must have run')
    const parameters = toParameters(own)
    const gradient = toParameters(ofOwn)
    return {
      z: pass.sums.values,
      normalized: pass.normalization === null ? null : pass.normalized.values,
      a: pass.activated.values,
      delta: pass.delta.values,
      parameters,
      gradient,
      afterStep: learningRate === null ? null : descend(parameters, gradient, learningRate),
    }
  })
}

function toParameters({ weight, bias, batchNorm }: LayerView): TracedParameters {
  const { gamma = null, beta = null } = batchNorm ?? {}
  return { weight: weight.values, bias, gamma, beta }
}

function descend(
  parameters: TracedParameters,
  gradient: TracedParameters,
  learningRate: number,
): TracedParameters {
  const step = (values: Float64Array, slopes: Float64Array) =>
    values.map((value, i) => value - learningRate * (slopes[i] as number))
  const { weight, bias, gamma, beta } = parameters
  return {
    weight: step(weight, gradient.weight),
    bias: step(bias, gradient.bias),
    gamma: gamma && gradient.gamma && step(gamma, gradient.gamma),
    beta: beta && gradient.beta && step(beta, gradient.beta),
  }
}

function assertSample(config: NetworkConfig, sample: TracedSample): void {
  assertLength(sample.inputs, config.inputs, 'inputs')
  if ('upstreamGradient' in sample) {
    assertLength(sample.upstreamGradient, outputUnits(config), 'upstreamGradient')
    return
  }
  assertLength(sample.target, targetWidth(config), 'target')
  const classes = classCount(config)
  const [label = 0] = sample.target
  if (classes > 0 && !(Number.isInteger(label) && label >= 0 && label < classes)) {
    throw new EngineError('invalid_data', `target ${label} is not a class below ${classes}`)
  }
}

function assertLength(values: readonly number[], length: number, name: string): void {
  if (values.length === length) return
  throw new EngineError('invalid_data', `${name} has ${values.length} values, not ${length}`)
}

function toRow(values: readonly number[]): Matrix {
  return new Matrix(1, values.length, Float64Array.from(values))
}
