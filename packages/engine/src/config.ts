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
  | { type: 'orthogonal' }

export interface LayerConfig {
  units: number
  activation: ActivationName
  initializer: InitializerConfig
  /** Normalizes over the batch between product and activation; not for the output layer. */
  batchNorm?: boolean
  /** Share of the layer's outputs set to zero in training, in [0, 1); not for the output layer. */
  dropout?: number
}

export type LossName =
  | 'cross_entropy'
  | 'binary_cross_entropy'
  | 'hinge'
  /** The error rate, trained by the rule of 1958; goes with the optimizer of the same name. */
  | 'perceptron'
  | 'mse'
  | 'mae'
  | 'huber'

export interface NetworkConfig {
  inputs: number
  /** The last layer is the output layer and is linear: losses and predictions work on its logits. */
  layers: readonly LayerConfig[]
  loss: LossName
  /** Share of the inputs set to zero in training, in [0, 1). */
  inputDropout?: number
  /** For the two cross-entropies: the share of each target spread evenly over all classes; 0. */
  labelSmoothing?: number
  /** For huber: the distance at which the parabola becomes a line; 1. */
  huberDelta?: number
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
  | {
      type: 'adamw'
      learningRate: number
      beta1: number
      beta2: number
      epsilon: number
      biasCorrection: boolean
      weightDecay: number
    }
  | { type: 'rmsprop'; learningRate: number; rho: number; epsilon: number }
  | { type: 'adagrad'; learningRate: number }
  /** One row at a time, whatever the batch size; goes with the loss of the same name. */
  | { type: 'perceptron'; learningRate: number }

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
    assertShare(layer.dropout ?? 0, `layers[${index}].dropout`)
  }
  if (output.activation !== 'linear') {
    throw new EngineError('invalid_network', 'the output layer must be linear: losses take logits')
  }
  if (network.loss === 'binary_cross_entropy' && output.units !== 1) {
    throw new EngineError('invalid_network', 'binary_cross_entropy needs exactly one output')
  }
  if ((network.loss === 'cross_entropy' || network.loss === 'hinge') && output.units < 2) {
    throw new EngineError('invalid_network', `${network.loss} needs at least two outputs`)
  }
  if (network.loss === 'perceptron' && network.layers.length > 1) {
    throw new EngineError('invalid_network', 'a perceptron has one layer')
  }
  if (output.batchNorm === true || (output.dropout ?? 0) > 0) {
    throw new EngineError('invalid_network', 'the output layer has no batchNorm and no dropout')
  }
  assertShare(network.inputDropout ?? 0, 'inputDropout')
  assertLossParameters(network)
}

/** Throws `invalid_options` for a hyperparameter outside the range in which an update is defined. */
export function assertOptimizerConfig(optimizer: OptimizerConfig): void {
  const { learningRate } = optimizer
  if (!(learningRate > 0 && learningRate <= LEARNING_RATE_MAX)) {
    throw new EngineError('invalid_options', `learningRate must be in (0, ${LEARNING_RATE_MAX}]`)
  }
  switch (optimizer.type) {
    case 'sgd':
    case 'adagrad':
    case 'perceptron':
      return
    case 'momentum':
      assertDecay(optimizer.momentum, 'momentum')
      return
    case 'rmsprop':
      assertDecay(optimizer.rho, 'rho')
      assertEpsilon(optimizer.epsilon)
      return
    case 'adamw':
      // Decay by more than the whole weight would flip its sign.
      if (!(optimizer.weightDecay >= 0 && optimizer.weightDecay * learningRate <= 1)) {
        throw new EngineError('invalid_options', 'weightDecay must be in [0, 1 / learningRate]')
      }
      assertAdam(optimizer)
      return
    case 'adam':
      assertAdam(optimizer)
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
  return isRegression(network.loss) ? outputUnits(network) : 1
}

/** Whether targets are numbers, one per output, and not classes. */
export function isRegression(loss: LossName): boolean {
  return loss === 'mse' || loss === 'mae' || loss === 'huber'
}

/** Classes a target may name; 0 for a regression. */
export function classCount(network: NetworkConfig): number {
  if (isRegression(network.loss)) return 0
  return Math.max(2, outputUnits(network))
}

function assertLossParameters({ loss, labelSmoothing = 0, huberDelta = 1 }: NetworkConfig): void {
  assertShare(labelSmoothing, 'labelSmoothing')
  if (labelSmoothing > 0 && !(loss === 'cross_entropy' || loss === 'binary_cross_entropy')) {
    throw new EngineError('invalid_network', `labelSmoothing is not defined for ${loss}`)
  }
  if (!(huberDelta > 0 && huberDelta < Number.POSITIVE_INFINITY)) {
    throw new EngineError('invalid_network', 'huberDelta must be positive')
  }
}

function assertShare(value: number, name: string): void {
  if (!(value >= 0 && value < 1)) {
    throw new EngineError('invalid_network', `${name} must be in [0, 1)`)
  }
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

function assertAdam(optimizer: OptimizerConfig & { type: 'adam' | 'adamw' }): void {
  assertDecay(optimizer.beta1, 'beta1')
  assertDecay(optimizer.beta2, 'beta2')
  assertEpsilon(optimizer.epsilon)
}

function assertEpsilon(epsilon: number): void {
  if (!(epsilon >= EPSILON_MIN && epsilon < Number.POSITIVE_INFINITY)) {
    throw new EngineError('invalid_options', `epsilon must be at least ${EPSILON_MIN}`)
  }
}

function assertDecay(value: number, name: string): void {
  if (!(value >= 0 && value < 1)) {
    throw new EngineError('invalid_options', `${name} must be in [0, 1)`)
  }
}
