import { element } from '../tensor.ts'
import type { Loss } from './loss.ts'

/**
 * Mean over the outputs of ½d² where |d| ≤ δ and δ(|d| - ½δ) outside, d = ŷ - y, with gradient
 * clamp(d, -δ, δ)/outputs. With c = clamp(d, -δ, δ) both branches are c(d - ½c).
 */
export function createHuber(delta: number): Loss {
  const clamp = (d: number) => Math.min(Math.max(d, -delta), delta)
  return {
    value(logits, target) {
      let sum = 0
      for (const [j, prediction] of logits.entries()) {
        const d = prediction - element(target, j)
        sum += clamp(d) * (d - 0.5 * clamp(d))
      }
      return sum / logits.length
    },

    gradient(logits, target, gradient) {
      for (const [j, prediction] of logits.entries()) {
        gradient[j] = clamp(prediction - element(target, j)) / logits.length
      }
    },

    isCorrect: null,
  }
}
