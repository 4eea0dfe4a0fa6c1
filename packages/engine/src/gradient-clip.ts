import { EngineError } from './errors.ts'

/**
 * By norm: all of the gradient times norm/(‖g‖ + 1e-6) where its global L2 norm ‖g‖ exceeds it.
 * By value: each entry into [-value, value].
 */
export type GradientClip = { norm: number } | { value: number }

/** Keeps the quotient finite and the clipped norm just below the limit. */
export const CLIP_EPSILON = 1e-6

/** gradient [parameters], in place; norm is its global norm. https://arxiv.org/abs/1211.5063 */
export function clipGradient(gradient: Float64Array, norm: number, clip: GradientClip): void {
  if ('value' in clip) {
    for (const [i, g] of gradient.entries()) {
      gradient[i] = Math.min(Math.max(g, -clip.value), clip.value)
    }
  } else if (norm > clip.norm) {
    for (const [i, g] of gradient.entries()) gradient[i] = (g * clip.norm) / (norm + CLIP_EPSILON)
  }
}

/** Throws `invalid_options` unless the limit is positive. */
export function assertGradientClip(clip: GradientClip): void {
  const limit = 'value' in clip ? clip.value : clip.norm
  if (!(limit > 0 && limit < Number.POSITIVE_INFINITY)) {
    throw new EngineError('invalid_options', 'a gradient is clipped at a positive number')
  }
}
