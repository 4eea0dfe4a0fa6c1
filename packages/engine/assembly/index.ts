export { assist, beginEpoch, trainEpoch, validate } from './epoch'
export { forwardPass, packWeights } from './network'
export { multiplyDirect, multiplyDirectTransposed, transpose } from './matmul-direct'
export { multiplyPacked } from './matmul-packed'
export { applyActivation, applyActivationDerivative } from './activations'
export { drawMask } from './dropout'
export { identityOrder, shuffleOrder } from './shuffle'

import { multiplyAdd } from './tiles'

/** End of the static data; the job's record must lie behind it. */
export const staticEnd: usize = __heap_base

/**
 * 1 if a multiply-add keeps the low bits of its product: (1 + ε)² - (1 + 2ε) is ε², or 0 if rounded.
 * Address 0 holds zero, which only the processor knows: the compiler must not fold the answer.
 */
export function roundsOnce(): i32 {
  const x: f32 = load<f32>(0) + (<f32>1.0 + f32.EPSILON)
  const square = multiplyAdd(f32x4.splat(x), f32x4.splat(x), f32x4.splat(<f32>-1.0 - <f32>2.0 * f32.EPSILON))
  return f32x4.extract_lane(square, 0) != 0 ? 1 : 0
}
