/**
 * From what a caller wrote to what a worker trains by: every default and every "auto" filled in from the data set's
 * schema, nothing left to be decided later. Pure: the same specification and schema resolve to the same configuration.
 */
import type { Column, FieldError, JobSpec, ResolvedConfig, Task } from '@trainyard/contracts'
import { chooseHidden } from './choose-recipe.ts'
import { DomainError } from './errors.ts'
import { findDataFaults } from './find-data-faults.ts'
import { resolveOversample } from './oversampling.ts'
import { resolveAugmentation } from './resolve-augmentation.ts'
import { resolveClassWeight } from './resolve-class-weight.ts'
import type { HeldOutSet } from './resolve-held-out-set.ts'
import {
  findInitialWeightsFaults,
  type InitialModel,
  toInitialWeights,
} from './resolve-initial-weights.ts'
import { isRegressionLoss, outputsOf, resolveLoss, resolveModel } from './resolve-model.ts'
import { resolveParts, runsOf } from './resolve-parts.ts'
import { findPerceptronFaults } from './resolve-perceptron.ts'
import { resolvePreprocessing } from './resolve-preprocessing.ts'
import {
  resolveLabelSmoothing,
  resolveLength,
  resolveOptimizer,
  resolveRegularization,
  resolveSchedule,
  resolveTarget,
} from './resolve-training.ts'
import { findUnsupported } from './supported.ts'

const CHECKPOINT_SECONDS = 10
/** One more than is needed, should the newest be damaged. */
const CHECKPOINTS_KEPT = 2

export interface DatasetFacts {
  rows: number
  columns: readonly Column[]
  target: string
  task: Task
}

export interface ResolveContext {
  dataset: DatasetFacts
  /** Inputs of the network, from the schema and the preprocessing that is resolved so far. */
  inputWidth: (preprocessing: ResolvedConfig['preprocessing']) => number
  /** The model that the specification starts from; null when it names none. */
  initialModel: InitialModel | null
  /** The data set that `validation.dataset_id` names; null when the specification names none. */
  validationSet: HeldOutSet | null
  /** The same of `test.dataset_id`. */
  testSet: HeldOutSet | null
  /** How many groups a column of the data set makes; null where that is not known for certain. Absent: of no column. */
  groupsOf?: (column: string) => number | null
  /** Used when the specification has no seed. */
  drawSeed: () => number
}

/** Throws `validation_error` with every fault at once. */
export function resolveConfig(spec: JobSpec, context: ResolveContext): ResolvedConfig {
  const errors = findUnsupported(spec)
  const { dataset } = context
  const target = dataset.columns.find((column) => column.name === dataset.target)
  const classes = target?.levels ?? null
  const task = resolveTask(spec, dataset, classes, errors)
  const preprocessing = resolvePreprocessing(spec, task, dataset.columns, errors)
  errors.push(...findDataFaults(context, preprocessing))
  const { validation, test } = resolveParts(spec, context, { task, preprocessing }, errors)
  const loss = resolveLoss(spec, task, classes, errors)
  if (loss === 'perceptron') errors.push(...findPerceptronFaults(spec, task))
  const runs = runsOf(dataset.rows, { validation, test })
  const inputs = context.inputWidth(preprocessing)
  const resolved: ResolvedConfig = {
    task,
    preprocessing,
    validation,
    test,
    model: resolveModel(
      spec,
      inputs,
      outputsOf(loss, classes),
      loss,
      chooseHidden(task, inputs, Math.min(...runs.map((run) => run.trainingRows))),
      errors,
    ),
    training: {
      loss,
      optimizer: resolveOptimizer(spec, errors),
      lr_schedule: resolveSchedule(spec),
      regularization: resolveRegularization(spec),
      ...resolveLength(spec, runs, task, errors),
      shuffle: spec.training?.shuffle ?? true,
      gradient_clip: spec.training?.gradient_clip ?? null,
      class_weight: resolveClassWeight(spec, task, classes, errors),
      oversample: resolveOversample(spec, task, errors),
      label_smoothing: resolveLabelSmoothing(spec, loss, errors),
      ...resolveAugmentation(spec, inputs, errors),
      threads: spec.training?.threads ?? 1,
    },
    initial_weights: toInitialWeights(context.initialModel),
    limits: {
      max_seconds: spec.limits?.max_seconds ?? null,
      target: resolveTarget(spec, validation !== null, task, errors),
    },
    checkpoint: {
      every_seconds: spec.checkpoint?.every_seconds ?? CHECKPOINT_SECONDS,
      keep: spec.checkpoint?.keep ?? CHECKPOINTS_KEPT,
    },
    seed: spec.seed ?? context.drawSeed(),
  }
  if (context.initialModel !== null) {
    const labels = task === 'classification' ? classes : null
    errors.push(...findInitialWeightsFaults(spec, resolved.model, labels, context.initialModel))
  }
  if (errors.length > 0) {
    throw new DomainError('validation_error', {
      detail: errors.map((error) => `${error.pointer}: ${error.detail}`).join('; '),
      errors,
    })
  }
  return resolved
}

function resolveTask(
  spec: JobSpec,
  dataset: DatasetFacts,
  classes: readonly string[] | null,
  errors: FieldError[],
): Task {
  if (spec.task === undefined || spec.task === 'auto') {
    const loss = spec.training?.loss ?? 'auto'
    const name = typeof loss === 'object' ? loss.type : loss
    const asksForNumbers = name !== 'auto' && isRegressionLoss(name)
    return asksForNumbers && isNumeric(dataset) ? 'regression' : dataset.task
  }
  if (spec.task === 'regression' && !isNumeric(dataset)) {
    errors.push({
      pointer: '#/task',
      detail: `regression needs a number to predict, but the target "${dataset.target}" is text`,
    })
  }
  if (spec.task === 'classification' && classes === null) {
    errors.push({
      pointer: '#/task',
      detail: `the target "${dataset.target}" has more distinct values than can be classes`,
    })
  }
  return spec.task
}

function isNumeric(dataset: DatasetFacts): boolean {
  return dataset.columns.find((column) => column.name === dataset.target)?.type === 'number'
}
