/** How long and by which steps to train. */
import type { FieldError, JobSpec, ResolvedConfig, Task } from '@trainyard/contracts'
import { chooseBatchSize } from './choose-recipe.ts'
import type { SplitSize } from './resolve-parts.ts'

const EPOCHS_DEFAULT = 100
const EPOCHS_WITH_GIVEN_BATCH_SIZE = 50
const BATCH_SIZE_WITH_GIVEN_EPOCHS = 32
const PATIENCE_DEFAULT = 10

export function resolveOptimizer(
  spec: JobSpec,
  errors: FieldError[],
): ResolvedConfig['training']['optimizer'] {
  const given = spec.training?.optimizer
  switch (given?.type) {
    case 'sgd':
      return { type: 'sgd', learning_rate: given.learning_rate ?? 0.01 }
    case 'momentum':
      return {
        type: 'momentum',
        learning_rate: given.learning_rate ?? 0.01,
        momentum: given.momentum ?? 0.9,
        nesterov: given.nesterov ?? false,
      }
    case 'rmsprop':
      return {
        type: 'rmsprop',
        learning_rate: given.learning_rate ?? 0.001,
        rho: given.rho ?? 0.99,
        epsilon: given.epsilon ?? 1e-8,
      }
    case 'adagrad':
      return { type: 'adagrad', learning_rate: given.learning_rate ?? 0.01 }
    case 'adamw': {
      const learning_rate = given.learning_rate ?? 0.001
      const weight_decay = given.weight_decay ?? 0.01
      if (learning_rate * weight_decay > 1) {
        errors.push({
          pointer: '#/training/optimizer/weight_decay',
          detail: `a weight decay of ${weight_decay} at a learning rate of ${learning_rate} takes more than the whole weight in every step; use at most ${1 / learning_rate}`,
        })
      }
      return {
        type: 'adamw',
        learning_rate,
        beta1: given.beta1 ?? 0.9,
        beta2: given.beta2 ?? 0.999,
        epsilon: given.epsilon ?? 1e-8,
        weight_decay,
      }
    }
    case 'perceptron':
      return { type: 'perceptron', learning_rate: given.learning_rate ?? 0.1 }
    default: {
      const adam = given?.type === 'adam' ? given : undefined
      return {
        type: 'adam',
        learning_rate: adam?.learning_rate ?? 0.001,
        beta1: adam?.beta1 ?? 0.9,
        beta2: adam?.beta2 ?? 0.999,
        epsilon: adam?.epsilon ?? 1e-8,
        bias_correction: adam?.bias_correction ?? true,
      }
    }
  }
}

/** null where the rate stays as it is: nothing given. */
export function resolveSchedule(spec: JobSpec): ResolvedConfig['training']['lr_schedule'] {
  const given = spec.training?.lr_schedule
  if (given == null) return null
  const warmup_epochs = given.warmup_epochs ?? 0
  if (given.type !== 'reduce_on_plateau') return { ...given, warmup_epochs }
  return {
    type: 'reduce_on_plateau',
    factor: given.factor ?? 0.5,
    patience: given.patience ?? 5,
    cooldown: given.cooldown ?? 0,
    min_lr: given.min_lr ?? 0,
    warmup_epochs,
  }
}

export function resolveRegularization(spec: JobSpec): ResolvedConfig['training']['regularization'] {
  const given = spec.training?.regularization
  return given == null ? null : { l1: given.l1 ?? 0, l2: given.l2 ?? 0 }
}

export function resolveLabelSmoothing(
  spec: JobSpec,
  loss: ResolvedConfig['training']['loss'],
  errors: FieldError[],
): number {
  const smoothing = spec.training?.label_smoothing ?? 0
  if (smoothing > 0 && loss !== 'cross_entropy' && loss !== 'binary_cross_entropy') {
    errors.push({
      pointer: '#/training/label_smoothing',
      detail: `label smoothing goes with the cross-entropies, not with ${typeof loss === 'object' ? loss.type : loss}`,
    })
  }
  return smoothing
}

export function resolveLength(
  spec: JobSpec,
  runs: readonly SplitSize[],
  task: Task,
  errors: FieldError[],
): Pick<ResolvedConfig['training'], 'batch_size' | 'epochs' | 'early_stopping'> {
  const given = spec.training
  // A batch has to fit the smallest of the trainings; the full one is that of the largest.
  const trainingRows = Math.min(...runs.map((run) => run.trainingRows))
  const fullRows = Math.max(...runs.map((run) => run.trainingRows))
  const hasValidation = runs.some((run) => run.validationRows > 0)
  const free = given?.epochs === undefined && given?.batch_size === undefined
  if (typeof given?.batch_size === 'number' && given.batch_size > trainingRows) {
    errors.push({
      pointer: '#/training/batch_size',
      detail: `${given.batch_size} is more than the ${trainingRows} training rows; use at most that, or "full"`,
    })
  }
  const stopping = given?.early_stopping
  if (stopping != null && !hasValidation && (stopping.metric ?? 'val_loss').startsWith('val_')) {
    errors.push({
      pointer: '#/training/early_stopping',
      detail: 'early stopping watches the validation part, but there is none (validation is null)',
    })
  }
  if (task === 'regression' && stopping?.metric?.endsWith('_accuracy')) {
    errors.push({
      pointer: '#/training/early_stopping/metric',
      detail: 'regression has no accuracy; watch a loss',
    })
  }
  const stops = stopping != null || (stopping === undefined && free && hasValidation)
  // The perceptron learns row by row.
  const batchSizeDefault =
    given?.optimizer?.type === 'perceptron'
      ? 1
      : free
        ? chooseBatchSize(trainingRows)
        : Math.min(BATCH_SIZE_WITH_GIVEN_EPOCHS, trainingRows)
  return {
    batch_size: given?.batch_size === 'full' ? fullRows : (given?.batch_size ?? batchSizeDefault),
    epochs: given?.epochs ?? (free ? EPOCHS_DEFAULT : EPOCHS_WITH_GIVEN_BATCH_SIZE),
    early_stopping: stops
      ? {
          metric: stopping?.metric ?? 'val_loss',
          patience: stopping?.patience ?? PATIENCE_DEFAULT,
          min_delta: stopping?.min_delta ?? 0,
        }
      : null,
  }
}

export function resolveTarget(
  spec: JobSpec,
  hasValidation: boolean,
  task: Task,
  errors: FieldError[],
): ResolvedConfig['limits']['target'] {
  const target = spec.limits?.target
  if (target === undefined) return null
  if (!hasValidation && target.metric.startsWith('val_')) {
    errors.push({
      pointer: '#/limits/target/metric',
      detail: `"${target.metric}" needs a validation part, but there is none`,
    })
  }
  if (task === 'regression' && target.metric.endsWith('_accuracy')) {
    errors.push({
      pointer: '#/limits/target/metric',
      detail: 'regression has no accuracy; use a loss',
    })
  }
  return target
}
