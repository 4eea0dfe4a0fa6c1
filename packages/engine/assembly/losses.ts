/**
 * Losses on logits [rows, stride], of which `units` per row are real. Each returns the sum of the
 * rows' losses in float64, writes the gradient of their mean to delta [rows, stride] with zeros in
 * the padding, and adds to the job's count of rows predicted right.
 */
import { vectorExp, vectorLog1p } from './elementary'
import { job } from './layout'

/** Probabilities below this become zero: products with them would be denormal, which is slow. */
const PROBABILITY_MIN: f32 = 1e-20

/**
 * logsumexp(s) - s_y, gradient (softmax(s) - onehot(y)) / rows. labels [rows]: class indices as
 * float32, below `units`. A NaN or +∞ in a row makes its loss NaN. The largest exponential is always
 * 1 and is kept out of the sum: both a small loss and a small gradient of the right class would
 * otherwise be differences of numbers near 1.
 */
export function crossEntropy(logits: usize, stride: i32, units: i32, rows: i32, labels: usize, delta: usize): f64 {
  const bytes = <usize>stride << 2
  const scale: f32 = <f32>1.0 / <f32>rows
  let loss: f64 = 0
  let correct = 0
  for (let row = 0; row < rows; row++) {
    const label = <i32>load<f32>(labels + (<usize>row << 2))
    const top = indexOfLargest(logits, units)
    const largest = load<f32>(logits + (<usize>top << 2))
    const own = load<f32>(logits + (<usize>label << 2))
    const rest = exponentials(logits, stride, units, top, largest, delta)
    const perSum: f32 = <f32>1.0 / (<f32>1.0 + rest)
    loss += <f64>(f32x4.extract_lane(vectorLog1p(f32x4.splat(rest)), 0) - (own - largest))
    const ownDelta = label == top ? -rest * perSum : load<f32>(delta + (<usize>label << 2)) * perSum - 1
    if (label == top) correct++
    probabilities(delta, bytes, perSum, scale)
    store<f32>(delta + (<usize>label << 2), ownDelta * scale)
    logits += bytes
    delta += bytes
  }
  store<i32>(job.correct, load<i32>(job.correct) + correct)
  return loss
}

/**
 * max(s, 0) - s·y + ln(1 + e^-|s|), gradient (σ(s) - y) / rows, one logit a row; y [rows] in {0, 1}.
 * With e = e^-|s| the two probabilities are 1/(1 + e) and e/(1 + e), both without cancellation.
 */
export function binaryCrossEntropy(logits: usize, stride: i32, rows: i32, labels: usize, delta: usize): f64 {
  let loss: f64 = 0
  let correct = 0
  const bytes = <usize>stride << 2
  const scale = f32x4.splat(<f32>1.0 / <f32>rows)
  const zero = f32x4.splat(0), one = f32x4.splat(1)
  for (let row = 0; row < rows; row += 4) {
    const count = min(4, rows - row)
    const s = loadColumn(logits, bytes, count)
    const y = loadColumn(labels, 4, count)
    const e = vectorExp(f32x4.neg(f32x4.abs(s)))
    const likely = f32x4.div(one, f32x4.add(one, e))
    const unlikely = f32x4.mul(e, likely)
    const isPositive = f32x4.gt(s, zero), isOne = f32x4.gt(y, f32x4.splat(0.5))
    const probabilityOfOne = v128.bitselect(likely, unlikely, isPositive)
    const probabilityOfZero = v128.bitselect(unlikely, likely, isPositive)
    const gradient = v128.bitselect(f32x4.neg(probabilityOfZero), probabilityOfOne, isOne)
    const hinge = f32x4.sub(f32x4.pmax(s, zero), f32x4.mul(s, y))
    loss += addColumn(f32x4.add(hinge, vectorLog1p(e)), count)
    storeColumn(delta, bytes, f32x4.mul(gradient, scale), count)
    correct += popcnt(i32x4.bitmask(i32x4.eq(isPositive, isOne)) & ((1 << count) - 1))
    logits += 4 * bytes
    delta += 4 * bytes
    labels += 16
  }
  store<i32>(job.correct, load<i32>(job.correct) + correct)
  return loss
}

/** Mean over the outputs of (s - y)², gradient 2(s - y) / (units · rows); targets [rows, stride]. */
export function meanSquaredError(logits: usize, stride: i32, units: i32, rows: i32, targets: usize, delta: usize): f64 {
  const bytes = <usize>stride << 2
  const slope = f32x4.splat(<f32>2.0 / (<f32>units * <f32>rows))
  let loss: f64 = 0
  for (let row = 0; row < rows; row++) {
    let squares = f32x4.splat(0)
    for (let j: usize = 0; j < bytes; j += 16) {
      const difference = f32x4.sub(v128.load(logits + j), v128.load(targets + j))
      squares = f32x4.add(squares, f32x4.mul(difference, difference))
      v128.store(delta + j, f32x4.mul(difference, slope))
    }
    loss += <f64>addLanes(squares) / <f64>units
    logits += bytes
    targets += bytes
    delta += bytes
  }
  return loss
}

/**
 * e^(s - largest) of one row into target [stride], zero in the padding. Returns their sum without
 * the one at `top`.
 */
// @ts-ignore: decorator
@inline
function exponentials(logits: usize, stride: i32, units: i32, top: i32, largest: f32, target: usize): f32 {
  const shift = f32x4.splat(largest), end = i32x4.splat(units), skipped = i32x4.splat(top)
  let index = i32x4(0, 1, 2, 3)
  let sums = f32x4.splat(0)
  for (let at: usize = 0, bytes = <usize>stride << 2; at < bytes; at += 16) {
    const value = v128.and(vectorExp(f32x4.sub(v128.load(logits + at), shift)), i32x4.lt_s(index, end))
    v128.store(target + at, value)
    sums = f32x4.add(sums, v128.andnot(value, i32x4.eq(index, skipped)))
    index = i32x4.add(index, i32x4.splat(4))
  }
  return addLanes(sums)
}

/** Exponentials of one row become softmax / rows. */
// @ts-ignore: decorator
@inline
function probabilities(row: usize, bytes: usize, perSum: f32, scale: f32): void {
  for (let j: usize = 0; j < bytes; j += 16) {
    const probability = f32x4.mul(v128.load(row + j), f32x4.splat(perSum))
    // Cleared where it is less, not kept where it is more: a NaN must stay.
    const isTiny = f32x4.lt(probability, f32x4.splat(PROBABILITY_MIN))
    v128.store(row + j, f32x4.mul(v128.andnot(probability, isTiny), f32x4.splat(scale)))
  }
}

/** Of equal values the first. A NaN is never chosen unless it comes first. */
// @ts-ignore: decorator
@inline
function indexOfLargest(values: usize, n: i32): i32 {
  let largest = load<f32>(values)
  let index = 0
  for (let j = 1; j < n; j++) {
    const value = load<f32>(values + (<usize>j << 2))
    index = value > largest ? j : index
    largest = value > largest ? value : largest
  }
  return index
}

/** Up to four float32 at a distance; missing ones read as zero. */
// @ts-ignore: decorator
@inline
function loadColumn(at: usize, stride: usize, count: i32): v128 {
  let column = v128.load32_zero(at)
  if (count > 1) column = v128.load_lane<f32>(at + stride, column, 1)
  if (count > 2) column = v128.load_lane<f32>(at + 2 * stride, column, 2)
  if (count > 3) column = v128.load_lane<f32>(at + 3 * stride, column, 3)
  return column
}

// @ts-ignore: decorator
@inline
function storeColumn(at: usize, stride: usize, column: v128, count: i32): void {
  v128.store_lane<f32>(at, column, 0)
  if (count > 1) v128.store_lane<f32>(at + stride, column, 1)
  if (count > 2) v128.store_lane<f32>(at + 2 * stride, column, 2)
  if (count > 3) v128.store_lane<f32>(at + 3 * stride, column, 3)
}

/** The first `count` lanes, added in order in float64. */
// @ts-ignore: decorator
@inline
function addColumn(column: v128, count: i32): f64 {
  let sum = <f64>f32x4.extract_lane(column, 0)
  if (count > 1) sum += <f64>f32x4.extract_lane(column, 1)
  if (count > 2) sum += <f64>f32x4.extract_lane(column, 2)
  if (count > 3) sum += <f64>f32x4.extract_lane(column, 3)
  return sum
}

// @ts-ignore: decorator
@inline
function addLanes(v: v128): f32 {
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
}
