import { exp, log } from '../random/elementary.ts'
import { element } from '../tensor.ts'
import type { Loss } from './loss.ts'

/**
 * Softmax and negative log-likelihood in one: logsumexp(s) - s_y, with gradient softmax(s) - onehot(y).
 * Subtracting the maximum keeps it finite for every finite s; a NaN or +∞ among the logits gives NaN.
 */
export const crossEntropy: Loss = {
  value(logits, target) {
    const largest = maximum(logits)
    let sum = 0
    for (const s of logits) sum += exp(s - largest)
    return log(sum) - (element(logits, element(target, 0)) - largest)
  },

  gradient(logits, target, gradient) {
    const largest = maximum(logits)
    let sum = 0
    for (const s of logits) sum += exp(s - largest)
    for (const [j, s] of logits.entries()) {
      gradient[j] = exp(s - largest) / sum - (j === target[0] ? 1 : 0)
    }
  },

  /** Of equal logits the first wins. */
  isCorrect: (logits, target) => logits.indexOf(maximum(logits)) === target[0],
}

/** Largest logit; NaN if any is NaN. */
function maximum(logits: Float64Array): number {
  return logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
}
