import { EngineError } from './errors.ts'
import { element } from './tensor.ts'

/** Penalties on the weights of all layers, never on biases, γ or β. Both together are the elastic net. */
export interface Regularization {
  /** Times Σ|W|; pulls weights to exactly zero. 0. */
  l1?: number
  /** Times ΣW²; pulls weights in proportion to their size. 0. */
  l2?: number
}

/** Adds the gradient l1·sign(W) + 2·l2·W of one weight matrix and returns its penalty; sign(0) = 0. */
export function addPenalty(
  weight: Float64Array,
  gradient: Float64Array,
  regularization: Regularization,
): number {
  const { l1 = 0, l2 = 0 } = regularization
  let penalty = 0
  for (const [i, w] of weight.entries()) {
    gradient[i] = element(gradient, i) + l1 * Math.sign(w) + 2 * l2 * w
    penalty += penaltyOf(w, regularization)
  }
  return penalty
}

/** The share of one weight. */
export function penaltyOf(w: number, { l1 = 0, l2 = 0 }: Regularization): number {
  return l1 * Math.abs(w) + l2 * w * w
}

/** Throws `invalid_options` unless both are finite and not negative. */
export function assertRegularization({ l1 = 0, l2 = 0 }: Regularization): void {
  for (const [name, value] of Object.entries({ l1, l2 })) {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new EngineError('invalid_options', `${name} must be finite and not negative`)
    }
  }
}
