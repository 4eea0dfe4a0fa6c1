import type { OptimizerConfig } from '../config.ts'
import { element } from '../tensor.ts'
import type { Optimizer } from './optimizer.ts'

/** x −= η·g */
export function createSgd({ learningRate }: OptimizerConfig & { type: 'sgd' }): Optimizer {
  return (parameters, gradient) => {
    for (const [i, g] of gradient.entries()) {
      parameters[i] = element(parameters, i) - learningRate * g
    }
  }
}
