/** The loss, and the network that goes with it. */
import type {
  FieldError,
  HiddenLayerSpec,
  JobSpec,
  ResolvedConfig,
  Task,
} from '@trainyard/contracts'

const HUBER_DELTA_DEFAULT = 1

type Loss = ResolvedConfig['training']['loss']
type LossName = Extract<Loss, string> | 'huber'

export function resolveLoss(
  spec: JobSpec,
  task: Task,
  classes: readonly string[] | null,
  errors: FieldError[],
): Loss {
  const given = spec.training?.loss
  const name = typeof given === 'object' ? given.type : given
  const binary = classes !== null && classes.length === 2
  const inferred = task === 'regression' ? 'mse' : binary ? 'binary_cross_entropy' : 'cross_entropy'
  if (name === undefined || name === 'auto') return inferred
  if (isRegressionLoss(name) !== (task === 'regression')) {
    errors.push({
      pointer: '#/training/loss',
      detail: `"${name}" does not fit ${task} of ${describeTarget(classes)}; use "${inferred}" or leave it out`,
    })
    return inferred
  }
  if (name === 'binary_cross_entropy' && !binary) {
    errors.push({
      pointer: '#/training/loss',
      detail: `binary_cross_entropy needs exactly 2 classes, the target has ${classes?.length ?? 0}`,
    })
    return inferred
  }
  if (name !== 'huber') return name
  return {
    type: 'huber',
    delta: (typeof given === 'object' ? given.delta : undefined) ?? HUBER_DELTA_DEFAULT,
  }
}

/** Whether a loss is about numbers and not about classes. */
export function isRegressionLoss(name: LossName): boolean {
  return name === 'mse' || name === 'mae' || name === 'huber'
}

export function outputsOf(loss: Loss, classes: readonly string[] | null): number {
  return loss === 'cross_entropy' || loss === 'hinge' ? (classes?.length ?? 1) : 1
}

export function resolveModel(
  spec: JobSpec,
  inputs: number,
  outputs: number,
  loss: Loss,
  hiddenDefault: readonly HiddenLayerSpec[],
  errors: FieldError[],
): ResolvedConfig['model'] {
  const activation =
    loss === 'cross_entropy' ? 'softmax' : loss === 'binary_cross_entropy' ? 'sigmoid' : 'linear'
  const given = spec.model === undefined || spec.model === 'auto' ? null : spec.model
  const output = given?.output === undefined || given.output === 'auto' ? null : given.output
  if (
    output?.activation !== undefined &&
    output.activation !== 'step' &&
    output.activation !== activation
  ) {
    errors.push({
      pointer: '#/model/output/activation',
      detail: `"${output.activation}" does not go with the loss ${typeof loss === 'object' ? loss.type : loss}, whose output is "${activation}"`,
    })
  }
  const hidden = given?.hidden ?? hiddenDefault
  return {
    inputs,
    hidden: hidden.map((layer) => ({
      units: layer.units,
      activation: layer.activation ?? 'relu',
      initializer: layer.initializer ?? 'auto',
      batch_norm: layer.batch_norm ?? false,
      dropout: layer.dropout ?? 0,
    })),
    input_dropout: given?.input_dropout ?? 0,
    output: { units: outputs, activation, initializer: output?.initializer ?? 'auto' },
  }
}

function describeTarget(classes: readonly string[] | null): string {
  return classes === null ? 'a number' : `${classes.length} classes`
}
