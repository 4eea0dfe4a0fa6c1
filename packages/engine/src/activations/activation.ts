import type { ActivationName } from '../config.ts'
import { logistic, tanh } from '../random/elementary.ts'

/** An elementwise function a = f(z) with its derivative written in terms of a, as the kernels do. */
export interface Activation {
  value(z: number): number
  derivative(a: number): number
}

/**
 * The activations in float64. NaN gives NaN everywhere.
 * relu max(0, z), with derivative 0 at 0; tanh, 1 - a²; sigmoid 1/(1 + e^-z), a(1 - a).
 */
export const ACTIVATIONS: Record<ActivationName, Activation> = {
  linear: { value: (z) => z, derivative: () => 1 },
  relu: { value: (z) => Math.max(0, z), derivative: (a) => (a > 0 ? 1 : 0) },
  tanh: { value: tanh, derivative: (a) => 1 - a * a },
  sigmoid: { value: logistic, derivative: (a) => a * (1 - a) },
}
