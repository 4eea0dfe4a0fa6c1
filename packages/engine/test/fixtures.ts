import { classCount, targetWidth } from '../src/config.ts'
import type {
  ActivationName,
  LayerWeights,
  LossName,
  NetworkConfig,
  OptimizerConfig,
  TrainingData,
  TrainingOptions,
} from '../src/index.ts'
import { initializeLayer } from '../src/initializers/initialize.ts'
import { createRandom } from '../src/random.ts'
import { ACTIVATION_CODES, LOSS_CODES } from '../src/wasm/job-record.ts'
import { layerShapes } from '../src/weights.ts'

export const ACTIVATION_NAMES = Object.keys(ACTIVATION_CODES) as ActivationName[]
/** Every loss with a gradient, which the perceptron's rule is not. */
export const LOSS_NAMES = Object.keys(LOSS_CODES).filter((l) => l !== 'perceptron') as LossName[]

export const OPTIMIZERS = {
  sgd: { type: 'sgd', learningRate: 0.1 },
  momentum: { type: 'momentum', learningRate: 0.03, momentum: 0.9, nesterov: false },
  nesterov: { type: 'momentum', learningRate: 0.03, momentum: 0.9, nesterov: true },
  adam: {
    type: 'adam',
    learningRate: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    biasCorrection: true,
  },
  'adam without bias correction': {
    type: 'adam',
    learningRate: 0.002,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-7,
    biasCorrection: false,
  },
  rmsprop: { type: 'rmsprop', learningRate: 0.01, rho: 0.99, epsilon: 1e-8 },
  adagrad: { type: 'adagrad', learningRate: 0.03 },
  adamw: {
    type: 'adamw',
    learningRate: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    biasCorrection: true,
    weightDecay: 0.1,
  },
} satisfies Record<string, OptimizerConfig>

/** Hidden layers of one activation below an output layer that suits the loss. */
export function makeConfig({
  inputs,
  hidden,
  outputs,
  activation = 'tanh',
  loss = 'mse',
  batchNorm = false,
  dropout = 0,
  ...rest
}: {
  inputs: number
  hidden: readonly number[]
  outputs: number
  activation?: ActivationName
  loss?: LossName
  /** Of every hidden layer. */
  batchNorm?: boolean
  dropout?: number
  inputDropout?: number
  labelSmoothing?: number
  huberDelta?: number
}): NetworkConfig {
  const output = loss === 'binary_cross_entropy' ? 1 : outputs
  return {
    ...rest,
    inputs,
    loss,
    layers: [
      ...hidden.map((units) => ({
        units,
        activation,
        initializer: { type: 'glorot_uniform' as const },
        batchNorm,
        dropout,
      })),
      { units: output, activation: 'linear', initializer: { type: 'glorot_uniform' } },
    ],
  }
}

/** Uniform inputs in [-1, 1) and targets that suit the loss. */
export function makeData(config: NetworkConfig, rows: number, seed = 1n): TrainingData {
  const random = createRandom(seed, 'fixture')
  const inputs = Float32Array.from(
    { length: rows * config.inputs },
    (_, i) => 2 * random.uniform(i) - 1,
  )
  const classes = classCount(config)
  const labels = createRandom(seed, 'fixture-targets')
  const targets = Float32Array.from({ length: rows * targetWidth(config) }, (_, i) =>
    classes === 0 ? 2 * labels.uniform(i) - 1 : labels.below(i, classes),
  )
  return { rows, inputs, targets }
}

/** Random weights, biases and statistics: no unit sits on a kink, and nothing could be left out unseen. */
export function makeWeights(config: NetworkConfig): LayerWeights[] {
  const biases = createRandom(4n, 'biases')
  const draw = (units: number, first: number, scale: number) =>
    Float32Array.from({ length: units }, (_, i) => first + scale * Math.sin(i + first))
  return layerShapes(config).map(({ inputs, units }, index) => ({
    ...initializeLayer({ type: 'glorot_uniform' }, inputs, units, 2n, index),
    bias: Float32Array.from({ length: units }, (_, i) => 0.3 * biases.normal(10 * index + i)),
    ...(config.layers[index]?.batchNorm && {
      gamma: draw(units, 1, 0.5),
      beta: draw(units, 0.1, 0.3),
      runningMean: draw(units, -0.2, 0.4),
      runningVariance: draw(units, 0.8, 0.3),
    }),
  }))
}

/** Options of a short run; pass what the test is about. */
export function makeOptions(
  training: TrainingData,
  changes: Partial<TrainingOptions> = {},
): TrainingOptions {
  return {
    training,
    validation: null,
    optimizer: { type: 'sgd', learningRate: 0.1 },
    batchSize: 4,
    epochs: 3,
    shuffle: true,
    seed: 7n,
    earlyStopping: null,
    ...changes,
  }
}

/** Runs a generator to its end and returns what it yielded and what it returned. */
export function drain<Item, Result>(
  generator: Generator<Item, Result>,
): { yielded: Item[]; result: Result } {
  const yielded: Item[] = []
  for (;;) {
    const next = generator.next()
    if (next.done === true) return { yielded, result: next.value }
    yielded.push(next.value)
  }
}
