/** Which rows train, which validate and which test: the parts as asked for, and how many rows each has. */
import type { FieldError, JobSpec, ResolvedConfig, Task } from '@trainyard/contracts'
import type { DatasetFacts, ResolveContext } from './resolve-config.ts'
import { resolveHeldOutSet } from './resolve-held-out-set.ts'

/** Below this many rows a validation part says nothing, so all rows train. */
const VALIDATION_ROWS_MIN = 20
const VALIDATION_FRACTION = 0.2
/** One row for each part. */
const TESTED_ROWS_MIN = 3

type Parts = Pick<ResolvedConfig, 'validation' | 'test'>

export interface SplitSize {
  trainingRows: number
  validationRows: number
  testRows: number
}

export function resolveParts(
  spec: JobSpec,
  context: ResolveContext,
  resolved: Pick<ResolvedConfig, 'task' | 'preprocessing'>,
  errors: FieldError[],
): Parts {
  const { rows } = context.dataset
  // Time that runs out among the folds would leave no model, and a mean over some of them would be no mean.
  if (spec.validation != null && 'folds' in spec.validation && spec.limits?.max_seconds != null) {
    const detail =
      'does not go with folds: the final model is trained after them; limit epochs instead'
    errors.push({ pointer: '#/limits/max_seconds', detail })
  }
  const test = resolveTest(spec, context, resolved, errors)
  const validation = resolveValidation(spec, context, resolved, restOf(rows, test), errors)
  errors.push(...findPartsFaults(rows, { validation, test }))
  errors.push(...findGroupFaults({ validation, test }, context))
  return { validation, test }
}

/**
 * Rows of each training that a job runs, the one whose model is kept last. Two folds of different sizes stand for all of
 * them. The test rows are the same for all.
 */
export function runsOf(rows: number, { validation, test }: Parts): [...SplitSize[], SplitSize] {
  const rest = restOf(rows, test)
  const testRows = test !== null && 'dataset_id' in test ? test.rows : rows - rest
  const split = (validationRows: number): SplitSize => ({
    trainingRows: rest - validationRows,
    validationRows,
    testRows,
  })
  if (validation === null) return [split(0)]
  if ('dataset_id' in validation) {
    return [{ trainingRows: rest, validationRows: validation.rows, testRows }]
  }
  if ('folds' in validation) {
    const { folds } = validation
    return [split(Math.floor(rest / folds)), split(Math.ceil(rest / folds)), split(0)]
  }
  return [split(rowsOfShare(rest, rows * validation.fraction))]
}

/** Rows that are left to train and validate. */
function restOf(rows: number, test: ResolvedConfig['test']): number {
  return test !== null && 'fraction' in test ? rows - rowsOfShare(rows, rows * test.fraction) : rows
}

/** Both parts keep at least one row. */
function rowsOfShare(rows: number, wanted: number): number {
  return Math.min(rows - 1, Math.max(1, Math.round(wanted)))
}

function resolveTest(
  spec: JobSpec,
  { dataset, testSet: set }: ResolveContext,
  resolved: Pick<ResolvedConfig, 'task' | 'preprocessing'>,
  errors: FieldError[],
): ResolvedConfig['test'] {
  if (set !== null) return resolveHeldOutSet(dataset, set, resolved, errors)
  const { task } = resolved
  const { test: given, validation } = spec
  if (given == null || 'dataset_id' in given) return null
  // Groups that must not be torn between training and validation must not be torn here either.
  const inherited =
    validation != null && 'group_column' in validation ? validation.group_column : undefined
  const asked = { ...given, group_column: given.group_column ?? inherited }
  const group_column = resolveGroups(asked, '#/test', dataset, errors)
  return {
    fraction: given.fraction,
    stratify: stratifies(spec, asked, group_column, task),
    group_column,
  }
}

/** A test part beside a validation part leaves rows to train on. */
function findPartsFaults(rows: number, { validation, test }: Parts): FieldError[] {
  if (test === null || !('fraction' in test)) return []
  const pointer = '#/test/fraction'
  const held = validation !== null && 'fraction' in validation ? validation.fraction : 0
  if (test.fraction + held >= 1) {
    const detail = `${test.fraction}, and ${held} for validation, leave no row to train on; together they must be less than 1`
    return [{ pointer, detail }]
  }
  if (rows >= TESTED_ROWS_MIN) return []
  return [
    {
      pointer,
      detail: `${rows} rows are too few to test on some; use at least ${TESTED_ROWS_MIN}`,
    },
  ]
}

/** Every part needs a group of its own, as far as the number of groups is known; less shows when rows are drawn. */
function findGroupFaults(
  { validation, test }: Parts,
  { groupsOf = () => null }: ResolveContext,
): FieldError[] {
  const columnOf = (part: Parts['validation'] | Parts['test']) =>
    part !== null && 'group_column' in part ? part.group_column : null
  const [column, testColumn] = [columnOf(validation), columnOf(test)]
  const folds = validation !== null && 'folds' in validation ? validation.folds : null
  const find = (column: string | null, needed: number, pointer: string): FieldError[] => {
    const groups = column === null ? null : groupsOf(column)
    if (groups === null || groups >= needed) return []
    const detail = `"${column}" has ${groups} ${groups === 1 ? 'group' : 'groups'}; at least ${needed} are needed, one for each part`
    return [{ pointer, detail }]
  }
  // Of a fold each trains on the others; the test part takes whole groups away before.
  const needed = (folds ?? 2) + Number(column === testColumn)
  return [
    ...find(column, needed, folds === null ? '#/validation/group_column' : '#/validation/folds'),
    ...(column === testColumn ? [] : find(testColumn, 2, '#/test/group_column')),
  ]
}

function stratifies(
  spec: JobSpec,
  asked: { stratify?: boolean | undefined },
  groupColumn: string | null,
  task: Task,
): boolean {
  const isPossible =
    task === 'classification' && (spec.training?.shuffle ?? true) && groupColumn === null
  return isPossible && (asked.stratify ?? true)
}

function resolveValidation(
  spec: JobSpec,
  { dataset, validationSet: set }: ResolveContext,
  resolved: Pick<ResolvedConfig, 'task' | 'preprocessing'>,
  rest: number,
  errors: FieldError[],
): ResolvedConfig['validation'] {
  const given = spec.validation
  if (set !== null) return resolveHeldOutSet(dataset, set, resolved, errors)
  const { task } = resolved
  if (given === null || (given === undefined && dataset.rows < VALIDATION_ROWS_MIN)) return null
  if (given !== undefined && 'folds' in given)
    return resolveFolds(spec, given, dataset, task, rest, errors)
  const asked = given === undefined || 'dataset_id' in given ? {} : given
  const group_column = resolveGroups(asked, '#/validation', dataset, errors)
  return {
    fraction: asked.fraction ?? VALIDATION_FRACTION,
    stratify: stratifies(spec, asked, group_column, task),
    group_column,
  }
}

function resolveFolds(
  spec: JobSpec,
  asked: { folds: number; stratify?: boolean | undefined; group_column?: string | undefined },
  dataset: DatasetFacts,
  task: Task,
  rest: number,
  errors: FieldError[],
): ResolvedConfig['validation'] {
  const { folds } = asked
  if (folds > rest) {
    const detail = `${folds} is more than the ${rest} rows; use at most that`
    errors.push({ pointer: '#/validation/folds', detail })
  }
  const group_column = resolveGroups(asked, '#/validation', dataset, errors)
  return { folds, stratify: stratifies(spec, asked, group_column, task), group_column }
}

/** The column asked for, else the one whose role is "group". */
function resolveGroups(
  { group_column, stratify }: { group_column?: string | undefined; stratify?: boolean | undefined },
  part: '#/validation' | '#/test',
  { columns }: DatasetFacts,
  errors: FieldError[],
): string | null {
  const pointer = `${part}/group_column`
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
      pointer: `${part}/stratify`,
      detail: 'groups stay together, so the shares of classes cannot be kept as well',
    })
  }
  return group_column
}
