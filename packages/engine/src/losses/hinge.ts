import { element } from '../tensor.ts'
import { type Loss, largest } from './loss.ts'

/**
 * Multiclass hinge (Weston & Watkins): Σ_{j≠y} max(0, s_j - s_y + 1), with gradient 1 for every class
 * that comes within the margin, minus their number for y. At the kink the gradient is 0.
 */
export const hinge: Loss = {
  value(logits, target) {
    const own = element(logits, element(target, 0))
    return logits.reduce((sum, s, j) => sum + (j === target[0] ? 0 : Math.max(0, s - own + 1)), 0)
  },

  gradient(logits, target, gradient) {
    const label = element(target, 0)
    const own = element(logits, label)
    gradient[label] = 0
    for (const [j, s] of logits.entries()) {
      if (j === label) continue
      gradient[j] = s - own + 1 > 0 ? 1 : 0
      gradient[label] = element(gradient, label) - element(gradient, j)
    }
  },

  /** Of equal logits the first wins. */
  isCorrect: (logits, target) => logits.indexOf(largest(logits)) === target[0],
}
