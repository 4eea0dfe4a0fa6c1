import { element } from '../tensor.ts'
import type { Optimizer } from './optimizer.ts'

/** x −= η·g */
export const sgd: Optimizer = (parameters, gradient, learningRate) => {
  for (const [i, g] of gradient.entries()) {
    parameters[i] = element(parameters, i) - learningRate * g
  }
}
