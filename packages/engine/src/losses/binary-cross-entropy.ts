import { exp, log, logistic } from '../random/elementary.ts'
import { element } from '../tensor.ts'
import type { Loss } from './loss.ts'

/**
 * Sigmoid and binary cross-entropy in one, for a single logit s and y in {0, 1}:
 * max(s, 0) - s·y + ln(1 + e^-|s|), with gradient σ(s) - y. Finite for every finite s.
 */
export const binaryCrossEntropy: Loss = {
  value(logits, target) {
    const s = element(logits, 0)
    return Math.max(s, 0) - s * element(target, 0) + log(1 + exp(-Math.abs(s)))
  },

  gradient(logits, target, gradient) {
    gradient[0] = logistic(element(logits, 0)) - element(target, 0)
  },

  /** Class 1 needs a probability above one half. */
  isCorrect: (logits, target) => element(logits, 0) > 0 === element(target, 0) > 0.5,
}
