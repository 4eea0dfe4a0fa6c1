/**
 * A per-sample loss on logits. The loss of a batch is the mean of `value` over its rows, so the
 * caller divides the gradient by the batch size.
 */
export interface Loss {
  /** logits [out], target [targetWidth] */
  value(logits: Float64Array, target: Float64Array): number
  /** Writes ∂value/∂logits. gradient [out] */
  gradient(logits: Float64Array, target: Float64Array, gradient: Float64Array): void
  /** Whether the predicted class is the target's; null where there are no classes. */
  isCorrect: ((logits: Float64Array, target: Float64Array) => boolean) | null
}
