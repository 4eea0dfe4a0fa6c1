import type { OptimizerConfig } from '../config.ts'
import { element } from '../tensor.ts'
import { createAdam } from './adam.ts'
import type { Optimizer } from './optimizer.ts'

/**
 * x −= η·wd·x on weight matrices only, then a step of Adam whose gradient knows nothing of the decay.
 * isWeight says which parameters are weights. Loshchilov & Hutter, https://arxiv.org/abs/1711.05101
 */
export function createAdamw(
  config: OptimizerConfig & { type: 'adamw' },
  isWeight: readonly boolean[],
): Optimizer {
  const adam = createAdam(config, isWeight.length)
  return (parameters, gradient, learningRate) => {
    for (const [i, decays] of isWeight.entries()) {
      if (decays) parameters[i] = element(parameters, i) * (1 - learningRate * config.weightDecay)
    }
    adam(parameters, gradient, learningRate)
  }
}
