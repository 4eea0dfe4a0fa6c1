import type { OptimizerConfig } from '../config.ts'
import { element } from '../tensor.ts'
import type { Optimizer } from './optimizer.ts'

/**
 * a = ρ·a + (1−ρ)·g², x −= η·g/√(a + ε). ε stands inside the root; PyTorch's stands outside, which
 * matters where gradients are as small as √ε. Tieleman & Hinton,
 * https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf
 */
export function createRmsprop(
  { rho, epsilon }: OptimizerConfig & { type: 'rmsprop' },
  parameterCount: number,
): Optimizer {
  const squares = new Float64Array(parameterCount)
  return (parameters, gradient, learningRate) => {
    for (const [i, g] of gradient.entries()) {
      const a = rho * element(squares, i) + (1 - rho) * g * g
      squares[i] = a
      parameters[i] = element(parameters, i) - (learningRate * g) / Math.sqrt(a + epsilon)
    }
  }
}
