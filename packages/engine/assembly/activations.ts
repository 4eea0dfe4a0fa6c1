/**
 * Activations over [n] float32; n is a multiple of 4 and every address of 16 bytes. NaN gives NaN.
 * Formulas: src/activations/activation.ts.
 */
import { vectorExpMinusOne, vectorLog1p, vectorExp, vectorSigmoid, vectorTanh } from './elementary'
import { activation } from './layout'
import { multiplyAdd, multiplySubtract } from './tiles'

/** Read by address: V8 builds a vector constant anew in every round of a loop. */
const TABLE: usize = memory.data<f32>([
  // leaky_relu's slope; selu: λ, λα
  0.01, 1.0507009873554805, 1.7580993408473766,
  // 3: gelu: 2√(2/π), 2√(2/π) · 0.044715, three times that
  1.5957691216057308, 0.07135481627260025, 0.21406444881780074,
  // 6: where σ, which saturates at 1.2e-38, is as good as 0; where a derivative is 1 or 0
  -87, 30, -30, 87,
], 16)

/** a = f(z); a may be z. */
export function applyActivation(kind: i32, z: usize, a: usize, n: i32): void {
  const end = z + (<usize>n << 2)
  switch (kind) {
    case activation.linear:
      if (a != z) memory.copy(a, z, <usize>n << 2)
      break
    case activation.relu:
      // With the value first, pmax keeps a NaN.
      for (; z < end; z += 16, a += 16) v128.store(a, f32x4.pmax(v128.load(z), f32x4.splat(0)))
      break
    case activation.tanh:
      for (; z < end; z += 16, a += 16) v128.store(a, vectorTanh(v128.load(z)))
      break
    case activation.sigmoid:
      for (; z < end; z += 16, a += 16) v128.store(a, vectorSigmoid(v128.load(z)))
      break
    case activation.step:
      for (; z < end; z += 16, a += 16) {
        const sum = v128.load(z)
        const reached = v128.and(f32x4.splat(1), f32x4.ge(sum, f32x4.splat(0)))
        v128.store(a, v128.bitselect(reached, sum, f32x4.eq(sum, sum)))
      }
      break
    case activation.leaky_relu:
      for (; z < end; z += 16, a += 16) {
        const sum = v128.load(z)
        v128.store(a, f32x4.pmax(sum, f32x4.mul(sum, constant(0))))
      }
      break
    case activation.elu:
      for (; z < end; z += 16, a += 16) {
        const sum = v128.load(z)
        v128.store(a, v128.bitselect(sum, belowZero(sum), f32x4.gt(sum, f32x4.splat(0))))
      }
      break
    case activation.selu:
      for (; z < end; z += 16, a += 16) {
        const sum = v128.load(z)
        const above = f32x4.mul(constant(1), sum), below = f32x4.mul(constant(2), belowZero(sum))
        v128.store(a, v128.bitselect(above, below, f32x4.gt(sum, f32x4.splat(0))))
      }
      break
    case activation.gelu:
      for (; z < end; z += 16, a += 16) {
        const sum = v128.load(z)
        v128.store(a, f32x4.mul(f32x4.pmax(sum, constant(6)), vectorSigmoid(doubleGeluArgument(sum))))
      }
      break
    case activation.silu:
      for (; z < end; z += 16, a += 16) {
        const sum = v128.load(z)
        v128.store(a, f32x4.mul(f32x4.pmax(sum, constant(6)), vectorSigmoid(sum)))
      }
      break
    case activation.softplus:
      for (; z < end; z += 16, a += 16) {
        const sum = v128.load(z)
        const rest = vectorLog1p(vectorExp(f32x4.neg(f32x4.abs(sum))))
        v128.store(a, f32x4.add(f32x4.pmax(sum, f32x4.splat(0)), rest))
      }
      break
    case activation.softsign:
      for (; z < end; z += 16, a += 16) {
        const sum = v128.load(z)
        v128.store(a, f32x4.div(sum, f32x4.add(f32x4.splat(1), f32x4.abs(sum))))
      }
      break
  }
}

/**
 * delta *= f'(z), in terms of a = f(z) where that is possible: relu a > 0, tanh 1 - a², sigmoid
 * a - a², softplus 1 - e^-a. gelu and silu read z; every other may have overwritten it.
 */
export function applyActivationDerivative(kind: i32, z: usize, a: usize, delta: usize, n: i32): void {
  const end = delta + (<usize>n << 2)
  switch (kind) {
    case activation.relu:
      for (; delta < end; a += 16, delta += 16) {
        v128.store(delta, v128.and(v128.load(delta), f32x4.gt(v128.load(a), f32x4.splat(0))))
      }
      break
    case activation.tanh:
      for (; delta < end; a += 16, delta += 16) {
        const value = v128.load(a)
        const slope = multiplySubtract(value, value, f32x4.splat(1))
        v128.store(delta, f32x4.mul(v128.load(delta), slope))
      }
      break
    case activation.sigmoid:
      for (; delta < end; a += 16, delta += 16) {
        const value = v128.load(a)
        const slope = multiplySubtract(value, value, value)
        v128.store(delta, f32x4.mul(v128.load(delta), slope))
      }
      break
    case activation.step:
      memory.fill(delta, 0, <usize>n << 2)
      break
    case activation.leaky_relu:
      for (; delta < end; a += 16, delta += 16) {
        const upstream = v128.load(delta), isAbove = f32x4.gt(v128.load(a), f32x4.splat(0))
        v128.store(delta, v128.bitselect(upstream, f32x4.mul(upstream, constant(0)), isAbove))
      }
      break
    case activation.elu:
      for (; delta < end; a += 16, delta += 16) {
        const value = v128.load(a), one = f32x4.splat(1)
        const slope = v128.bitselect(one, f32x4.add(value, one), f32x4.gt(value, f32x4.splat(0)))
        v128.store(delta, f32x4.mul(v128.load(delta), slope))
      }
      break
    case activation.selu:
      for (; delta < end; a += 16, delta += 16) {
        const value = v128.load(a), isAbove = f32x4.gt(value, f32x4.splat(0))
        const slope = v128.bitselect(constant(1), f32x4.add(value, constant(2)), isAbove)
        v128.store(delta, f32x4.mul(v128.load(delta), slope))
      }
      break
    case activation.gelu:
      for (; delta < end; z += 16, delta += 16) {
        const sum = f32x4.pmin(f32x4.pmax(v128.load(z), constant(8)), constant(7))
        const square = f32x4.mul(sum, sum)
        const inner = multiplyAdd(square, constant(5), constant(3))
        const argument = f32x4.mul(sum, multiplyAdd(square, constant(4), constant(3)))
        v128.store(delta, f32x4.mul(v128.load(delta), gatedSlope(f32x4.mul(sum, inner), argument)))
      }
      break
    case activation.silu:
      for (; delta < end; z += 16, delta += 16) {
        const sum = f32x4.pmin(f32x4.pmax(v128.load(z), constant(6)), constant(9))
        v128.store(delta, f32x4.mul(v128.load(delta), gatedSlope(sum, sum)))
      }
      break
    case activation.softplus:
      for (; delta < end; a += 16, delta += 16) {
        const slope = f32x4.neg(vectorExpMinusOne(f32x4.neg(v128.load(a))))
        v128.store(delta, f32x4.mul(v128.load(delta), slope))
      }
      break
    case activation.softsign:
      for (; delta < end; a += 16, delta += 16) {
        const distance = f32x4.sub(f32x4.splat(1), f32x4.abs(v128.load(a)))
        v128.store(delta, f32x4.mul(v128.load(delta), f32x4.mul(distance, distance)))
      }
      break
  }
}

/** e^z - 1 where z is below zero; 0 above. */
// @ts-ignore: decorator
@inline
function belowZero(z: v128): v128 {
  return vectorExpMinusOne(f32x4.pmin(z, f32x4.splat(0)))
}

/** σ(x) + factor · σ(x)(1 - σ(x)); e/(1 + e)² with e = e^-|x| is that product without cancellation. */
// @ts-ignore: decorator
@inline
function gatedSlope(factor: v128, x: v128): v128 {
  const e = vectorExp(f32x4.neg(f32x4.abs(x)))
  const likely = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), e))
  const unlikely = f32x4.mul(e, likely)
  const share = v128.bitselect(likely, unlikely, f32x4.gt(x, f32x4.splat(0)))
  return multiplyAdd(factor, f32x4.mul(likely, unlikely), share)
}

/** 2u of ½(1 + tanh u) = σ(2u), with u = √(2/π)(z + 0.044715z³). */
// @ts-ignore: decorator
@inline
function doubleGeluArgument(z: v128): v128 {
  return f32x4.mul(z, multiplyAdd(f32x4.mul(z, z), constant(4), constant(3)))
}

// @ts-ignore: decorator
@inline
function constant(index: usize): v128 { return v128.load32_splat(TABLE + (index << 2)) }
