import { element } from '../tensor.ts'
import type { Loss } from './loss.ts'

/** Mean over the outputs of (ŷ - y)², with gradient 2(ŷ - y)/outputs. */
export const mse: Loss = {
  value(logits, target) {
    let sum = 0
    for (const [j, prediction] of logits.entries()) sum += (prediction - element(target, j)) ** 2
    return sum / logits.length
  },

  gradient(logits, target, gradient) {
    for (const [j, prediction] of logits.entries()) {
      gradient[j] = (2 * (prediction - element(target, j))) / logits.length
    }
  },

  isCorrect: null,
}
