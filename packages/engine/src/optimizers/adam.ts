import type { OptimizerConfig } from '../config.ts'
import { element } from '../tensor.ts'
import type { Optimizer } from './optimizer.ts'

/**
 * m = β1·m + (1−β1)·g, v = β2·v + (1−β2)·g², x −= η·m̂/(√v̂ + ε) with m̂ = m/(1−β1^t) and
 * v̂ = v/(1−β2^t), t counted from 1. Without bias correction m̂ = m and v̂ = v, which makes the
 * first steps of a slow v larger. Kingma & Ba, https://arxiv.org/abs/1412.6980
 */
export function createAdam(
  {
    beta1,
    beta2,
    epsilon,
    biasCorrection,
  }: Omit<OptimizerConfig & { type: 'adam' }, 'type' | 'learningRate'>,
  parameterCount: number,
): Optimizer {
  const firstMoment = new Float64Array(parameterCount)
  const secondMoment = new Float64Array(parameterCount)
  let beta1Power = 1
  let beta2Power = 1
  return (parameters, gradient, learningRate) => {
    beta1Power *= beta1
    beta2Power *= beta2
    const firstCorrection = biasCorrection ? 1 - beta1Power : 1
    const secondCorrection = biasCorrection ? 1 - beta2Power : 1
    for (const [i, g] of gradient.entries()) {
      const m = beta1 * element(firstMoment, i) + (1 - beta1) * g
      const v = beta2 * element(secondMoment, i) + (1 - beta2) * g * g
      firstMoment[i] = m
      secondMoment[i] = v
      const step = m / firstCorrection / (Math.sqrt(v / secondCorrection) + epsilon)
      parameters[i] = element(parameters, i) - learningRate * step
    }
  }
}
