/**
 * exp, log, sin, cos, tanh in float64 from +, -, ·, / and sqrt alone, so that their bits follow from
 * IEEE 754 and not from the JavaScript engine, whose own versions may change between releases. Range
 * reductions and minimax coefficients are those of fdlibm (Sun Microsystems, 1993,
 * https://www.netlib.org/fdlibm/). Errors stay below 1 ulp, of tanh below 4.
 */
const LN2_HIGH = 6.931471803691238e-1
const LN2_LOW = 1.9082149292705877e-10
const PER_LN2 = Math.LOG2E
const EXP_OVERFLOW = 709.782712893384
const EXP_UNDERFLOW = -745.1332191019411

const PER_HALF_PI = 6.366197723675814e-1
/** π/2 in three pieces; a multiple below 2^20 of the first two is exact. */
const HALF_PI_HIGH = 1.5707963267341256
const HALF_PI_MIDDLE = 6.077100506303966e-11
const HALF_PI_LOW = 2.0222662487959506e-21

const TWO_POW_54 = 2 ** 54

const float = new Float64Array(1)
/** Low word first: WebAssembly is little-endian, and so is every host the engine runs on. */
const words = new Uint32Array(float.buffer)

/** e^x. NaN gives NaN, -∞ gives 0, above 709.78 gives ∞. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x
  if (x > EXP_OVERFLOW) return Number.POSITIVE_INFINITY
  if (x < EXP_UNDERFLOW) return 0
  const k = Math.floor(x * PER_LN2 + 0.5)
  const high = x - k * LN2_HIGH
  const low = k * LN2_LOW
  const r = high - low
  const t = r * r
  const c =
    r -
    t *
      (1.6666666666666602e-1 +
        t *
          (-2.7777777777015593e-3 +
            t * (6.613756321437934e-5 + t * (-1.6533902205465252e-6 + t * 4.1381367970572385e-8))))
  const y = 1 - (low - (r * c) / (2 - c) - high)
  // Two factors, because 2^k alone is not representable at either end of the range.
  const half = k >> 1
  return y * powerOfTwo(half) * powerOfTwo(k - half)
}

/** Natural logarithm. NaN and negative numbers give NaN, 0 gives -∞, ∞ gives ∞. */
export function log(x: number): number {
  if (Number.isNaN(x) || x < 0) return Number.NaN
  if (x === 0) return Number.NEGATIVE_INFINITY
  if (x === Number.POSITIVE_INFINITY) return x
  const isSubnormal = x < 2.2250738585072014e-308
  float[0] = isSubnormal ? x * TWO_POW_54 : x
  const highWord = words[1] as number
  // 0x95f64 moves the boundary of the exponent to √2, so that f lies in [√½ - 1, √2 - 1].
  const carry = ((highWord & 0xfffff) + 0x95f64) & 0x100000
  words[1] = (highWord & 0xfffff) | (carry ^ 0x3ff00000)
  const k = (highWord >>> 20) - 1023 + (carry >>> 20) - (isSubnormal ? 54 : 0)
  const f = (float[0] as number) - 1
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const even = w * (3.999999999940942e-1 + w * (2.2222198432149784e-1 + w * 1.5313837699209373e-1))
  const odd =
    z *
    (6.666666666666735e-1 +
      w * (2.857142874366239e-1 + w * (1.818357216161805e-1 + w * 1.4798198605116586e-1)))
  const halfSquare = 0.5 * f * f
  return k * LN2_HIGH - (halfSquare - (s * (halfSquare + even + odd) + k * LN2_LOW) - f)
}

/** Sine of x radians, accurate for |x| below 1.6e6. NaN and infinity give NaN. */
export function sin(x: number): number {
  return sineOfQuarterTurns(x, 0)
}

/** Cosine of x radians, accurate for |x| below 1.6e6. NaN and infinity give NaN. */
export function cos(x: number): number {
  return sineOfQuarterTurns(x, 1)
}

/** Hyperbolic tangent. NaN gives NaN, ±∞ gives ±1. */
export function tanh(x: number): number {
  const magnitude = Math.abs(x)
  if (magnitude > 22) return Math.sign(x)
  if (magnitude > 0.5) {
    const value = 1 - 2 / (exp(2 * magnitude) + 1)
    return x < 0 ? -value : value
  }
  // Near zero 1 - 2/(e^2x + 1) cancels; sinh by its series does not. A NaN passes through here.
  const z = x * x
  let series = 1 + z / 210
  for (const divisor of [156, 110, 72, 42, 20, 6]) series = 1 + (z / divisor) * series
  const sinh = x * series
  return sinh / Math.sqrt(1 + sinh * sinh)
}

/** 1 / (1 + e^-x) without overflow. NaN gives NaN, ±∞ gives 1 and 0. */
export function logistic(x: number): number {
  const e = exp(-Math.abs(x))
  return x < 0 ? e / (1 + e) : 1 / (1 + e)
}

/** sin(x + turns · π/2). */
function sineOfQuarterTurns(x: number, turns: number): number {
  const n = Math.floor(x * PER_HALF_PI + 0.5)
  const first = x - n * HALF_PI_HIGH
  const second = first - n * HALF_PI_MIDDLE
  const correction = n * HALF_PI_LOW - (first - second - n * HALF_PI_MIDDLE)
  const r = second - correction
  const tail = second - r - correction
  switch ((((n + turns) % 4) + 4) % 4) {
    case 0:
      return sineNearZero(r, tail)
    case 1:
      return cosineNearZero(r, tail)
    case 2:
      return -sineNearZero(r, tail)
    case 3:
      return -cosineNearZero(r, tail)
    default:
      return Number.NaN
  }
}

/** sin(x + tail) for |x| ≤ π/4. */
function sineNearZero(x: number, tail: number): number {
  const z = x * x
  const v = z * x
  const r =
    8.33333333332249e-3 +
    z *
      (-1.984126982985795e-4 +
        z * (2.7557313707070068e-6 + z * (-2.5050760253406863e-8 + z * 1.58969099521155e-10)))
  return x - (z * (0.5 * tail - v * r) - tail - v * -1.6666666666666632e-1)
}

/** cos(x + tail) for |x| ≤ π/4. */
function cosineNearZero(x: number, tail: number): number {
  const z = x * x
  const r =
    z *
    (4.16666666666666e-2 +
      z *
        (-1.388888888887411e-3 +
          z *
            (2.480158728947673e-5 +
              z *
                (-2.7557314351390663e-7 +
                  z * (2.087572321298175e-9 + z * -1.1359647557788195e-11)))))
  const half = 0.5 * z
  const w = 1 - half
  return w + (1 - w - half + (z * r - x * tail))
}

/** 2^k for k in [-1022, 1023], from its bits. */
function powerOfTwo(k: number): number {
  words[0] = 0
  words[1] = (k + 1023) << 20
  return float[0] as number
}
