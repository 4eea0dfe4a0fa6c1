/**
 * What is done to the gradient of the loss before the optimizer sees it. Sums over all parameters are
 * taken row by row and the rows' added in order, whichever threads they come from. Formulas:
 * src/penalty.ts, src/gradient-clip.ts.
 */
import { clampValues, isBelow, scaleValues, squareRows, sumDoubles } from './elementwise'
import { job, layer } from './layout'
import { multiplyAdd } from './tiles'

/**
 * Adds the gradient of the penalty to the rows `first` to `last` of a layer's gradient and writes the
 * penalty and Σ g² of each. False if one is not finite or a gradient is too large.
 */
export function regularizeGradient(at: usize, first: i32, last: i32, needsNorm: bool): bool {
  const l1 = load<f64>(job.l1), l2 = load<f64>(job.l2)
  const stride = load<i32>(at + layer.unitStride), own = <usize>(first * stride) << 2
  const gradient = <usize>load<i32>(at + layer.weightGradient) + own
  const sums = <usize>(load<i32>(at + layer.parameterRow) + first) << 3
  let penalty: f64 = 0
  if (l1 != 0 || l2 != 0) {
    const weight = <usize>load<i32>(at + layer.weight) + own, rows = min(last, load<i32>(at + layer.inputs)) - first
    penalty = penalizeRows(weight, gradient, rows, stride, <f32>l1, <f32>l2, <usize>load<i32>(job.rowPenalties) + sums)
  }
  if (needsNorm) squareRows(gradient, last - first, stride, <usize>load<i32>(job.rowSquares) + sums)
  return isBelow(gradient, (last - first) * stride, <f32>load<f64>(job.gradientLimit)) && isFinite(penalty)
}

/** The penalty on all weight matrices before the step. */
export function penaltyOfBatch(): f64 {
  if (load<f64>(job.l1) == 0 && load<f64>(job.l2) == 0) return 0
  return sumDoubles(<usize>load<i32>(job.rowPenalties), load<i32>(job.parameterRows))
}

/** Rows of a weight matrix [rows, stride]: float32 within a row, float64 over the rows, whose penalties go to sums [rows]. */
function penalizeRows(weight: usize, gradient: usize, rows: i32, stride: i32, l1: f32, l2: f32, sums: usize): f64 {
  const bytes = <usize>stride << 2
  const linear = f32x4.splat(l1), square = f32x4.splat(l2), slope = f32x4.splat(<f32>2.0 * l2)
  const zero = f32x4.splat(0), sign = f32x4.splat(-0.0)
  let penalty: f64 = 0
  for (let row = 0; row < rows; row++) {
    let lanes = zero
    for (let j: usize = 0; j < bytes; j += 16) {
      const w = v128.load(weight + j)
      // l1 with the sign of w, or nothing where w is zero.
      const pull = v128.and(v128.or(linear, v128.and(w, sign)), f32x4.ne(w, zero))
      v128.store(gradient + j, multiplyAdd(slope, w, f32x4.add(v128.load(gradient + j), pull)))
      lanes = multiplyAdd(w, multiplyAdd(square, w, pull), lanes)
    }
    const rowPenalty = <f64>(
      (f32x4.extract_lane(lanes, 0) + f32x4.extract_lane(lanes, 1)) +
      (f32x4.extract_lane(lanes, 2) + f32x4.extract_lane(lanes, 3))
    )
    store<f64>(sums, rowPenalty)
    sums += 8
    penalty += rowPenalty
    weight += bytes
    gradient += bytes
  }
  return penalty
}

/** Global norm of the gradient, from the squares of all rows. */
export function gradientNorm(): f64 {
  return Math.sqrt(sumDoubles(<usize>load<i32>(job.rowSquares), load<i32>(job.parameterRows)))
}

/** A range of the gradient, given in bytes, by its global norm or by value, as the job says. */
export function clipGradient(first: usize, last: usize, length: f64): void {
  const limit = load<f64>(job.clipNorm), bound = load<f64>(job.clipValue)
  const gradient = <usize>load<i32>(job.gradient) + first, floats = <i32>((last - first) >> 2)
  if (limit > 0 && length > limit) scaleValues(gradient, floats, <f32>(limit / (length + load<f64>(job.clipEpsilon))))
  if (bound > 0) clampValues(gradient, floats, <f32>bound)
}
