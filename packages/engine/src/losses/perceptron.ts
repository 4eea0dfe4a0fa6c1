import { element } from '../tensor.ts'
import { type Loss, largest } from './loss.ts'

/**
 * Rosenblatt's rule as a loss: 1 for a wrong row, 0 for a right one, so that the mean is the error
 * rate. What stands for the gradient is step(s) - y, one unit per class against the rest, a single
 * unit for two classes; a step against it by η is w += η(y - ŷ)x. A score that is not finite gives NaN.
 */
export const perceptron: Loss = {
  value(logits, target) {
    if (!logits.every(Number.isFinite)) return Number.NaN
    return isCorrect(logits, target) ? 0 : 1
  },

  gradient(logits, target, gradient) {
    for (const [j, s] of logits.entries()) {
      const wanted = logits.length === 1 ? element(target, 0) : j === target[0] ? 1 : 0
      gradient[j] = (s >= 0 ? 1 : 0) - wanted
    }
  },

  isCorrect,
}

/** A single unit says class 1 from zero up; of several the largest score wins, of equal ones the first. */
function isCorrect(logits: Float64Array, target: Float64Array): boolean {
  const predicted =
    logits.length === 1 ? Number(element(logits, 0) >= 0) : logits.indexOf(largest(logits))
  return predicted === target[0]
}
