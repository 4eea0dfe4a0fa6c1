import type { Architecture, ResolvedConfig } from '@trainyard/contracts'
import type { TrainingOptions } from '@trainyard/engine'
import {
  type ActivationName,
  type InitializerConfig,
  type NetworkConfig,
  type OptimizerConfig,
  resolveInitializer,
} from '@trainyard/engine/plan'

type InitializerSpec = ResolvedConfig['model']['output']['initializer']

/** The engine's network for a resolved specification. The output layer is linear: the loss holds softmax or sigmoid. */
export function toNetworkConfig({ model, training }: ResolvedConfig): NetworkConfig {
  return {
    inputs: model.inputs,
    layers: [
      ...model.hidden.map((layer) => {
        const activation = toActivation(layer.activation)
        const initializer = toInitializer(layer.initializer, activation)
        return { units: layer.units, activation, initializer }
      }),
      {
        units: model.output.units,
        activation: 'linear' as const,
        initializer: toInitializer(model.output.initializer, 'linear'),
      },
    ],
    loss: training.loss,
  }
}

/** The parts of the engine's training options that the specification decides; data and hooks are the caller's. */
export function toTrainingOptions(
  resolved: ResolvedConfig,
): Omit<TrainingOptions, 'training' | 'validation' | 'onBatch'> {
  const { training, seed } = resolved
  const stopping = training.early_stopping
  return {
    optimizer: toOptimizer(training.optimizer),
    batchSize: training.batch_size,
    epochs: training.epochs,
    shuffle: training.shuffle,
    seed: BigInt(seed),
    earlyStopping:
      stopping === null
        ? null
        : { metric: stopping.metric, patience: stopping.patience, minDelta: stopping.min_delta },
  }
}

/** The network that a trained architecture describes, as far as prediction needs it. */
export function toInferenceConfig(
  architecture: Architecture,
): Pick<NetworkConfig, 'inputs' | 'layers'> {
  const initializer = { type: 'zeros' } as const
  return {
    inputs: architecture.inputs,
    layers: [
      ...architecture.hidden.map(({ units, activation }) => ({
        units,
        activation: toActivation(activation),
        initializer,
      })),
      { units: architecture.outputs, activation: 'linear', initializer },
    ],
  }
}

function toActivation(name: Architecture['hidden'][number]['activation']): ActivationName {
  switch (name) {
    case 'linear':
    case 'relu':
    case 'tanh':
    case 'sigmoid':
      return name
    default:
      // Submission refuses these with a 422; one that comes this far is a bug.
      throw new Error(`The engine has no activation ${name}`)
  }
}

function toInitializer(spec: InitializerSpec, activation: ActivationName): InitializerConfig {
  if (typeof spec === 'object') return spec
  if (spec === 'auto') return resolveInitializer(activation)
  if (spec === 'orthogonal') throw new Error('The engine has no orthogonal initializer')
  return { type: spec }
}

function toOptimizer(optimizer: ResolvedConfig['training']['optimizer']): OptimizerConfig {
  const learningRate = optimizer.learning_rate
  switch (optimizer.type) {
    case 'sgd':
      return { type: 'sgd', learningRate }
    case 'momentum': {
      const { momentum, nesterov } = optimizer
      return { type: 'momentum', learningRate, momentum, nesterov }
    }
    case 'adam': {
      const { beta1, beta2, epsilon, bias_correction: biasCorrection } = optimizer
      return { type: 'adam', learningRate, beta1, beta2, epsilon, biasCorrection }
    }
  }
}
