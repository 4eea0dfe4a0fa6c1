/**
 * A per-sample loss on logits. The loss of a batch is the weighted mean of `value` over its rows, so
 * the caller scales the gradient by the row's weight over the sum of weights.
 */
export interface Loss {
  /** logits [out], target [targetWidth] */
  value(logits: Float64Array, target: Float64Array): number
  /** Writes ∂value/∂logits. gradient [out] */
  gradient(logits: Float64Array, target: Float64Array, gradient: Float64Array): void
  /** Whether the predicted class is the target's; null where there are no classes. */
  isCorrect: ((logits: Float64Array, target: Float64Array) => boolean) | null
}

/** Largest logit; NaN if any is NaN. */
export function largest(logits: Float64Array): number {
  return logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
}
