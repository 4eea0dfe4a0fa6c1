/** exp, log, sin and cos in float64: the same bits as src/random/elementary.ts, which says where they are from. */
const LN2_HIGH: f64 = 6.931471803691238e-1
const LN2_LOW: f64 = 1.9082149292705877e-10
const PER_LN2: f64 = 1.4426950408889634
const EXP_OVERFLOW: f64 = 709.782712893384
const EXP_UNDERFLOW: f64 = -745.1332191019411
const PER_HALF_PI: f64 = 6.366197723675814e-1
const HALF_PI_HIGH: f64 = 1.5707963267341256
const HALF_PI_MIDDLE: f64 = 6.077100506303966e-11
const HALF_PI_LOW: f64 = 2.0222662487959506e-21

/** Of the angle handed to `turn` last. */
export let sine: f64 = 0
export let cosine: f64 = 0

/** e^x; above 709.78 it is ∞. */
export function exp(x: f64): f64 {
  if (x > EXP_OVERFLOW) return Infinity
  if (x < EXP_UNDERFLOW) return 0
  const k = Math.floor(x * PER_LN2 + 0.5)
  const high = x - k * LN2_HIGH
  const low = k * LN2_LOW
  const r = high - low
  const t = r * r
  const c = r - t * (1.6666666666666602e-1 + t * (-2.7777777777015593e-3 + t * (6.613756321437934e-5 + t * (-1.6533902205465252e-6 + t * 4.1381367970572385e-8))))
  const y = 1 - (low - (r * c) / (2 - c) - high)
  const half = <i32>k >> 1
  return y * powerOfTwo(half) * powerOfTwo(<i32>k - half)
}

/** 1 / (1 + e^-x) without overflow. */
export function logistic(x: f64): f64 {
  const e = exp(-Math.abs(x))
  return x < 0 ? e / (1 + e) : 1 / (1 + e)
}

// @ts-ignore: decorator
@inline
function powerOfTwo(k: i32): f64 {
  return reinterpret<f64>(<u64>(k + 1023) << 52)
}

/** Natural logarithm of a normal x > 0. */
export function log(x: f64): f64 {
  const bits = reinterpret<u64>(x)
  const high = <i32>(bits >> 32)
  const carry = ((high & 0xfffff) + 0x95f64) & 0x100000
  const mantissa = <u64>((high & 0xfffff) | (carry ^ 0x3ff00000))
  const k = <f64>((high >> 20) - 1023 + (carry >> 20))
  const f = reinterpret<f64>((mantissa << 32) | (bits & 0xffffffff)) - 1
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const even = w * (3.999999999940942e-1 + w * (2.2222198432149784e-1 + w * 1.5313837699209373e-1))
  const odd = z * (6.666666666666735e-1 + w * (2.857142874366239e-1 + w * (1.818357216161805e-1 + w * 1.4798198605116586e-1)))
  const halfSquare = 0.5 * f * f
  return k * LN2_HIGH - (halfSquare - (s * (halfSquare + even + odd) + k * LN2_LOW) - f)
}

/** Sine and cosine of x radians, |x| below 1.6e6. */
export function turn(x: f64): void {
  const n = Math.floor(x * PER_HALF_PI + 0.5)
  const first = x - n * HALF_PI_HIGH
  const second = first - n * HALF_PI_MIDDLE
  const correction = n * HALF_PI_LOW - (first - second - n * HALF_PI_MIDDLE)
  const r = second - correction
  const tail = second - r - correction
  const s = sineNearZero(r, tail), c = cosineNearZero(r, tail)
  const quarter = <i32>n & 3
  const isOdd = (quarter & 1) != 0
  sine = isOdd ? c : s
  cosine = isOdd ? s : c
  if (quarter >= 2) sine = -sine
  if (quarter == 1 || quarter == 2) cosine = -cosine
}

/** sin(x + tail) for |x| ≤ π/4. */
// @ts-ignore: decorator
@inline
function sineNearZero(x: f64, tail: f64): f64 {
  const z = x * x
  const v = z * x
  const r = 8.33333333332249e-3 + z * (-1.984126982985795e-4 + z * (2.7557313707070068e-6 + z * (-2.5050760253406863e-8 + z * 1.58969099521155e-10)))
  return x - (z * (0.5 * tail - v * r) - tail - v * -1.6666666666666632e-1)
}

/** cos(x + tail) for |x| ≤ π/4. */
// @ts-ignore: decorator
@inline
function cosineNearZero(x: f64, tail: f64): f64 {
  const z = x * x
  const r = z * (4.16666666666666e-2 + z * (-1.388888888887411e-3 + z * (2.480158728947673e-5 + z * (-2.7557314351390663e-7 + z * (2.087572321298175e-9 + z * -1.1359647557788195e-11)))))
  const half = 0.5 * z
  const w = 1 - half
  return w + (1 - w - half + (z * r - x * tail))
}
