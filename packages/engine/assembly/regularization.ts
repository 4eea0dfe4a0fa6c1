/** What is done to the gradient of the loss before the optimizer sees it. Formulas: src/penalty.ts, src/gradient-clip.ts. */
import { clampValues, norm, scaleValues } from './elementwise'
import { job, layer } from './layout'
import { multiplyAdd } from './tiles'

/** Adds the gradient of the penalty on all weight matrices and returns the penalty. */
export function addPenalty(): f64 {
  const l1 = load<f64>(job.l1), l2 = load<f64>(job.l2)
  if (l1 == 0 && l2 == 0) return 0
  const end = job.layers + <usize>load<i32>(job.layerCount) * layer.bytes
  let penalty: f64 = 0
  for (let at: usize = job.layers; at < end; at += layer.bytes) {
    const weight = <usize>load<i32>(at + layer.weight), gradient = <usize>load<i32>(at + layer.weightGradient)
    penalty += penalizeRows(weight, gradient, load<i32>(at + layer.inputs), load<i32>(at + layer.unitStride), <f32>l1, <f32>l2)
  }
  return penalty
}

/** One weight matrix [rows, stride]: float32 within a row, float64 over the rows. */
function penalizeRows(weight: usize, gradient: usize, rows: i32, stride: i32, l1: f32, l2: f32): f64 {
  const bytes = <usize>stride << 2
  const linear = f32x4.splat(l1), square = f32x4.splat(l2), slope = f32x4.splat(<f32>2.0 * l2)
  const zero = f32x4.splat(0), sign = f32x4.splat(-0.0)
  let penalty: f64 = 0
  for (let row = 0; row < rows; row++) {
    let sums = zero
    for (let j: usize = 0; j < bytes; j += 16) {
      const w = v128.load(weight + j)
      // l1 with the sign of w, or nothing where w is zero.
      const pull = v128.and(v128.or(linear, v128.and(w, sign)), f32x4.ne(w, zero))
      v128.store(gradient + j, multiplyAdd(slope, w, f32x4.add(v128.load(gradient + j), pull)))
      sums = multiplyAdd(w, multiplyAdd(square, w, pull), sums)
    }
    penalty += <f64>(
      (f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1)) +
      (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3))
    )
    weight += bytes
    gradient += bytes
  }
  return penalty
}

/** By norm or by value, as the job says. The norm before clipping is kept where someone asks for it. */
export function clipGradient(gradient: usize, floats: i32, isLast: bool): void {
  const limit = load<f64>(job.clipNorm), bound = load<f64>(job.clipValue)
  if (isLast || limit > 0) {
    const length = norm(gradient, floats)
    store<f64>(job.gradientNorm, length)
    if (limit > 0 && length > limit) scaleValues(gradient, floats, <f32>(limit / (length + load<f64>(job.clipEpsilon))))
  }
  if (bound > 0) clampValues(gradient, floats, <f32>bound)
}
