import { EngineError } from './errors.ts'

export type ActivationName =
  | 'linear'
  | 'step'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'leaky_relu'
  | 'elu'
  | 'selu'
  | 'gelu'
  | 'silu'
  | 'softplus'
  | 'softsign'

export type InitializerConfig =
  | { type: 'zeros' }
  | { type: 'normal'; std: number }
  | { type: 'uniform'; limit: number }
  | {
      type:
        | 'xavier_normal'
        | 'xavier_uniform'
        | 'glorot_normal'
        | 'glorot_uniform'
        | 'he_normal'
        | 'he_uniform'
        | 'lecun_normal'
    }

export interface LayerConfig {
  units: number
  activation: ActivationName
  initializer: InitializerConfig
}

export type LossName = 'cross_entropy' | 'binary_cross_entropy' | 'mse'

export interface NetworkConfig {
  inputs: number
  /** The last layer is the output layer and is linear: losses and predictions work on its logits. */
  layers: readonly LayerConfig[]
  loss: LossName
}

export type OptimizerConfig =
  | { type: 'sgd'; learningRate: number }
  | { type: 'momentum'; learningRate: number; momentum: number; nesterov: boolean }
  | {
      type: 'adam'
      learningRate: number
      beta1: number
      beta2: number
      epsilon: number
      biasCorrection: boolean
    }

/**
 * Bounds that keep one update finite in float32: with gradients below `GRADIENT_LIMIT` no optimizer
 * step can exceed LEARNING_RATE_MAX · GRADIENT_LIMIT / EPSILON_MIN = 1e37.
 */
const LEARNING_RATE_MAX = 1e9
const EPSILON_MIN = 1e-10

/** A gradient this large has a square beyond float32 and is treated like an infinite one. */
export const GRADIENT_LIMIT = 1e18

/** Throws `invalid_network` unless every shape is a positive integer and loss and outputs agree. */
export function assertNetworkConfig(network: NetworkConfig): void {
  assertCount(network.inputs, 'inputs', 'invalid_network')
  const output = network.layers.at(-1)
  if (output === undefined) throw new EngineError('invalid_network', 'a network needs a layer')
  for (const [index, layer] of network.layers.entries()) {
    assertCount(layer.units, `layers[${index}].units`, 'invalid_network')
    assertInitializer(layer.initializer, index)
  }
  if (output.activation !== 'linear') {
    throw new EngineError('invalid_network', 'the output layer must be linear: losses take logits')
  }
  if (network.loss === 'binary_cross_entropy' && output.units !== 1) {
    throw new EngineError('invalid_network', 'binary_cross_entropy needs exactly one output')
  }
  if (network.loss === 'cross_entropy' && output.units < 2) {
    throw new EngineError('invalid_network', 'cross_entropy needs at least two outputs')
  }
}

/** Throws `invalid_options` for a hyperparameter outside the range in which an update is defined. */
export function assertOptimizerConfig(optimizer: OptimizerConfig): void {
  const { learningRate } = optimizer
  if (!(learningRate > 0 && learningRate <= LEARNING_RATE_MAX)) {
    throw new EngineError('invalid_options', `learningRate must be in (0, ${LEARNING_RATE_MAX}]`)
  }
  switch (optimizer.type) {
    case 'sgd':
      return
    case 'momentum':
      assertDecay(optimizer.momentum, 'momentum')
      return
    case 'adam':
      assertDecay(optimizer.beta1, 'beta1')
      assertDecay(optimizer.beta2, 'beta2')
      if (!(optimizer.epsilon >= EPSILON_MIN && optimizer.epsilon < Number.POSITIVE_INFINITY)) {
        throw new EngineError('invalid_options', `epsilon must be at least ${EPSILON_MIN}`)
      }
      return
    default:
      throw new EngineError('invalid_options', `unknown optimizer ${JSON.stringify(optimizer)}`)
  }
}

/** Throws the given code unless the value is an integer of at least one. */
export function assertCount(
  value: number,
  name: string,
  code: 'invalid_network' | 'invalid_options' | 'invalid_data',
): void {
  if (!(Number.isSafeInteger(value) && value >= 1)) {
    throw new EngineError(code, `${name} must be a positive integer, got ${value}`)
  }
}

/** Outputs of the network: units of its last layer. */
export function outputUnits(network: Pick<NetworkConfig, 'layers'>): number {
  return network.layers.at(-1)?.units ?? 0
}

/** Values per row of the targets: one class index, one 0/1, or one number per output. */
export function targetWidth(network: NetworkConfig): number {
  return network.loss === 'mse' ? outputUnits(network) : 1
}

function assertInitializer(initializer: InitializerConfig, layer: number): void {
  const scale =
    initializer.type === 'normal'
      ? initializer.std
      : initializer.type === 'uniform'
        ? initializer.limit
        : 0
  if (!(scale >= 0 && scale < Number.POSITIVE_INFINITY)) {
    throw new EngineError('invalid_network', `layers[${layer}].initializer has scale ${scale}`)
  }
}

function assertDecay(value: number, name: string): void {
  if (!(value >= 0 && value < 1)) {
    throw new EngineError('invalid_options', `${name} must be in [0, 1)`)
  }
}
