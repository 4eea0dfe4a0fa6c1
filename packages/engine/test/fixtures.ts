import type {
  ActivationName,
  LossName,
  NetworkConfig,
  OptimizerConfig,
  TrainingData,
  TrainingOptions,
} from '../src/index.ts'
import { createRandom } from '../src/random.ts'
import { ACTIVATION_CODES } from '../src/wasm/job-record.ts'

export const ACTIVATION_NAMES = Object.keys(ACTIVATION_CODES) as ActivationName[]
export const LOSS_NAMES: readonly LossName[] = ['cross_entropy', 'binary_cross_entropy', 'mse']

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
} satisfies Record<string, OptimizerConfig>

/** Hidden layers of one activation below an output layer that suits the loss. */
export function makeConfig({
  inputs,
  hidden,
  outputs,
  activation = 'tanh',
  loss = 'mse',
}: {
  inputs: number
  hidden: readonly number[]
  outputs: number
  activation?: ActivationName
  loss?: LossName
}): NetworkConfig {
  const output = loss === 'binary_cross_entropy' ? 1 : outputs
  return {
    inputs,
    loss,
    layers: [
      ...hidden.map((units) => ({
        units,
        activation,
        initializer: { type: 'glorot_uniform' as const },
      })),
      { units: output, activation: 'linear', initializer: { type: 'glorot_uniform' } },
    ],
  }
}

/** Uniform inputs in [-1, 1) and targets that suit the loss. */
export function makeData(config: NetworkConfig, rows: number, seed = 1n): TrainingData {
  const random = createRandom(seed, 'fixture')
  const outputs = config.layers.at(-1)?.units ?? 0
  const inputs = Float32Array.from(
    { length: rows * config.inputs },
    (_, i) => 2 * random.uniform(i) - 1,
  )
  const isRegression = config.loss === 'mse'
  const classes = config.loss === 'cross_entropy' ? outputs : 2
  const labels = createRandom(seed, 'fixture-targets')
  const targets = Float32Array.from({ length: isRegression ? rows * outputs : rows }, (_, i) =>
    isRegression ? 2 * labels.uniform(i) - 1 : labels.below(i, classes),
  )
  return { rows, inputs, targets }
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
