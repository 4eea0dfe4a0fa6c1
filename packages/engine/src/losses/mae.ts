import { element } from '../tensor.ts'
import type { Loss } from './loss.ts'

/** Mean over the outputs of |ŷ - y|, with gradient sign(ŷ - y)/outputs, 0 where they are equal. */
export const mae: Loss = {
  value(logits, target) {
    let sum = 0
    for (const [j, prediction] of logits.entries()) sum += Math.abs(prediction - element(target, j))
    return sum / logits.length
  },

  gradient(logits, target, gradient) {
    for (const [j, prediction] of logits.entries()) {
      gradient[j] = Math.sign(prediction - element(target, j)) / logits.length
    }
  },

  isCorrect: null,
}
