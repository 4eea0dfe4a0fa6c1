import { element, type Matrix } from '../tensor.ts'

/** Z = A Wᵀ + b. inputs A [batch, in], weight W [out, in], bias b [out], outputs Z [batch, out] */
export function denseForward(
  inputs: Matrix,
  weight: Matrix,
  bias: Float64Array,
  outputs: Matrix,
): void {
  for (let row = 0; row < inputs.rows; row++) {
    for (let unit = 0; unit < weight.rows; unit++) {
      let sum = element(bias, unit)
      for (let i = 0; i < inputs.columns; i++) sum += inputs.at(row, i) * weight.at(unit, i)
      outputs.set(row, unit, sum)
    }
  }
}

/**
 * Parameter gradients from δ = ∂L/∂Z: ∂L/∂W = δᵀ A and ∂L/∂b = Σ_rows δ.
 * inputs A [batch, in], delta [batch, out], weightGradient [out, in], biasGradient [out]
 */
export function denseParameterGradient(
  inputs: Matrix,
  delta: Matrix,
  weightGradient: Matrix,
  biasGradient: Float64Array,
): void {
  for (let unit = 0; unit < delta.columns; unit++) {
    let sum = 0
    for (let row = 0; row < delta.rows; row++) sum += delta.at(row, unit)
    biasGradient[unit] = sum
    for (let i = 0; i < inputs.columns; i++) {
      let product = 0
      for (let row = 0; row < delta.rows; row++) product += delta.at(row, unit) * inputs.at(row, i)
      weightGradient.set(unit, i, product)
    }
  }
}

/** ∂L/∂A = δ W. delta [batch, out], weight [out, in], inputGradient [batch, in] */
export function denseInputGradient(delta: Matrix, weight: Matrix, inputGradient: Matrix): void {
  for (let row = 0; row < delta.rows; row++) {
    for (let i = 0; i < weight.columns; i++) {
      let sum = 0
      for (let unit = 0; unit < weight.rows; unit++) sum += delta.at(row, unit) * weight.at(unit, i)
      inputGradient.set(row, i, sum)
    }
  }
}
