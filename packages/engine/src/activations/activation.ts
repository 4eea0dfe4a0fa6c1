import type { ActivationName } from '../config.ts'
import { exp, log, logistic, tanh } from '../random/elementary.ts'

/** An elementwise function a = f(z) and its derivative, for which both z and a are at hand. */
export interface Activation {
  value(z: number): number
  derivative(a: number, z: number): number
}

/** Slope of leaky_relu below zero. */
const LEAK = 0.01

/** Of selu, so that mean 0 and variance 1 are a fixed point: https://arxiv.org/abs/1706.02515 */
const SELU_SCALE = 1.0507009873554805
const SELU_ALPHA = 1.6732632423543772

/** Of gelu: √(2/π), and the weight of the cubic term. https://arxiv.org/abs/1606.08415 */
const GELU_SCALE = 0.7978845608028654
const GELU_CUBIC = 0.044715

/** Below this e^z is zero; keeps -∞ · 0 from becoming NaN. */
const EXPONENT_MIN = -745

/**
 * The activations in float64. NaN gives NaN everywhere.
 *
 * step 0 for z < 0, else 1, with derivative 0 · sigmoid 1/(1 + e^-z), a(1 - a) · tanh, 1 - a² ·
 * relu max(0, z), with derivative 0 at 0 · leaky_relu z, or 0.01z below zero · elu z, or e^z - 1 below
 * zero · selu λz, or λα(e^z - 1) below zero · gelu ½z(1 + tanh u) = zσ(2u) with
 * u = √(2/π)(z + 0.044715z³) · silu zσ(z) · softplus ln(1 + e^z), 1 - e^-a · softsign z/(1 + |z|), (1 - |a|)²
 */
export const ACTIVATIONS: Record<ActivationName, Activation> = {
  linear: { value: (z) => z, derivative: () => 1 },
  step: { value: (z) => (Number.isNaN(z) ? z : z < 0 ? 0 : 1), derivative: () => 0 },
  sigmoid: { value: logistic, derivative: (a) => a * (1 - a) },
  tanh: { value: tanh, derivative: (a) => 1 - a * a },
  relu: { value: (z) => Math.max(0, z), derivative: (a) => (a > 0 ? 1 : 0) },
  leaky_relu: {
    value: (z) => (z > 0 ? z : LEAK * z),
    derivative: (a) => (a > 0 ? 1 : LEAK),
  },
  elu: {
    value: (z) => (z > 0 ? z : expMinusOne(z)),
    derivative: (a) => (a > 0 ? 1 : a + 1),
  },
  selu: {
    value: (z) => SELU_SCALE * (z > 0 ? z : SELU_ALPHA * expMinusOne(z)),
    derivative: (a) => (a > 0 ? SELU_SCALE : a + SELU_SCALE * SELU_ALPHA),
  },
  gelu: {
    value: (z) => Math.max(z, EXPONENT_MIN) * logistic(doubleGeluArgument(z)),
    derivative: (_a, z) => {
      const share = logistic(doubleGeluArgument(z))
      const slope = 2 * GELU_SCALE * (1 + 3 * GELU_CUBIC * z * z)
      return share + z * share * (1 - share) * slope
    },
  },
  silu: {
    value: (z) => Math.max(z, EXPONENT_MIN) * logistic(z),
    derivative: (a, z) => logistic(z) + a * (1 - logistic(z)),
  },
  softplus: {
    value: (z) => Math.max(z, 0) + log(1 + exp(-Math.abs(z))),
    derivative: (_a, z) => logistic(z),
  },
  softsign: { value: (z) => z / (1 + Math.abs(z)), derivative: (a) => (1 - Math.abs(a)) ** 2 },
}

/** e^z - 1 = 2t/(1 - t) with t = tanh(z/2), which does not cancel near zero. For z ≤ 0 or NaN. */
function expMinusOne(z: number): number {
  const t = tanh(z / 2)
  return (2 * t) / (1 - t)
}

function doubleGeluArgument(z: number): number {
  return 2 * GELU_SCALE * (z + GELU_CUBIC * z * z * z)
}
