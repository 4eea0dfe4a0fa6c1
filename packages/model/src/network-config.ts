import type { Architecture, ResolvedConfig } from '@trainyard/contracts'
import type { Augmentation, RowOperation, ScheduleConfig, TrainingOptions } from '@trainyard/engine'
import {
  type InitializerConfig,
  type LayerConfig,
  type NetworkConfig,
  type OptimizerConfig,
  resolveInitializer,
} from '@trainyard/engine/plan'

type InitializerSpec = ResolvedConfig['model']['output']['initializer']

/** What of a resolved specification decides the network. */
export interface NetworkChoices {
  model: Omit<ResolvedConfig['model'], 'output'> & {
    output: Pick<ResolvedConfig['model']['output'], 'units' | 'initializer'>
  }
  training: Pick<ResolvedConfig['training'], 'loss' | 'label_smoothing'>
}

/** The engine's network for a resolved specification. The output layer is linear: the loss holds softmax, sigmoid or step. */
export function toNetworkConfig({ model, training }: NetworkChoices): NetworkConfig {
  return {
    inputs: model.inputs,
    layers: [
      ...model.hidden.map((layer) => {
        const { units, activation, batch_norm: batchNorm, dropout } = layer
        const initializer = toInitializer(layer.initializer, activation)
        return { units, activation, initializer, batchNorm, dropout }
      }),
      {
        units: model.output.units,
        activation: 'linear' as const,
        initializer: toInitializer(model.output.initializer, 'linear'),
      },
    ],
    inputDropout: model.input_dropout,
    ...toLoss(training.loss),
    labelSmoothing: training.label_smoothing,
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
    schedule: training.lr_schedule === null ? null : toSchedule(training.lr_schedule),
    regularization: training.regularization,
    gradientClip: training.gradient_clip,
    augmentation: toAugmentation(training),
    classWeights: training.class_weight,
    earlyStopping:
      stopping === null
        ? null
        : { metric: stopping.metric, patience: stopping.patience, minDelta: stopping.min_delta },
  }
}

/** With more, what each thread copies for itself outweighs what it computes. */
const AUTO_THREADS_MAX = 8

/** Most threads that a job may train with at once, whatever the cores of its worker. */
export function threadsMax({ training }: ResolvedConfig): number {
  return training.threads === 'auto' ? AUTO_THREADS_MAX : training.threads
}

/** The network that a trained architecture describes, as far as prediction needs it. */
export function toInferenceConfig(
  architecture: Architecture,
): Pick<NetworkConfig, 'inputs' | 'layers'> {
  const initializer = { type: 'zeros' } as const
  return {
    inputs: architecture.inputs,
    layers: [
      ...architecture.hidden.map(({ units, activation, batch_norm: batchNorm }) => ({
        units,
        activation,
        initializer,
        batchNorm,
      })),
      { units: architecture.outputs, activation: 'linear', initializer },
    ],
  }
}

/** What the engine does to the rows of every epoch; null for nothing. */
export function toAugmentation({
  augmentation,
  image,
}: ResolvedConfig['training']): Augmentation | null {
  if (augmentation === null) return null
  const operations = augmentation.flatMap((entry): RowOperation[] => {
    if (entry.type === 'mixup') return []
    return [entry.type === 'feature_drop' ? { type: entry.type, rate: entry.p } : entry]
  })
  const mixup = augmentation.find((entry) => entry.type === 'mixup')
  return { operations, image, mixup: mixup?.alpha ?? null }
}

function toSchedule(
  schedule: NonNullable<ResolvedConfig['training']['lr_schedule']>,
): ScheduleConfig {
  const { warmup_epochs: warmupEpochs } = schedule
  switch (schedule.type) {
    case 'constant':
    case 'cosine':
    case 'linear':
      return { type: schedule.type, warmupEpochs }
    case 'step': {
      const { every_epochs: everyEpochs, factor } = schedule
      return { type: 'step', everyEpochs, factor, warmupEpochs }
    }
    case 'exponential':
    case 'per_step':
      return { type: schedule.type, factor: schedule.factor, warmupEpochs }
    case 'inverse_time':
      return { type: 'inverse_time', decay: schedule.decay, warmupEpochs }
    case 'reduce_on_plateau': {
      const { factor, patience, cooldown, min_lr: minLearningRate } = schedule
      const { type } = schedule
      return { type, factor, patience, cooldown, minLearningRate, warmupEpochs }
    }
  }
}

function toLoss(
  loss: ResolvedConfig['training']['loss'],
): Pick<NetworkConfig, 'loss' | 'huberDelta'> {
  return typeof loss === 'object' ? { loss: loss.type, huberDelta: loss.delta } : { loss }
}

function toInitializer(
  spec: InitializerSpec,
  activation: LayerConfig['activation'],
): InitializerConfig {
  if (typeof spec === 'object') return spec
  if (spec === 'auto') return resolveInitializer(activation)
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
    case 'rmsprop': {
      const { rho, epsilon } = optimizer
      return { type: 'rmsprop', learningRate, rho, epsilon }
    }
    case 'adagrad':
    case 'perceptron':
      return { type: optimizer.type, learningRate }
    case 'adam': {
      const { beta1, beta2, epsilon, bias_correction: biasCorrection } = optimizer
      return { type: 'adam', learningRate, beta1, beta2, epsilon, biasCorrection }
    }
    case 'adamw': {
      const { beta1, beta2, epsilon, weight_decay: weightDecay } = optimizer
      const moments = { beta1, beta2, epsilon, biasCorrection: true }
      return { type: 'adamw', learningRate, ...moments, weightDecay }
    }
  }
}
