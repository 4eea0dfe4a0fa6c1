import { exp, log, logistic } from '../random/elementary.ts'
import { element } from '../tensor.ts'
import type { Loss } from './loss.ts'

/**
 * Sigmoid and binary cross-entropy in one, for a single logit s and y in {0, 1}:
 * max(s, 0) - s·t + ln(1 + e^-|s|), with gradient σ(s) - t. Finite for every finite s. t is y, moved
 * towards one half by label smoothing ε: t = y(1 - ε) + ε/2.
 */
export function createBinaryCrossEntropy(smoothing: number): Loss {
  const soften = (target: Float64Array) => element(target, 0) * (1 - smoothing) + smoothing / 2
  return {
    value(logits, target) {
      const s = element(logits, 0)
      return Math.max(s, 0) - s * soften(target) + log(1 + exp(-Math.abs(s)))
    },

    gradient(logits, target, gradient) {
      gradient[0] = logistic(element(logits, 0)) - soften(target)
    },

    /** Class 1 needs a probability above one half. */
    isCorrect: (logits, target) => element(logits, 0) > 0 === element(target, 0) > 0.5,
  }
}
