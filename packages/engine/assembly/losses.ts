/**
 * Losses on logits [rows, stride], of which `units` per row are real. Each returns the sum of the
 * rows' losses in float64, writes the gradient of their mean to delta [rows, stride] with zeros in
 * the padding, and adds to the job's count of rows predicted right.
 */
import { vectorExp, vectorLog, vectorSigmoid } from './elementary'
import { job } from './layout'

/** Probabilities below this become zero: products with them would be denormal, which is slow. */
const PROBABILITY_MIN: f32 = 1e-20

/**
 * logsumexp(s) - s_y, gradient (softmax(s) - onehot(y)) / rows. labels [rows]: class indices as
 * float32, below `units`. A NaN or +∞ in a row makes its loss NaN.
 */
export function crossEntropy(logits: usize, stride: i32, units: i32, rows: i32, labels: usize, delta: usize): f64 {
  const bytes = <usize>stride << 2
  const scale: f32 = <f32>1.0 / <f32>rows
  let loss: f64 = 0
  let correct = 0
  for (let row = 0; row < rows; row++) {
    const label = <i32>load<f32>(labels + (<usize>row << 2))
    const largest = maximum(logits, units)
    const own = load<f32>(logits + (<usize>label << 2))
    const shift = f32x4.splat(largest)
    for (let j: usize = 0; j < bytes; j += 16) {
      v128.store(delta + j, vectorExp(f32x4.sub(v128.load(logits + j), shift)))
    }
    for (let j = units; j < stride; j++) store<f32>(delta + (<usize>j << 2), 0)
    let sums = f32x4.splat(0)
    for (let j: usize = 0; j < bytes; j += 16) sums = f32x4.add(sums, v128.load(delta + j))
    const sum = addLanes(sums)
    loss += <f64>(f32x4.extract_lane(vectorLog(f32x4.splat(sum)), 0) - (own - largest))
    if (own == largest && isFirst(logits, label, largest)) correct++
    softmaxDelta(delta, bytes, <f32>1.0 / sum, scale)
    const target = delta + (<usize>label << 2)
    store<f32>(target, load<f32>(target) - scale)
    logits += bytes
    delta += bytes
  }
  store<i32>(job.correct, load<i32>(job.correct) + correct)
  return loss
}

/** max(s, 0) - s·y + ln(1 + e^-|s|), gradient (σ(s) - y) / rows, one logit a row; y [rows] in {0, 1}. */
export function binaryCrossEntropy(logits: usize, stride: i32, rows: i32, labels: usize, delta: usize): f64 {
  let loss: f64 = 0
  let correct = 0
  const bytes = <usize>stride << 2
  const scale = f32x4.splat(<f32>1.0 / <f32>rows)
  for (let row = 0; row < rows; row += 4) {
    const count = min(4, rows - row)
    // Missing rows read as logit 0 and label 0, and are left out of every sum below.
    let s = f32x4.splat(0), y = f32x4.splat(0)
    s = v128.load_lane<f32>(logits, s, 0); y = v128.load_lane<f32>(labels, y, 0)
    if (count > 1) { s = v128.load_lane<f32>(logits + bytes, s, 1); y = v128.load_lane<f32>(labels + 4, y, 1) }
    if (count > 2) { s = v128.load_lane<f32>(logits + 2 * bytes, s, 2); y = v128.load_lane<f32>(labels + 8, y, 2) }
    if (count > 3) { s = v128.load_lane<f32>(logits + 3 * bytes, s, 3); y = v128.load_lane<f32>(labels + 12, y, 3) }

    const e = vectorExp(f32x4.neg(f32x4.abs(s)))
    const softplus = f32x4.add(f32x4.pmax(s, f32x4.splat(0)), vectorLog(f32x4.add(e, f32x4.splat(1))))
    const losses = f32x4.sub(softplus, f32x4.mul(s, y))
    const gradient = f32x4.mul(f32x4.sub(vectorSigmoid(s), y), scale)
    const hits = i32x4.eq(f32x4.gt(s, f32x4.splat(0)), f32x4.gt(y, f32x4.splat(0.5)))

    loss += <f64>f32x4.extract_lane(losses, 0)
    store<f32>(delta, f32x4.extract_lane(gradient, 0))
    if (count > 1) { loss += <f64>f32x4.extract_lane(losses, 1); store<f32>(delta + bytes, f32x4.extract_lane(gradient, 1)) }
    if (count > 2) { loss += <f64>f32x4.extract_lane(losses, 2); store<f32>(delta + 2 * bytes, f32x4.extract_lane(gradient, 2)) }
    if (count > 3) { loss += <f64>f32x4.extract_lane(losses, 3); store<f32>(delta + 3 * bytes, f32x4.extract_lane(gradient, 3)) }
    correct += popcnt(i32x4.bitmask(hits) & ((1 << count) - 1))
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

/** exponentials [stride] become softmax / rows. */
// @ts-ignore: decorator
@inline
function softmaxDelta(exponentials: usize, bytes: usize, perSum: f32, scale: f32): void {
  for (let j: usize = 0; j < bytes; j += 16) {
    const probability = f32x4.mul(v128.load(exponentials + j), f32x4.splat(perSum))
    // Not "greater or equal": a NaN must stay.
    const isTiny = f32x4.lt(probability, f32x4.splat(PROBABILITY_MIN))
    v128.store(exponentials + j, f32x4.mul(v128.andnot(probability, isTiny), f32x4.splat(scale)))
  }
}

/** Largest of n values; NaN if any is NaN. */
// @ts-ignore: decorator
@inline
function maximum(values: usize, n: i32): f32 {
  let largest = load<f32>(values)
  for (let j = 1; j < n; j++) largest = max<f32>(largest, load<f32>(values + (<usize>j << 2)))
  return largest
}

/** Whether no value before the index is as large: of equal logits the first is the prediction. */
// @ts-ignore: decorator
@inline
function isFirst(values: usize, index: i32, largest: f32): bool {
  for (let j = 0; j < index; j++) if (load<f32>(values + (<usize>j << 2)) == largest) return false
  return true
}

// @ts-ignore: decorator
@inline
function addLanes(v: v128): f32 {
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
}
