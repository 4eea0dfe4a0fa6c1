/**
 * From what a caller wrote to what a worker trains by: every default and every "auto" filled in from the data set's
 * schema, nothing left to be decided later. Pure: the same specification and schema resolve to the same configuration.
 */
import type { Column, FieldError, JobSpec, ResolvedConfig, Task } from '@trainyard/contracts'
import { chooseHidden } from './choose-recipe.ts'
import { DomainError } from './errors.ts'
import { resolveClassWeight } from './resolve-class-weight.ts'
import { isRegressionLoss, outputsOf, resolveLoss, resolveModel } from './resolve-model.ts'
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

/** Below this many rows a validation part says nothing, so all rows train. */
const VALIDATION_ROWS_MIN = 20

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
  const validation = resolveValidation(spec, dataset, task, errors)
  const loss = resolveLoss(spec, task, classes, errors)
  const trainingRows =
    validation === null ? dataset.rows : trainingRowsOf(dataset.rows, validation.fraction)
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
      chooseHidden(task, inputs, trainingRows),
      errors,
    ),
    training: {
      loss,
      optimizer: resolveOptimizer(spec, errors),
      lr_schedule: resolveSchedule(spec),
      regularization: resolveRegularization(spec),
      ...resolveLength(spec, trainingRows, validation !== null, task, errors),
      shuffle: spec.training?.shuffle ?? true,
      gradient_clip: spec.training?.gradient_clip ?? null,
      class_weight: resolveClassWeight(spec, task, classes, errors),
      label_smoothing: resolveLabelSmoothing(spec, loss, errors),
      threads: spec.training?.threads ?? 1,
    },
    limits: {
      max_seconds: spec.limits?.max_seconds ?? null,
      target: resolveTarget(spec, validation !== null, task, errors),
    },
    seed: spec.seed ?? context.drawSeed(),
  }
  if (errors.length > 0) {
    throw new DomainError('validation_error', {
      detail: errors.map((error) => `${error.pointer}: ${error.detail}`).join('; '),
      errors,
    })
  }
  return resolved
}

/** Rows that train when `fraction` of them validates; both parts keep at least one row. */
export function trainingRowsOf(rows: number, fraction: number): number {
  return rows - Math.min(rows - 1, Math.max(1, Math.round(rows * fraction)))
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
  dataset: DatasetFacts,
  task: Task,
  errors: FieldError[],
): ResolvedConfig['validation'] {
  const given = spec.validation
  if (given === null || (given === undefined && dataset.rows < VALIDATION_ROWS_MIN)) return null
  const asked = given === undefined || 'dataset_id' in given || 'folds' in given ? {} : given
  const group_column = resolveGroups(asked, dataset, errors)
  const canStratify =
    task === 'classification' && (spec.training?.shuffle ?? true) && group_column === null
  return {
    fraction: asked.fraction ?? 0.2,
    stratify: canStratify && (asked.stratify ?? true),
    group_column,
  }
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
