import { element, Matrix } from '../tensor.ts'

/** Keeps a column without variance from being divided by zero. */
export const BATCH_NORM_EPSILON = 1e-5
/** What the running statistics keep of themselves at each batch. */
export const BATCH_NORM_MOMENTUM = 0.9

/** Trained scale and shift, both [units]. */
export interface BatchNormParameters {
  gamma: Float64Array
  beta: Float64Array
}

/** Mean and variance per unit, both [units]. */
export interface Statistics {
  mean: Float64Array
  variance: Float64Array
}

/** What the backward pass needs of the forward pass. */
export interface Normalization {
  /** x̂ [batch, units] */
  normalized: Matrix
  /** 1/√(variance + ε) [units] */
  inverse: Float64Array
  /** Those of the batch, with the biased variance; null if the running ones served as constants. */
  batch: Statistics | null
}

/**
 * x̂ = (z - mean)/√(variance + ε), y = γ x̂ + β, in place. sums z [batch, units]. A training batch of two
 * rows or more is normalized by its own statistics, everything else by the running ones.
 * Ioffe & Szegedy, https://arxiv.org/abs/1502.03167
 */
export function batchNormForward(
  sums: Matrix,
  { gamma, beta }: BatchNormParameters,
  running: Statistics,
  isTraining: boolean,
): Normalization {
  const batch = isTraining && sums.rows > 1 ? batchStatistics(sums) : null
  const { mean, variance } = batch ?? running
  const inverse = variance.map((v) => 1 / Math.sqrt(v + BATCH_NORM_EPSILON))
  const normalized = new Matrix(sums.rows, sums.columns)
  for (let row = 0; row < sums.rows; row++) {
    for (let unit = 0; unit < sums.columns; unit++) {
      const x = (sums.at(row, unit) - element(mean, unit)) * element(inverse, unit)
      normalized.set(row, unit, x)
      sums.set(row, unit, element(gamma, unit) * x + element(beta, unit))
    }
  }
  return { normalized, inverse, batch }
}

/**
 * From δ = ∂L/∂y to ∂L/∂z, in place: ∂L/∂β = Σ δ, ∂L/∂γ = Σ δ x̂, and
 * ∂L/∂z = γ/√(variance + ε) · (δ - (∂L/∂β + x̂ ∂L/∂γ)/batch), where constants have no share of the sums.
 * delta [batch, units]
 */
export function batchNormBackward(
  delta: Matrix,
  gamma: Float64Array,
  { normalized, inverse, batch }: Normalization,
  gradient: BatchNormParameters,
): void {
  for (let unit = 0; unit < delta.columns; unit++) {
    let sum = 0
    let product = 0
    for (let row = 0; row < delta.rows; row++) {
      sum += delta.at(row, unit)
      product += delta.at(row, unit) * normalized.at(row, unit)
    }
    gradient.beta[unit] = sum
    gradient.gamma[unit] = product
    const factor = element(gamma, unit) * element(inverse, unit)
    for (let row = 0; row < delta.rows; row++) {
      const share = batch === null ? 0 : (sum + normalized.at(row, unit) * product) / delta.rows
      delta.set(row, unit, factor * (delta.at(row, unit) - share))
    }
  }
}

/** running = 0.9 · running + 0.1 · batch, with the unbiased variance of a batch of that many rows. */
export function updateRunning(running: Statistics, batch: Statistics, rows: number): void {
  const blend = (old: number, value: number) =>
    BATCH_NORM_MOMENTUM * old + (1 - BATCH_NORM_MOMENTUM) * value
  const unbiased = rows / (rows - 1)
  for (const [unit, mean] of batch.mean.entries()) {
    running.mean[unit] = blend(element(running.mean, unit), mean)
    const variance = element(batch.variance, unit) * unbiased
    running.variance[unit] = blend(element(running.variance, unit), variance)
  }
}

function batchStatistics(sums: Matrix): Statistics {
  const mean = new Float64Array(sums.columns)
  const variance = new Float64Array(sums.columns)
  for (let unit = 0; unit < sums.columns; unit++) {
    let sum = 0
    for (let row = 0; row < sums.rows; row++) sum += sums.at(row, unit)
    mean[unit] = sum / sums.rows
    let squares = 0
    for (let row = 0; row < sums.rows; row++) {
      squares += (sums.at(row, unit) - element(mean, unit)) ** 2
    }
    variance[unit] = squares / sums.rows
  }
  return { mean, variance }
}
