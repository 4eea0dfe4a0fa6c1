import type { ActivationName, InitializerConfig } from '../config.ts'
import { createRandom, INITIALIZATION_STREAM, type Random } from '../random.ts'
import type { LayerWeights } from '../weights.ts'

/**
 * Weights [out, in] drawn by the initializer, biases [out] of zero. Float32, the same for every
 * backend. The stream's step is the index of the layer, so a layer does not depend on the others.
 */
export function initializeLayer(
  initializer: InitializerConfig,
  inputs: number,
  units: number,
  seed: bigint,
  layer: number,
): LayerWeights {
  const random = createRandom(seed, INITIALIZATION_STREAM, layer)
  const draw = makeDraw(initializer, inputs, units, random)
  const weight = new Float32Array(units * inputs)
  for (let i = 0; i < weight.length; i++) weight[i] = draw(i)
  return { weight, bias: new Float32Array(units) }
}

/**
 * What 'auto' stands for: He et al. for rectifiers and their smooth kin, which halve the variance of
 * what they pass (https://arxiv.org/abs/1502.01852), LeCun for selu, whose fixed point assumes
 * it (https://arxiv.org/abs/1706.02515), and Xavier for everything else.
 */
export function resolveInitializer(activation: ActivationName): InitializerConfig {
  switch (activation) {
    case 'relu':
    case 'leaky_relu':
    case 'elu':
    case 'gelu':
    case 'silu':
    case 'softplus':
      return { type: 'he_normal' }
    case 'selu':
      return { type: 'lecun_normal' }
    case 'linear':
    case 'step':
    case 'sigmoid':
    case 'tanh':
    case 'softsign':
      return { type: 'xavier_uniform' }
  }
}

/** `xavier_*` scales by the fan-in alone, `glorot_*` by the mean of fan-in and fan-out. */
function makeDraw(
  initializer: InitializerConfig,
  fanIn: number,
  fanOut: number,
  random: Random,
): (index: number) => number {
  const normal = (std: number) => (index: number) => std * random.normal(index)
  const uniform = (limit: number) => (index: number) => limit * (2 * random.uniform(index) - 1)
  switch (initializer.type) {
    case 'zeros':
      return () => 0
    case 'normal':
      return normal(initializer.std)
    case 'uniform':
      return uniform(initializer.limit)
    case 'xavier_normal':
    case 'lecun_normal':
      return normal(Math.sqrt(1 / fanIn))
    case 'xavier_uniform':
      return uniform(Math.sqrt(3 / fanIn))
    case 'glorot_normal':
      return normal(Math.sqrt(2 / (fanIn + fanOut)))
    case 'glorot_uniform':
      return uniform(Math.sqrt(6 / (fanIn + fanOut)))
    case 'he_normal':
      return normal(Math.sqrt(2 / fanIn))
    case 'he_uniform':
      return uniform(Math.sqrt(6 / fanIn))
  }
}
