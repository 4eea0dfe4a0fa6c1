/**
 * Losses on logits [rows, stride], of which `units` per row are real. Each writes the rows' losses
 * times their weights to losses [rows] in float64 and the gradient of the weighted mean to
 * delta [rows, stride] with zeros in the padding, and adds to the job's count of rows predicted
 * right, all threads at once. weights [rows]; scale is one over the sum of all the batch's. Formulas:
 * src/losses.
 */
import { vectorExp, vectorLog1p } from './elementary'
import { job } from './layout'
import { threadCount } from './team'

/** Probabilities below this become zero: products with them would be denormal, which is slow. */
const PROBABILITY_MIN: f32 = 1e-20

/** Of this thread: a mixed row has two losses and is one row. */
let isCounting: bool = true

/**
 * logsumexp(s) - s_y, gradient softmax(s) - onehot(y). labels [rows]: class indices as float32, below
 * `units`. A NaN or +∞ in a row makes its loss NaN. The largest exponential is always 1 and is kept
 * out of the sum: both a small loss and a small gradient of the right class would otherwise be
 * differences of numbers near 1.
 */
export function crossEntropy(logits: usize, stride: i32, units: i32, rows: i32, labels: usize, weights: usize, scale: f32, delta: usize, losses: usize): void {
  const bytes = <usize>stride << 2
  const smoothing = <f32>load<f64>(job.labelSmoothing)
  let correct = 0
  for (let row = 0; row < rows; row++) {
    const label = <i32>load<f32>(labels + (<usize>row << 2))
    const weight = load<f32>(weights + (<usize>row << 2)), rowScale = weight * scale
    const top = indexOfLargest(logits, units)
    const largest = load<f32>(logits + (<usize>top << 2))
    const own = load<f32>(logits + (<usize>label << 2))
    const rest = exponentials(logits, stride, units, top, largest, delta)
    const perSum: f32 = <f32>1.0 / (<f32>1.0 + rest)
    let rowLoss = <f64>(f32x4.extract_lane(vectorLog1p(f32x4.splat(rest)), 0) - (own - largest))
    const ownDelta = label == top ? -rest * perSum : load<f32>(delta + (<usize>label << 2)) * perSum - 1
    if (label == top) correct++
    probabilities(delta, bytes, perSum, rowScale)
    store<f32>(delta + (<usize>label << 2), ownDelta * rowScale)
    if (smoothing > 0) rowLoss += smooth(logits, stride, units, label, own - largest, largest, smoothing, rowScale, delta)
    store<f64>(losses, rowLoss * <f64>weight)
    losses += 8
    logits += bytes
    delta += bytes
  }
  countCorrect(correct)
}

/**
 * max(s, 0) - s·t + ln(1 + e^-|s|), gradient σ(s) - t, one logit a row; y [rows] in {0, 1}, t = y moved
 * by label smoothing towards one half. With e = e^-|s| the two probabilities are 1/(1 + e) and
 * e/(1 + e), both without cancellation.
 */
export function binaryCrossEntropy(logits: usize, stride: i32, rows: i32, labels: usize, weights: usize, scale: f32, delta: usize, losses: usize): void {
  let correct = 0
  const bytes = <usize>stride << 2
  const scales = f32x4.splat(scale), smoothing = f32x4.splat(<f32>load<f64>(job.labelSmoothing))
  const zero = f32x4.splat(0), one = f32x4.splat(1), half = f32x4.splat(0.5)
  for (let row = 0; row < rows; row += 4) {
    const count = min(4, rows - row)
    const s = loadColumn(logits, bytes, count)
    // Both blocks are readable up to a multiple of four; what the last vector holds beyond is ignored.
    const y = v128.load(labels), weight = v128.load(weights)
    const e = vectorExp(f32x4.neg(f32x4.abs(s)))
    const likely = f32x4.div(one, f32x4.add(one, e))
    const unlikely = f32x4.mul(e, likely)
    const isPositive = f32x4.gt(s, zero), isOne = f32x4.gt(y, half)
    const probabilityOfOne = v128.bitselect(likely, unlikely, isPositive)
    const probabilityOfZero = v128.bitselect(unlikely, likely, isPositive)
    const moved = f32x4.mul(smoothing, f32x4.sub(y, half))
    const gradient = f32x4.add(v128.bitselect(f32x4.neg(probabilityOfZero), probabilityOfOne, isOne), moved)
    const line = f32x4.sub(f32x4.pmax(s, zero), f32x4.mul(s, f32x4.sub(y, moved)))
    storeLosses(losses, f32x4.mul(f32x4.add(line, vectorLog1p(e)), weight), count)
    storeColumn(delta, bytes, f32x4.mul(gradient, f32x4.mul(weight, scales)), count)
    correct += popcnt(i32x4.bitmask(i32x4.eq(isPositive, isOne)) & ((1 << count) - 1))
    logits += 4 * bytes
    delta += 4 * bytes
    labels += 16
    weights += 16
    losses += 32
  }
  countCorrect(correct)
}

/** Σ_{j≠y} max(0, s_j - s_y + 1), gradient 1 for each class within the margin, minus their number for y. */
export function hinge(logits: usize, stride: i32, units: i32, rows: i32, labels: usize, weights: usize, scale: f32, delta: usize, losses: usize): void {
  const bytes = <usize>stride << 2
  let correct = 0
  for (let row = 0; row < rows; row++) {
    const label = <i32>load<f32>(labels + (<usize>row << 2))
    const weight = load<f32>(weights + (<usize>row << 2)), rowScale = weight * scale
    const margin = f32x4.splat(load<f32>(logits + (<usize>label << 2)) - 1)
    const end = i32x4.splat(units), skipped = i32x4.splat(label)
    let index = i32x4(0, 1, 2, 3), within = i32x4.splat(0)
    let sums = f32x4.splat(0)
    for (let j: usize = 0; j < bytes; j += 16) {
      const distance = f32x4.sub(v128.load(logits + j), margin)
      const counts = v128.andnot(i32x4.lt_s(index, end), i32x4.eq(index, skipped))
      // Where it is not below zero, so that a NaN is added.
      const isWithin = v128.andnot(counts, f32x4.le(distance, f32x4.splat(0)))
      sums = f32x4.add(sums, v128.and(distance, isWithin))
      within = i32x4.sub(within, isWithin)
      v128.store(delta + j, v128.and(f32x4.splat(rowScale), isWithin))
      index = i32x4.add(index, i32x4.splat(4))
    }
    const number = i32x4.extract_lane(within, 0) + i32x4.extract_lane(within, 1) + i32x4.extract_lane(within, 2) + i32x4.extract_lane(within, 3)
    store<f32>(delta + (<usize>label << 2), -<f32>number * rowScale)
    if (indexOfLargest(logits, units) == label) correct++
    store<f64>(losses, <f64>addLanes(sums) * <f64>weight)
    losses += 8
    logits += bytes
    delta += bytes
  }
  countCorrect(correct)
}

/** 1 for a wrong row; delta step(s) - y, of which a step against it by η is w += η(y - step(s))x. */
export function perceptron(logits: usize, stride: i32, units: i32, rows: i32, labels: usize, weights: usize, scale: f32, delta: usize, losses: usize): void {
  const bytes = <usize>stride << 2
  const end = i32x4.splat(units), one = f32x4.splat(1), zero = f32x4.splat(0)
  let correct = 0
  for (let row = 0; row < rows; row++) {
    const label = <i32>load<f32>(labels + (<usize>row << 2))
    const weight = load<f32>(weights + (<usize>row << 2)), rowScale = f32x4.splat(weight * scale)
    // A single unit stands for class 1.
    const wanted = i32x4.splat(units == 1 ? label - 1 : label)
    let index = i32x4(0, 1, 2, 3), probe = zero
    for (let j: usize = 0; j < bytes; j += 16) {
      const s = v128.load(logits + j)
      const error = f32x4.sub(v128.and(one, f32x4.ge(s, zero)), v128.and(one, i32x4.eq(index, wanted)))
      v128.store(delta + j, v128.and(f32x4.mul(error, rowScale), i32x4.lt_s(index, end)))
      // NaN for a score that is not finite, else zero.
      probe = f32x4.add(probe, f32x4.mul(s, zero))
      index = i32x4.add(index, i32x4.splat(4))
    }
    const predicted = units == 1 ? i32(load<f32>(logits) >= 0) : indexOfLargest(logits, units)
    if (predicted == label) correct++
    store<f64>(losses, (<f64>(predicted != label) + <f64>addLanes(probe)) * <f64>weight)
    losses += 8
    logits += bytes
    delta += bytes
  }
  countCorrect(correct)
}

/** Mean over the outputs of (s - y)², gradient 2(s - y) / units; targets [rows, stride]. */
export function meanSquaredError(logits: usize, stride: i32, units: i32, rows: i32, targets: usize, weights: usize, scale: f32, delta: usize, losses: usize): void {
  const bytes = <usize>stride << 2
  for (let row = 0; row < rows; row++) {
    const weight = load<f32>(weights + (<usize>row << 2))
    const slope = f32x4.splat((<f32>2.0 * weight * scale) / <f32>units)
    let squares = f32x4.splat(0)
    for (let j: usize = 0; j < bytes; j += 16) {
      const difference = f32x4.sub(v128.load(logits + j), v128.load(targets + j))
      squares = f32x4.add(squares, f32x4.mul(difference, difference))
      v128.store(delta + j, f32x4.mul(difference, slope))
    }
    store<f64>(losses, (<f64>addLanes(squares) / <f64>units) * <f64>weight)
    losses += 8
    logits += bytes
    targets += bytes
    delta += bytes
  }
}

/** Mean over the outputs of |s - y|, gradient sign(s - y) / units; targets [rows, stride]. */
export function meanAbsoluteError(logits: usize, stride: i32, units: i32, rows: i32, targets: usize, weights: usize, scale: f32, delta: usize, losses: usize): void {
  const bytes = <usize>stride << 2
  const zero = f32x4.splat(0)
  for (let row = 0; row < rows; row++) {
    const weight = load<f32>(weights + (<usize>row << 2))
    const slope = f32x4.splat((weight * scale) / <f32>units)
    let distances = f32x4.splat(0)
    for (let j: usize = 0; j < bytes; j += 16) {
      const difference = f32x4.sub(v128.load(logits + j), v128.load(targets + j))
      distances = f32x4.add(distances, f32x4.abs(difference))
      const above = v128.and(slope, f32x4.gt(difference, zero)), below = v128.and(slope, f32x4.lt(difference, zero))
      v128.store(delta + j, f32x4.sub(above, below))
    }
    store<f64>(losses, (<f64>addLanes(distances) / <f64>units) * <f64>weight)
    losses += 8
    logits += bytes
    targets += bytes
    delta += bytes
  }
}

/** Mean over the outputs of c(d - ½c), d = s - y and c = d within ±δ, gradient c / units; targets [rows, stride]. */
export function huber(logits: usize, stride: i32, units: i32, rows: i32, targets: usize, weights: usize, scale: f32, delta: usize, losses: usize): void {
  const bytes = <usize>stride << 2
  const limit = f32x4.splat(<f32>load<f64>(job.huberDelta)), half = f32x4.splat(0.5)
  for (let row = 0; row < rows; row++) {
    const weight = load<f32>(weights + (<usize>row << 2))
    const slope = f32x4.splat((weight * scale) / <f32>units)
    let costs = f32x4.splat(0)
    for (let j: usize = 0; j < bytes; j += 16) {
      const difference = f32x4.sub(v128.load(logits + j), v128.load(targets + j))
      const clamped = f32x4.pmin(f32x4.pmax(difference, f32x4.neg(limit)), limit)
      costs = f32x4.add(costs, f32x4.mul(clamped, f32x4.sub(difference, f32x4.mul(half, clamped))))
      v128.store(delta + j, f32x4.mul(clamped, slope))
    }
    store<f64>(losses, (<f64>addLanes(costs) / <f64>units) * <f64>weight)
    losses += 8
    logits += bytes
    targets += bytes
    delta += bytes
  }
}

/** Whether the losses that follow on this thread count rows predicted right. */
export function countHits(counts: bool): void {
  isCounting = counts
}

/** An atomic sum takes as long as ten plain ones. */
// @ts-ignore: decorator
@inline
function countCorrect(rows: i32): void {
  if (!isCounting) return
  if (threadCount == 1) store<i32>(job.correct, load<i32>(job.correct) + rows)
  else atomic.add<i32>(job.correct, rows)
}

/**
 * What label smoothing ε changes in one row: the loss grows by ε·(s_y - mean s), the gradient by
 * ε·onehot(y) - ε/units. `own` is s_y less the largest logit.
 */
function smooth(logits: usize, stride: i32, units: i32, label: i32, own: f32, largest: f32, smoothing: f32, rowScale: f32, delta: usize): f64 {
  const even = f32x4.splat((smoothing / <f32>units) * rowScale), shift = f32x4.splat(largest), end = i32x4.splat(units)
  let index = i32x4(0, 1, 2, 3)
  let sums = f32x4.splat(0)
  for (let at: usize = 0, bytes = <usize>stride << 2; at < bytes; at += 16) {
    const isReal = i32x4.lt_s(index, end)
    sums = f32x4.add(sums, v128.and(f32x4.sub(v128.load(logits + at), shift), isReal))
    v128.store(delta + at, f32x4.sub(v128.load(delta + at), v128.and(even, isReal)))
    index = i32x4.add(index, i32x4.splat(4))
  }
  const ownDelta = delta + (<usize>label << 2)
  store<f32>(ownDelta, load<f32>(ownDelta) + smoothing * rowScale)
  return <f64>smoothing * (<f64>own - <f64>addLanes(sums) / <f64>units)
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

/** The first `count` lanes as float64. */
// @ts-ignore: decorator
@inline
function storeLosses(at: usize, column: v128, count: i32): void {
  store<f64>(at, <f64>f32x4.extract_lane(column, 0))
  if (count > 1) store<f64>(at, <f64>f32x4.extract_lane(column, 1), 8)
  if (count > 2) store<f64>(at, <f64>f32x4.extract_lane(column, 2), 16)
  if (count > 3) store<f64>(at, <f64>f32x4.extract_lane(column, 3), 24)
}

// @ts-ignore: decorator
@inline
function addLanes(v: v128): f32 {
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
}
