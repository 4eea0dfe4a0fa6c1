/**
 * What is done to the gradient of the loss before the optimizer sees it. Sums over all parameters are
 * taken row by row and the rows' added in order, whichever threads they come from. Formulas:
 * src/penalty.ts, src/gradient-clip.ts.
 */
import { clampValues, isBelow, scaleValues, squareRows, sumDoubles } from './elementwise'
import { job, layer } from './layout'
import { firstParameterRow } from './network'
import { threadIndex } from './team'
import { multiplyAdd } from './tiles'

/**
 * Adds the gradient of the penalty to this thread's share of all weight matrices and writes the
 * penalty of each of its rows. False if one is not finite.
 */
export function addPenalties(): bool {
  const l1 = load<f64>(job.l1), l2 = load<f64>(job.l2)
  if (l1 == 0 && l2 == 0) return true
  let penalty: f64 = 0
  for (let at: usize = job.layers, end = layersEnd(); at < end; at += layer.bytes) {
    const first = firstParameterRow(at, threadIndex)
    const rows = min(firstParameterRow(at, threadIndex + 1), load<i32>(at + layer.inputs)) - first
    const stride = load<i32>(at + layer.unitStride), own = <usize>(first * stride) << 2
    const weight = <usize>load<i32>(at + layer.weight) + own, gradient = <usize>load<i32>(at + layer.weightGradient) + own
    const sums = <usize>load<i32>(job.rowPenalties) + (<usize>(load<i32>(at + layer.parameterRow) + first) << 3)
    penalty += penalizeRows(weight, gradient, rows, stride, <f32>l1, <f32>l2, sums)
  }
  return isFinite(penalty)
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

/** Whether this thread's share of the gradient is finite and within bounds. */
export function isShareBounded(): bool {
  const limit = <f32>load<f64>(job.gradientLimit)
  for (let at: usize = job.layers, end = layersEnd(); at < end; at += layer.bytes) {
    const first = firstParameterRow(at, threadIndex), rows = firstParameterRow(at, threadIndex + 1) - first
    const stride = load<i32>(at + layer.unitStride)
    const gradient = <usize>load<i32>(at + layer.weightGradient) + (<usize>(first * stride) << 2)
    if (!isBelow(gradient, rows * stride, limit)) return false
  }
  return true
}

/** Writes Σ g² of each row of this thread's share of the gradient. */
export function sumSquaresOfShare(): void {
  for (let at: usize = job.layers, end = layersEnd(); at < end; at += layer.bytes) {
    const first = firstParameterRow(at, threadIndex), rows = firstParameterRow(at, threadIndex + 1) - first
    const stride = load<i32>(at + layer.unitStride)
    const gradient = <usize>load<i32>(at + layer.weightGradient) + (<usize>(first * stride) << 2)
    const sums = <usize>load<i32>(job.rowSquares) + (<usize>(load<i32>(at + layer.parameterRow) + first) << 3)
    squareRows(gradient, rows, stride, sums)
  }
}

/** Global norm of the gradient, from the squares of all rows. */
export function gradientNorm(): f64 {
  return Math.sqrt(sumDoubles(<usize>load<i32>(job.rowSquares), load<i32>(job.parameterRows)))
}

/** Part of the gradient by norm or by value, as the job says. */
export function clipGradient(gradient: usize, floats: i32): void {
  const limit = load<f64>(job.clipNorm), bound = load<f64>(job.clipValue)
  if (limit > 0) {
    const length = gradientNorm()
    if (length > limit) scaleValues(gradient, floats, <f32>(limit / (length + load<f64>(job.clipEpsilon))))
  }
  if (bound > 0) clampValues(gradient, floats, <f32>bound)
}

// @ts-ignore: decorator
@inline
function layersEnd(): usize {
  return job.layers + <usize>load<i32>(job.layerCount) * layer.bytes
}
