import { element } from '../tensor.ts'
import type { Optimizer } from './optimizer.ts'

/** Keeps the first step of a parameter whose gradient is zero from being 0/0. */
export const ADAGRAD_EPSILON = 1e-10

/** a += g², x −= η·g/(√a + 1e-10). Duchi et al., https://jmlr.org/papers/v12/duchi11a.html */
export function createAdagrad(parameterCount: number): Optimizer {
  const squares = new Float64Array(parameterCount)
  return (parameters, gradient, learningRate) => {
    for (const [i, g] of gradient.entries()) {
      const a = element(squares, i) + g * g
      squares[i] = a
      parameters[i] = element(parameters, i) - (learningRate * g) / (Math.sqrt(a) + ADAGRAD_EPSILON)
    }
  }
}
