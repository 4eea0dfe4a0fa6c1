/**
 * Forward and backward pass of the reference backend: one batch at a time, float64, nothing fused.
 * Parameters and gradient are flat vectors, per layer W [out, in] then b [out], seen through views.
 */
import { ACTIVATIONS, type Activation } from '../activations/activation.ts'
import type { NetworkConfig } from '../config.ts'
import { denseForward, denseInputGradient, denseParameterGradient } from '../layers/dense.ts'
import { createLoss } from '../losses/create-loss.ts'
import type { Loss } from '../losses/loss.ts'
import { addPenalty, type Regularization } from '../penalty.ts'
import { element, Matrix } from '../tensor.ts'
import { type LayerWeights, layerShapes } from '../weights.ts'

interface LayerView {
  weight: Matrix
  bias: Float64Array
}

export class ReferenceNetwork {
  readonly parameters: Float64Array
  readonly gradient: Float64Array
  readonly loss: Loss
  readonly #layers: {
    activation: Activation
    parameters: LayerView
    gradient: LayerView
    /** z of the latest forward pass. */
    sums: Float64Array
  }[]

  constructor(config: NetworkConfig, weights: readonly LayerWeights[]) {
    this.parameters = Float64Array.from(weights.flatMap((w) => [...w.weight, ...w.bias]))
    this.gradient = new Float64Array(this.parameters.length)
    this.loss = createLoss(config)
    const parameters = layerViews(config, this.parameters)
    const gradient = layerViews(config, this.gradient)
    this.#layers = config.layers.map(({ activation }, index) => ({
      activation: ACTIVATIONS[activation],
      parameters: parameters[index] as LayerView,
      gradient: gradient[index] as LayerView,
      sums: new Float64Array(0),
    }))
  }

  /** The inputs [batch, in], then the outputs [batch, units] of each layer; the last are the logits. */
  forward(inputs: Matrix): Matrix[] {
    const activations = [inputs]
    let current = inputs
    for (const layer of this.#layers) {
      const { activation, parameters } = layer
      const outputs = new Matrix(current.rows, parameters.weight.rows)
      denseForward(current, parameters.weight, parameters.bias, outputs)
      layer.sums = outputs.values.slice()
      for (const [i, z] of outputs.values.entries()) outputs.values[i] = activation.value(z)
      activations.push(outputs)
      current = outputs
    }
    return activations
  }

  /**
   * Fills `gradient` with that of the batch's mean loss, weighted if there are weights.
   * activations as `forward` returned them, targets [batch, targetWidth], weights [batch]
   */
  backward(activations: readonly Matrix[], targets: Matrix, weights?: Float64Array): void {
    let delta = this.#outputDelta(activations.at(-1) as Matrix, targets, weights)
    for (const [index, { parameters, gradient }] of [...this.#layers.entries()].reverse()) {
      const inputs = activations[index] as Matrix
      denseParameterGradient(inputs, delta, gradient.weight, gradient.bias)
      const below = this.#layers[index - 1]
      if (below === undefined) return
      const inputGradient = new Matrix(delta.rows, parameters.weight.columns)
      denseInputGradient(delta, parameters.weight, inputGradient)
      for (const [i, g] of inputGradient.values.entries()) {
        const slope = below.activation.derivative(element(inputs.values, i), element(below.sums, i))
        inputGradient.values[i] = g * slope
      }
      delta = inputGradient
    }
  }

  /** Adds the gradient of the penalty on all weight matrices and returns the penalty. */
  addPenalty(regularization: Regularization): number {
    return this.#layers.reduce((sum, { parameters, gradient }) => {
      return sum + addPenalty(parameters.weight.values, gradient.weight.values, regularization)
    }, 0)
  }

  /** Index of the first layer, in order of the backward pass, whose gradient holds such a value. */
  findGradientLayer(predicate: (g: number) => boolean): number | null {
    const index = this.#layers.findLastIndex(
      ({ gradient }) => gradient.weight.values.some(predicate) || gradient.bias.some(predicate),
    )
    return index === -1 ? null : index
  }

  /** Which parameters are entries of a weight matrix, and not biases. [parameters] */
  weightMask(): boolean[] {
    return this.#layers.flatMap(({ parameters: { weight, bias } }) => [
      ...new Array<boolean>(weight.values.length).fill(true),
      ...new Array<boolean>(bias.length).fill(false),
    ])
  }

  /** The parameters, or a copy of them of the same layout, rounded to float32. */
  weights(config: NetworkConfig, parameters: Float64Array): LayerWeights[] {
    return layerViews(config, parameters).map(({ weight, bias }) => ({
      weight: Float32Array.from(weight.values),
      bias: Float32Array.from(bias),
    }))
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

function layerViews(config: NetworkConfig, values: Float64Array): LayerView[] {
  let offset = 0
  return layerShapes(config).map(({ inputs, units }) => {
    const biasAt = offset + units * inputs
    const weight = new Matrix(units, inputs, values.subarray(offset, biasAt))
    offset = biasAt + units
    return { weight, bias: values.subarray(biasAt, offset) }
  })
}
