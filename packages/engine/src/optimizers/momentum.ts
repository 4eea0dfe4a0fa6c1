import type { OptimizerConfig } from '../config.ts'
import { element } from '../tensor.ts'
import type { Optimizer } from './optimizer.ts'

/**
 * v = μ·v − η·g, x += v; with Nesterov's look-ahead x += μ·v − η·g with the new v.
 * The velocity holds η inside: where a schedule changes η, this differs from PyTorch's form, which
 * multiplies by η after the velocity. Sutskever et al., https://proceedings.mlr.press/v28/sutskever13.html
 */
export function createMomentum(
  { momentum, nesterov }: OptimizerConfig & { type: 'momentum' },
  parameterCount: number,
): Optimizer {
  const velocity = new Float64Array(parameterCount)
  return (parameters, gradient, learningRate) => {
    for (const [i, g] of gradient.entries()) {
      const v = momentum * element(velocity, i) - learningRate * g
      velocity[i] = v
      parameters[i] = element(parameters, i) + (nesterov ? momentum * v - learningRate * g : v)
    }
  }
}
