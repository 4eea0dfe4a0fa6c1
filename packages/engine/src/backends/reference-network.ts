/**
 * Forward and backward pass of the reference backend: one batch at a time, float64, nothing fused.
 * Parameters and gradient are flat vectors, per layer W [out, in] then b [out], seen through views.
 */
import { ACTIVATIONS, type Activation } from '../activations/activation.ts'
import type { LossName, NetworkConfig } from '../config.ts'
import { denseForward, denseInputGradient, denseParameterGradient } from '../layers/dense.ts'
import { binaryCrossEntropy } from '../losses/binary-cross-entropy.ts'
import { crossEntropy } from '../losses/cross-entropy.ts'
import type { Loss } from '../losses/loss.ts'
import { mse } from '../losses/mse.ts'
import { element, Matrix } from '../tensor.ts'
import { type LayerWeights, layerShapes } from '../weights.ts'

interface LayerView {
  weight: Matrix
  bias: Float64Array
}

const LOSSES: Record<LossName, Loss> = {
  cross_entropy: crossEntropy,
  binary_cross_entropy: binaryCrossEntropy,
  mse,
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
    this.loss = LOSSES[config.loss]
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
   * Fills `gradient` with that of the batch's mean loss.
   * activations as `forward` returned them, targets [batch, targetWidth]
   */
  backward(activations: readonly Matrix[], targets: Matrix): void {
    let delta = this.#outputDelta(activations.at(-1) as Matrix, targets)
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

  /** Index of the first layer, in order of the backward pass, whose gradient holds such a value. */
  findGradientLayer(predicate: (g: number) => boolean): number | null {
    const index = this.#layers.findLastIndex(
      ({ gradient }) => gradient.weight.values.some(predicate) || gradient.bias.some(predicate),
    )
    return index === -1 ? null : index
  }

  /** The parameters, or a copy of them of the same layout, rounded to float32. */
  weights(config: NetworkConfig, parameters: Float64Array): LayerWeights[] {
    return layerViews(config, parameters).map(({ weight, bias }) => ({
      weight: Float32Array.from(weight.values),
      bias: Float32Array.from(bias),
    }))
  }

  #outputDelta(logits: Matrix, targets: Matrix): Matrix {
    const delta = new Matrix(logits.rows, logits.columns)
    for (let row = 0; row < logits.rows; row++) {
      this.loss.gradient(logits.row(row), targets.row(row), delta.row(row))
    }
    for (const [i, value] of delta.values.entries()) delta.values[i] = value / logits.rows
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
