/**
 * Forward and backward pass of the reference backend: one batch at a time, float64, nothing fused.
 * Parameters and gradient are flat vectors, per layer W [out, in], b [out] and with batch
 * normalization γ [out] and β [out], seen through views.
 */

import { ACTIVATIONS, type Activation } from '../activations/activation.ts'
import type { NetworkConfig } from '../config.ts'
import {
  type BatchNormParameters,
  batchNormBackward,
  batchNormForward,
  type Normalization,
  type Statistics,
  updateRunning,
} from '../layers/batch-norm.ts'
import { denseForward, denseInputGradient, denseParameterGradient } from '../layers/dense.ts'
import { dropoutMask, dropoutStream, type TrainingPass } from '../layers/dropout.ts'
import { createLoss } from '../losses/create-loss.ts'
import type { Loss } from '../losses/loss.ts'
import { addPenalty, type Regularization } from '../penalty.ts'
import { element, Matrix } from '../tensor.ts'
import { type AnyLayerWeights, type LayerWeights, layerShapes } from '../weights.ts'
import type { Mixed } from './reference-batch.ts'

/** A layer's parameters, or their gradient. */
export interface LayerView {
  weight: Matrix
  bias: Float64Array
  batchNorm: BatchNormParameters | null
}

interface LayerPass {
  normalization: Normalization | null
  /** z = W a + b. [batch, units], as is all that follows. */
  sums: Matrix
  /** What the activation was applied to: z, or what batch normalization made of it. */
  normalized: Matrix
  /** Before dropout. */
  activated: Matrix
  mask: Matrix | null
  /** ∂L/∂z; null before the backward pass. */
  delta: Matrix | null
}

interface Layer {
  activation: Activation
  dropout: number
  parameters: LayerView
  gradient: LayerView
  /** null without batch normalization. */
  running: Statistics | null
  /** What the latest forward pass leaves for the backward pass. */
  pass: LayerPass | null
}

/** Everything that training changes. */
export interface NetworkState {
  parameters: Float64Array
  /** Per layer with batch normalization its running mean and variance. */
  running: (Statistics | null)[]
}

export class ReferenceNetwork {
  readonly parameters: Float64Array
  readonly gradient: Float64Array
  readonly loss: Loss
  /** For those who look into it: parameters, gradient and latest passes of every layer. */
  readonly layers: readonly Layer[]
  readonly #config: NetworkConfig

  constructor(config: NetworkConfig, weights: readonly AnyLayerWeights[]) {
    this.parameters = Float64Array.from(
      weights.flatMap(({ weight, bias, gamma = [], beta = [] }) => [
        ...weight,
        ...bias,
        ...gamma,
        ...beta,
      ]),
    )
    this.gradient = new Float64Array(this.parameters.length)
    this.loss = createLoss(config)
    this.#config = config
    const parameters = layerViews(config, this.parameters)
    const gradient = layerViews(config, this.gradient)
    this.layers = config.layers.map(({ activation, dropout = 0 }, index) => ({
      activation: ACTIVATIONS[activation],
      dropout,
      parameters: parameters[index] as LayerView,
      gradient: gradient[index] as LayerView,
      running: toStatistics(weights[index]),
      pass: null,
    }))
  }

  /**
   * The inputs [batch, in], then the outputs [batch, units] of each layer; the last are the logits. In
   * training, both after dropout. Without a training pass in inference mode.
   */
  forward(inputs: Matrix, training: TrainingPass | null = null): Matrix[] {
    const { inputDropout = 0 } = this.#config
    let current = inputs
    if (training !== null && inputDropout > 0) {
      const stream = dropoutStream('inputs')
      const { rows, columns } = inputs
      current = product(inputs, dropoutMask(training, stream, rows, columns, inputDropout))
    }
    const activations = [current]
    for (const [index, layer] of this.layers.entries()) {
      const { activation, dropout, parameters, running } = layer
      const sums = new Matrix(current.rows, parameters.weight.rows)
      denseForward(current, parameters.weight, parameters.bias, sums)
      let normalized = sums
      let normalization: Normalization | null = null
      if (parameters.batchNorm !== null && running !== null) {
        normalized = new Matrix(sums.rows, sums.columns, sums.values.slice())
        const isTraining = training !== null
        normalization = batchNormForward(normalized, parameters.batchNorm, running, isTraining)
      }
      const values = normalized.values.map(activation.value)
      const activated = new Matrix(sums.rows, sums.columns, values)
      const mask =
        training === null || dropout === 0
          ? null
          : dropoutMask(training, dropoutStream(index), sums.rows, sums.columns, dropout)
      layer.pass = { normalization, sums, normalized, activated, mask, delta: null }
      current = mask === null ? activated : product(activated, mask)
      activations.push(current)
    }
    return activations
  }

  /**
   * Fills `gradient` with that of the batch's mean loss, weighted if there are weights.
   * activations as `forward` returned them last, targets [batch, targetWidth], weights [batch]; of mixed rows the mean of both losses
   */
  backward(
    activations: readonly Matrix[],
    targets: Matrix,
    weights?: Float64Array,
    mixed: Mixed | null = null,
  ): void {
    const logits = activations.at(-1) as Matrix
    const delta = this.#outputDelta(logits, targets, weights)
    if (mixed !== null) {
      const other = this.#outputDelta(logits, mixed.targets, weights)
      for (const [row, share] of mixed.shares.entries()) {
        const own = delta.row(row)
        for (const [j, g] of own.entries()) {
          own[j] = share * g + (1 - share) * element(other.row(row), j)
        }
      }
    }
    this.backpropagate(activations, delta)
  }

  /** The same from ∂L/∂logits, whatever L is. outputDelta [batch, outputs] */
  backpropagate(activations: readonly Matrix[], outputDelta: Matrix): void {
    let delta = outputDelta
    for (const [index, { parameters, gradient, pass }] of [...this.layers.entries()].reverse()) {
      if (pass === null) throw new Error('a backward pass needs a forward pass')
      pass.delta = delta
      const inputs = activations[index] as Matrix
      denseParameterGradient(inputs, delta, gradient.weight, gradient.bias)
      // The mean that is subtracted takes the bias with it: what is left is round-off.
      if (gradient.batchNorm !== null) gradient.bias.fill(0)
      const below = this.layers[index - 1]
      if (below === undefined) return
      const inputGradient = new Matrix(delta.rows, parameters.weight.columns)
      denseInputGradient(delta, parameters.weight, inputGradient)
      delta = backThroughActivation(below, inputGradient)
    }
  }

  /** Adds the gradient of the penalty on all weight matrices and returns the penalty. */
  addPenalty(regularization: Regularization): number {
    return this.layers.reduce((sum, { parameters, gradient }) => {
      return sum + addPenalty(parameters.weight.values, gradient.weight.values, regularization)
    }, 0)
  }

  /** Takes the statistics of the latest training pass into the running ones. */
  updateRunning(): void {
    for (const { running, pass } of this.layers) {
      const batch = pass?.normalization?.batch ?? null
      if (running !== null && batch !== null) updateRunning(running, batch, pass?.sums.rows ?? 0)
    }
  }

  /** Index of the first layer, in order of the backward pass, whose gradient holds such a value. */
  findGradientLayer(predicate: (g: number) => boolean): number | null {
    const index = this.layers.findLastIndex(({ gradient: { weight, bias, batchNorm } }) =>
      [weight.values, bias, batchNorm?.gamma, batchNorm?.beta].some((part) =>
        part?.some(predicate),
      ),
    )
    return index === -1 ? null : index
  }

  /** Which parameters are entries of a weight matrix, and not of a vector. [parameters] */
  weightMask(): boolean[] {
    return this.layers.flatMap(({ parameters: { weight, bias, batchNorm } }) => {
      const vectors = batchNorm === null ? 1 : 3
      return [
        ...new Array<boolean>(weight.values.length).fill(true),
        ...new Array<boolean>(vectors * bias.length).fill(false),
      ]
    })
  }

  /**
   * Views of each layer after a backward pass: its outputs before dropout, its weight matrix with the
   * gradient, and the gradient of all its parameters.
   */
  observe(): {
    outputs: Matrix
    weight: Float64Array
    weightGradient: Float64Array
    gradient: Float64Array
  }[] {
    return this.layers.map(({ parameters, gradient, pass }) => {
      if (pass === null) throw new Error('there is nothing to observe before a forward pass')
      const { weight, bias, batchNorm } = gradient
      return {
        outputs: pass.activated,
        weight: parameters.weight.values,
        weightGradient: weight.values,
        gradient: Float64Array.from([
          ...weight.values,
          ...bias,
          ...(batchNorm === null ? [] : [...batchNorm.gamma, ...batchNorm.beta]),
        ]),
      }
    })
  }

  /** A copy of everything that training changes. */
  state(): NetworkState {
    return {
      parameters: this.parameters.slice(),
      running: this.layers.map(({ running }) => structuredClone(running)),
    }
  }

  /** A state rounded to float32. */
  weights({ parameters, running }: NetworkState): LayerWeights[] {
    return layerViews(this.#config, parameters).map(({ weight, bias, batchNorm }, index) => {
      const layer = { weight: Float32Array.from(weight.values), bias: Float32Array.from(bias) }
      const statistics = running[index]
      if (batchNorm === null || !statistics) return layer
      return {
        ...layer,
        gamma: Float32Array.from(batchNorm.gamma),
        beta: Float32Array.from(batchNorm.beta),
        runningMean: Float32Array.from(statistics.mean),
        runningVariance: Float32Array.from(statistics.variance),
      }
    })
  }

  #outputDelta(
    logits: Matrix,
    targets: Matrix,
    weights: Float64Array = new Float64Array(logits.rows).fill(1),
  ): Matrix {
    const delta = new Matrix(logits.rows, logits.columns)
    const weightSum = weights.reduce((sum, w) => sum + w, 0)
    for (const [row, weight] of weights.entries()) {
      const gradient = delta.row(row)
      this.loss.gradient(logits.row(row), targets.row(row), gradient)
      for (const [j, g] of gradient.entries()) gradient[j] = (g * weight) / weightSum
    }
    return delta
  }
}

/** From the gradient of a layer's outputs to that of its product and bias, z. */
function backThroughActivation(
  { activation, parameters, gradient, pass }: Layer,
  upstream: Matrix,
) {
  if (pass === null) throw new Error('a backward pass needs a forward pass')
  const { normalized, activated, mask, normalization } = pass
  const delta = mask === null ? upstream : product(upstream, mask)
  for (const [i, g] of delta.values.entries()) {
    const slope = activation.derivative(element(activated.values, i), element(normalized.values, i))
    delta.values[i] = g * slope
  }
  if (normalization !== null && parameters.batchNorm !== null && gradient.batchNorm !== null) {
    batchNormBackward(delta, parameters.batchNorm.gamma, normalization, gradient.batchNorm)
  }
  return delta
}

function product(a: Matrix, b: Matrix): Matrix {
  const values = a.values.map((value, i) => value * element(b.values, i))
  return new Matrix(a.rows, a.columns, values)
}

function toStatistics(layer: AnyLayerWeights | undefined): Statistics | null {
  if (layer?.runningMean === undefined || layer.runningVariance === undefined) return null
  return {
    mean: Float64Array.from(layer.runningMean),
    variance: Float64Array.from(layer.runningVariance),
  }
}

function layerViews(config: NetworkConfig, values: Float64Array): LayerView[] {
  let offset = 0
  const take = (length: number): Float64Array => {
    offset += length
    return values.subarray(offset - length, offset)
  }
  return layerShapes(config).map(({ inputs, units }, index) => ({
    weight: new Matrix(units, inputs, take(units * inputs)),
    bias: take(units),
    batchNorm: config.layers[index]?.batchNorm ? { gamma: take(units), beta: take(units) } : null,
  }))
}
