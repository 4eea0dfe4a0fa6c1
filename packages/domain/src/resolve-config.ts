/**
 * From what a caller wrote to what a worker trains by: every default and every "auto" filled in from the data set's
 * schema, nothing left to be decided later. Pure: the same specification and schema resolve to the same configuration.
 */
import type { Column, FieldError, JobSpec, ResolvedConfig, Task } from '@trainyard/contracts'
import { chooseHidden } from './choose-recipe.ts'
import { DomainError } from './errors.ts'
import { resolveOversample } from './oversampling.ts'
import { resolveAugmentation } from './resolve-augmentation.ts'
import { resolveClassWeight } from './resolve-class-weight.ts'
import {
  findInitialWeightsFaults,
  type InitialModel,
  toInitialWeights,
} from './resolve-initial-weights.ts'
import { isRegressionLoss, outputsOf, resolveLoss, resolveModel } from './resolve-model.ts'
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
import { resolveValidationSet, type ValidationSet } from './resolve-validation-set.ts'
import { findUnsupported } from './supported.ts'

/** Below this many rows a validation part says nothing, so all rows train. */
const VALIDATION_ROWS_MIN = 20
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
  validationSet: ValidationSet | null
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
  const validation = resolveValidation(spec, context, task, errors)
  const loss = resolveLoss(spec, task, classes, errors)
  if (loss === 'perceptron') errors.push(...findPerceptronFaults(spec, task))
  const runs = runsOf(dataset.rows, validation)
  const inputs = context.inputWidth(preprocessing)
  const resolved: ResolvedConfig = {
    task,
    preprocessing,
    validation,
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

/**
 * Training and validation rows of each training that a job runs, the one whose model is kept last. Two folds of different
 * sizes stand for all of them.
 */
export function runsOf(
  rows: number,
  validation: ResolvedConfig['validation'],
): [...SplitSize[], SplitSize] {
  const split = (validationRows: number): SplitSize => ({
    trainingRows: rows - validationRows,
    validationRows,
  })
  if (validation === null) return [split(0)]
  if ('dataset_id' in validation) return [{ trainingRows: rows, validationRows: validation.rows }]
  if ('folds' in validation) {
    const { folds } = validation
    return [split(Math.floor(rows / folds)), split(Math.ceil(rows / folds)), split(0)]
  }
  // Both parts keep at least one row.
  return [split(Math.min(rows - 1, Math.max(1, Math.round(rows * validation.fraction))))]
}

export interface SplitSize {
  trainingRows: number
  validationRows: number
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

function resolveValidation(
  spec: JobSpec,
  { dataset, validationSet: set }: ResolveContext,
  task: Task,
  errors: FieldError[],
): ResolvedConfig['validation'] {
  const given = spec.validation
  if (set !== null) return resolveValidationSet(dataset, set, task, errors)
  if (given === null || (given === undefined && dataset.rows < VALIDATION_ROWS_MIN)) return null
  if (given !== undefined && 'folds' in given)
    return resolveFolds(spec, given, dataset, task, errors)
  const asked = given === undefined || 'dataset_id' in given ? {} : given
  const group_column = resolveGroups(asked, dataset, errors)
  const canStratify =
    task === 'classification' && (spec.training?.shuffle ?? true) && group_column === null
  return {
    fraction: asked.fraction ?? 0.2,
    stratify: canStratify && (asked.stratify ?? true),
    group_column,
  }
}

function resolveFolds(
  spec: JobSpec,
  asked: { folds: number; stratify?: boolean | undefined; group_column?: string | undefined },
  dataset: DatasetFacts,
  task: Task,
  errors: FieldError[],
): ResolvedConfig['validation'] {
  const { folds, stratify } = asked
  if (folds > dataset.rows) {
    const detail = `${folds} is more than the ${dataset.rows} rows; use at most that`
    errors.push({ pointer: '#/validation/folds', detail })
  }
  const group_column = resolveGroups(asked, dataset, errors)
  const canStratify =
    task === 'classification' && (spec.training?.shuffle ?? true) && group_column === null
  return { folds, stratify: canStratify && (stratify ?? true), group_column }
}

/** The column asked for, else the one whose role is "group". */
function resolveGroups(
  { group_column, stratify }: { group_column?: string | undefined; stratify?: boolean | undefined },
  { columns }: DatasetFacts,
  errors: FieldError[],
): string | null {
  const pointer = '#/validation/group_column'
  if (group_column === undefined) {
    return columns.find(({ role }) => role === 'group')?.name ?? null
  }
  const column = columns.find(({ name }) => name === group_column)
  if (column === undefined) {
    errors.push({ pointer, detail: `the data set has no column "${group_column}"` })
  } else if (column.role === 'ignored') {
    errors.push({ pointer, detail: `"${group_column}" is ignored; give it the role "group"` })
  }
  if (stratify) {
    errors.push({
      pointer: '#/validation/stratify',
      detail: 'groups stay together, so the shares of classes cannot be kept as well',
    })
  }
  return group_column
}
