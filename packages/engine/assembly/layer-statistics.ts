/** What an observer has measured of every layer around a step; it only reads. Definitions: src/layer-statistics.ts. */
import { job, layer, measured } from './layout'

/** Adds the outputs of a batch of so many rows to the totals and the peaks of every layer, which the first begins anew. */
export function measureOutputs(rows: i32): void {
  const beginsAnew = load<i32>(job.observedRows) == 0
  store<i32>(job.observedRows, load<i32>(job.observedRows) + rows)
  for (let at: usize = job.layers, end = layersEnd(); at < end; at += layer.bytes) {
    measureLayer(<usize>load<i32>(at + layer.outputs), rows, load<i32>(at + layer.units), <usize>load<i32>(at + layer.measured), beginsAnew)
  }
}

/** Gradient and weights of every layer before the update; keeps the parameters for `measureUpdate`. */
export function measureStep(): void {
  memory.copy(<usize>load<i32>(job.previousParameters), <usize>load<i32>(job.parameters), <usize>load<i32>(job.parameterBytes))
  for (let at: usize = job.layers, end = layersEnd(); at < end; at += layer.bytes) {
    const stride = load<i32>(at + layer.unitStride), inputs = load<i32>(at + layer.inputs)
    const result = <usize>load<i32>(at + layer.measured)
    // A bias, and with batch normalization γ and β, follow the weights.
    const vectors = load<i32>(at + layer.batchNorm) ? 3 : 1
    const gradient = norm(<usize>load<i32>(at + layer.weightGradient), (inputs + vectors) * stride)
    store<f64>(result + measured.gradientNorm, gradient)
    store<f64>(result + measured.weightNorm, norm(<usize>load<i32>(at + layer.weight), inputs * stride))
    const above = <f32>load<f64>(result + measured.above)
    store<f64>(result + measured.flatUnits, countUpTo(result + measured.peaks, load<i32>(at + layer.units), above))
  }
}

/** How far the step has moved the weights of every layer. */
export function measureUpdate(): void {
  const back = <usize>load<i32>(job.previousParameters) - <usize>load<i32>(job.parameters)
  for (let at: usize = job.layers, end = layersEnd(); at < end; at += layer.bytes) {
    const weight = <usize>load<i32>(at + layer.weight)
    const floats = load<i32>(at + layer.inputs) * load<i32>(at + layer.unitStride)
    store<f64>(<usize>load<i32>(at + layer.measured) + measured.updateNorm, distance(weight, weight + back, floats))
  }
}

/** Columns are taken by four, of which the last may be no units: they hold f(0), which is not always zero. */
function measureLayer(x: usize, rows: i32, units: i32, result: usize, beginsAnew: bool): void {
  const above = f32x4.splat(<f32>load<f64>(result + measured.above)), below = f32x4.splat(<f32>load<f64>(result + measured.below))
  const bytes = <usize>((units + 3) & ~3) << 2
  let sums = f64x2.splat(0), squares = f64x2.splat(0), flat = i32x4.splat(0)
  let peaks = result + measured.peaks
  for (let left = units; left > 0; left -= 4) {
    const isUnit = i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3))
    let peak = beginsAnew ? f32x4.splat(-f32.MAX_VALUE) : v128.load(peaks)
    for (let row = 0, at = x; row < rows; row++) {
      const value = v128.load(at)
      peak = f32x4.pmax(peak, value)
      const isLive = v128.and(f32x4.gt(value, above), f32x4.lt(value, below))
      // A lane that holds is -1.
      flat = i32x4.sub(flat, v128.andnot(isUnit, isLive))
      const counted = v128.and(value, isUnit)
      const low = f64x2.promote_low_f32x4(counted)
      const high = f64x2.promote_low_f32x4(v128.shuffle<f64>(counted, counted, 1, 1))
      sums = f64x2.add(sums, f64x2.add(low, high))
      squares = f64x2.add(squares, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)))
      at += bytes
    }
    v128.store(peaks, peak)
    x += 16
    peaks += 16
  }
  const flatLow = i32x4.extract_lane(flat, 0) + i32x4.extract_lane(flat, 1)
  const flatHigh = i32x4.extract_lane(flat, 2) + i32x4.extract_lane(flat, 3)
  total(result + measured.sum, f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1), beginsAnew)
  total(result + measured.squares, f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1), beginsAnew)
  total(result + measured.flat, <f64>(flatLow + flatHigh), beginsAnew)
}

// @ts-ignore: decorator
@inline
function total(address: usize, value: f64, beginsAnew: bool): void {
  store<f64>(address, beginsAnew ? value : load<f64>(address) + value)
}

/** How many of x [n] do not exceed the limit. */
function countUpTo(x: usize, n: i32, limit: f32): f64 {
  let count = 0
  for (const end = x + (<usize>n << 2); x < end; x += 4) count += i32(load<f32>(x) <= limit)
  return <f64>count
}

/** √Σ x[i]², accumulated in float64. n is a multiple of 4. */
function norm(x: usize, n: i32): f64 {
  const end = x + (<usize>n << 2)
  let low = f64x2.splat(0), high = f64x2.splat(0)
  for (; x < end; x += 16) {
    const first = f64x2.promote_low_f32x4(v128.load64_zero(x)), second = f64x2.promote_low_f32x4(v128.load64_zero(x, 8))
    low = f64x2.add(low, f64x2.mul(first, first))
    high = f64x2.add(high, f64x2.mul(second, second))
  }
  return rootOfSum(f64x2.add(low, high))
}

/** √Σ (x[i] - y[i])², accumulated in float64. n is a multiple of 4. */
function distance(x: usize, y: usize, n: i32): f64 {
  const end = x + (<usize>n << 2)
  let low = f64x2.splat(0), high = f64x2.splat(0)
  for (; x < end; x += 16, y += 16) {
    const first = f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(x)), f64x2.promote_low_f32x4(v128.load64_zero(y)))
    const second = f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(x, 8)), f64x2.promote_low_f32x4(v128.load64_zero(y, 8)))
    low = f64x2.add(low, f64x2.mul(first, first))
    high = f64x2.add(high, f64x2.mul(second, second))
  }
  return rootOfSum(f64x2.add(low, high))
}

// @ts-ignore: decorator
@inline
function rootOfSum(lanes: v128): f64 {
  return Math.sqrt(f64x2.extract_lane(lanes, 0) + f64x2.extract_lane(lanes, 1))
}

// @ts-ignore: decorator
@inline
function layersEnd(): usize {
  return job.layers + <usize>load<i32>(job.layerCount) * layer.bytes
}
