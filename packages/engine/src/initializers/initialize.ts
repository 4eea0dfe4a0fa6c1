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
  const bias = new Float32Array(units)
  if (initializer.type === 'orthogonal') return { weight: orthogonal(inputs, units, random), bias }
  const draw = makeDraw(initializer, inputs, units, random)
  const weight = new Float32Array(units * inputs)
  for (let i = 0; i < weight.length; i++) weight[i] = draw(i)
  return { weight, bias }
}

/** γ 1 and β 0, and running statistics of mean 0 and variance 1: at the start it changes nothing. [units] */
export function initializeBatchNorm(
  units: number,
): Required<Pick<LayerWeights, 'gamma' | 'beta' | 'runningMean' | 'runningVariance'>> {
  return {
    gamma: new Float32Array(units).fill(1),
    beta: new Float32Array(units),
    runningMean: new Float32Array(units),
    runningVariance: new Float32Array(units).fill(1),
  }
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

/**
 * A random matrix [units, inputs] with orthonormal rows, or columns if there are more units than inputs:
 * normal deviates, made orthogonal by modified Gram–Schmidt, which leaves the distribution uniform.
 * Saxe, McClelland, Ganguli, https://arxiv.org/abs/1312.6120
 */
function orthogonal(inputs: number, units: number, random: Random): Float32Array {
  const length = Math.max(inputs, units)
  const vectors: Float64Array[] = []
  for (let i = 0; i < Math.min(inputs, units); i++) {
    const vector = Float64Array.from({ length }, (_, j) => random.normal(i * length + j))
    for (const earlier of vectors) addScaled(vector, earlier, -dot(vector, earlier))
    const norm = Math.sqrt(dot(vector, vector))
    vectors.push(vector.map((value) => value / norm))
  }
  const weight = new Float32Array(units * inputs)
  for (const [i, vector] of vectors.entries()) {
    for (const [j, value] of vector.entries()) {
      weight[units <= inputs ? i * inputs + j : j * inputs + i] = value
    }
  }
  return weight
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

/** a += factor · b */
function addScaled(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) + factor * (b[i] as number)
}

/** `xavier_*` scales by the fan-in alone, `glorot_*` by the mean of fan-in and fan-out. */
function makeDraw(
  initializer: Exclude<InitializerConfig, { type: 'orthogonal' }>,
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
