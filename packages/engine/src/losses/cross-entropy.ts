import { exp, log } from '../random/elementary.ts'
import { element } from '../tensor.ts'
import { type Loss, largest } from './loss.ts'

/**
 * Softmax and negative log-likelihood in one: logsumexp(s) - Σ t_j s_j, with gradient softmax(s) - t.
 * t is onehot(y), mixed with the uniform distribution by label smoothing ε: t = (1 - ε)·onehot(y) + ε/out
 * (https://arxiv.org/abs/1512.00567). Subtracting the maximum keeps it finite for every finite s; a NaN or
 * +∞ among the logits gives NaN.
 */
export function createCrossEntropy(smoothing: number): Loss {
  const share = (j: number, target: Float64Array, classes: number) =>
    smoothing / classes + (j === target[0] ? 1 - smoothing : 0)
  return {
    value(logits, target) {
      const shift = largest(logits)
      const sum = logits.reduce((total, s) => total + exp(s - shift), 0)
      if (smoothing === 0) return log(sum) - (element(logits, element(target, 0)) - shift)
      return logits.reduce(
        (loss, s, j) => loss - share(j, target, logits.length) * (s - shift),
        log(sum),
      )
    },

    gradient(logits, target, gradient) {
      for (const [j, p] of softmax(logits).entries()) {
        gradient[j] = p - share(j, target, logits.length)
      }
    },

    /** Of equal logits the first wins. */
    isCorrect: (logits, target) => logits.indexOf(largest(logits)) === target[0],
  }
}

/** e^(s - max) / Σ e^(s - max) in float64. logits [out] */
export function softmax(logits: Float64Array): Float64Array {
  const shift = largest(logits)
  const sum = logits.reduce((total, s) => total + exp(s - shift), 0)
  return logits.map((s) => exp(s - shift) / sum)
}
