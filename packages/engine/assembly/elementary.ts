/**
 * exp, log, tanh and sigmoid of four float32 at once, by the polynomials of Cephes (S. Moshier,
 * https://www.netlib.org/cephes/). NaN passes through every one of them, so that a diverged value
 * cannot be clamped back to an innocent number.
 */
import { multiplyAdd, multiplySubtract } from './tiles'

/** Read by address: V8 builds a vector constant anew in every round of a loop. */
const TABLE: usize = memory.data<f32>([
  // exp: bounds, 1/ln 2, ln 2 in two pieces, polynomial of degree 5
  -87.33654, 87.33654, 1.44269504088896341, 0.693359375, -2.12194440e-4,
  1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
  // 11: one, two, one half
  1, 2, 0.5,
  // 14: tanh: bound of the odd polynomial, its coefficients
  0.625, -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1,
  // 20: log
  7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
  -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
], 16)

/** Bits of √½, the lower end of the mantissa's range. */
const SQRT_HALF_BITS: i32 = 0x3f3504f3

// @ts-ignore: decorator
@inline
function constant(index: usize): v128 { return v128.load32_splat(TABLE + (index << 2)) }

/**
 * e^x, error up to 1.3 ulp. Saturates at ±87.336, where results leave the normal range: no caller
 * needs more, as all of them pass what is at most zero or put the result into a denominator.
 */
// @ts-ignore: decorator
@inline
export function vectorExp(x: v128): v128 {
  // pmax and pmin return their first argument when a comparison with NaN fails.
  x = f32x4.pmin(f32x4.pmax(x, constant(0)), constant(1))
  const n = f32x4.nearest(f32x4.mul(x, constant(2)))
  const r = multiplySubtract(n, constant(4), multiplySubtract(n, constant(3), x))
  let p = multiplyAdd(constant(5), r, constant(6))
  p = multiplyAdd(p, r, constant(7))
  p = multiplyAdd(p, r, constant(8))
  p = multiplyAdd(p, r, constant(9))
  p = multiplyAdd(p, r, constant(10))
  p = multiplyAdd(p, f32x4.mul(r, r), f32x4.add(r, constant(11)))
  return i32x4.add(p, i32x4.shl(i32x4.trunc_sat_f32x4_s(n), 23))
}

/** 1 / (1 + e^-x), error up to 3.2 ulp; ±∞ gives 1 and 1.2e-38. */
// @ts-ignore: decorator
@inline
export function vectorSigmoid(x: v128): v128 {
  return f32x4.div(constant(11), f32x4.add(constant(11), vectorExp(f32x4.neg(x))))
}

/** tanh x, error up to 1.4 ulp: an odd polynomial near zero, 1 - 2/(e^2|x| + 1) elsewhere. */
// @ts-ignore: decorator
@inline
export function vectorTanh(x: v128): v128 {
  const magnitude = f32x4.abs(x)
  const e = vectorExp(f32x4.add(magnitude, magnitude))
  const far = f32x4.sub(constant(11), f32x4.div(constant(12), f32x4.add(e, constant(11))))
  const z = f32x4.mul(x, x)
  let p = multiplyAdd(constant(15), z, constant(16))
  p = multiplyAdd(p, z, constant(17))
  p = multiplyAdd(p, z, constant(18))
  p = multiplyAdd(p, z, constant(19))
  const near = multiplyAdd(f32x4.mul(p, z), x, x)
  const signed = v128.or(far, v128.and(x, f32x4.splat(-0.0)))
  return v128.bitselect(near, signed, f32x4.lt(magnitude, constant(14)))
}

/** e^x - 1 = 2t/(1 - t) with t = tanh(x/2) for x ≤ 0, relative error below 6 ulp: nothing cancels. */
// @ts-ignore: decorator
@inline
export function vectorExpMinusOne(x: v128): v128 {
  const t = vectorTanh(f32x4.mul(constant(13), x))
  return f32x4.div(f32x4.add(t, t), f32x4.sub(constant(11), t))
}

/** ln x for normal x > 0, error below 1 ulp; ∞ gives NaN. */
// @ts-ignore: decorator
@inline
export function vectorLog(x: v128): v128 {
  const bits = i32x4.sub(x, i32x4.splat(SQRT_HALF_BITS))
  const exponent = f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23))
  const mantissa = i32x4.add(v128.and(bits, i32x4.splat(0x007fffff)), i32x4.splat(SQRT_HALF_BITS))
  const m = f32x4.sub(mantissa, constant(11))
  const z = f32x4.mul(m, m)
  let p = multiplyAdd(constant(20), m, constant(21))
  p = multiplyAdd(p, m, constant(22))
  p = multiplyAdd(p, m, constant(23))
  p = multiplyAdd(p, m, constant(24))
  p = multiplyAdd(p, m, constant(25))
  p = multiplyAdd(p, m, constant(26))
  p = multiplyAdd(p, m, constant(27))
  p = multiplyAdd(p, m, constant(28))
  let y = f32x4.mul(f32x4.mul(p, m), z)
  y = multiplyAdd(exponent, constant(4), y)
  y = multiplySubtract(constant(13), z, y)
  y = multiplyAdd(exponent, constant(3), f32x4.add(m, y))
  // x - x is zero unless x is NaN or infinite; the bits above would have hidden that.
  return f32x4.add(y, f32x4.sub(x, x))
}

/** ln(1 + x) for normal or zero x ≥ 0, with what the rounding of 1 + x lost put back to first order. */
// @ts-ignore: decorator
@inline
export function vectorLog1p(x: v128): v128 {
  const sum = f32x4.add(x, constant(11))
  const lost = f32x4.sub(x, f32x4.sub(sum, constant(11)))
  return f32x4.add(vectorLog(sum), f32x4.div(lost, sum))
}
