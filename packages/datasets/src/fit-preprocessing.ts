import type {
  Column,
  ColumnTransform,
  Preprocessing,
  ResolvedConfig,
  Task,
} from '@trainyard/contracts'
import { momentsOf, mostFrequentOf, quantileOf } from './column-statistics.ts'
import { DataError, quoteCell } from './data-error.ts'
import { DATE_INPUTS, yearOf } from './dates.ts'
import type { CategoryColumn, NumericColumn, Table } from './table.ts'

export type PreprocessingConfig = ResolvedConfig['preprocessing']

export interface FitInput {
  table: Table
  columns: readonly Column[]
  target: string
  task: Task
  /** The training rows: nothing else is looked at, so that validation stays unseen. */
  rows: Uint32Array
  config: PreprocessingConfig
}

/** Inputs of the network, known from the schema alone. Throws DataError when a column has more levels than allowed. */
export function inputWidth(columns: readonly Column[], config: PreprocessingConfig): number {
  assertLevels(columns, config)
  return columns.filter(isFeature).reduce((width, column) => width + columnWidth(column), 0)
}

function columnWidth({ type, levels }: Column): number {
  if (type === 'date') return DATE_INPUTS
  return type === 'category' ? (levels?.length ?? 0) : 1
}

/** Fits how each feature becomes inputs, in data-set order, and how the target of a regression is scaled. */
export function fitPreprocessing(input: FitInput): Preprocessing {
  const { table, columns, target, task, rows, config } = input
  assertLevels(columns, config)
  const transforms = columns.filter(isFeature).map(({ name }): ColumnTransform => {
    const column = table.columns.get(name)
    if (column === undefined) throw new Error(`The table lacks its column ${quoteCell(name)}`)
    if (column.type === 'category') return fitOneHot(name, column, rows, config)
    const values = presentValues(column, rows)
    return column.type === 'date'
      ? fitDate(name, values, config)
      : fitNumeric(name, column.type, values, config)
  })
  return {
    columns: transforms,
    target: task === 'regression' ? fitTarget(table, target, rows, config) : null,
  }
}

function isFeature(column: Column): boolean {
  return column.role === 'feature'
}

function assertLevels(columns: readonly Column[], config: PreprocessingConfig): void {
  const faults = columns
    .filter((column) => isFeature(column) && (column.levels?.length ?? 0) > config.max_levels)
    .map(({ name, levels }) => ({
      detail: `Column ${quoteCell(name)} has ${levels?.length} levels; at most ${config.max_levels} are encoded. Ignore the column or raise max_levels`,
      column: name,
    }))
  if (faults.length > 0) throw new DataError(faults)
}

function fitNumeric(
  name: string,
  type: 'number' | 'boolean',
  values: Float64Array,
  config: PreprocessingConfig,
): ColumnTransform {
  const missing = missingValue(values, config.missing)
  const { center, scale } =
    type === 'boolean' ? { center: 0, scale: 1 } : fitScale(values, config.numeric)
  return { kind: 'numeric', column: name, type, missing, center, scale }
}

/** A constant for numbers says nothing of dates: a missing one is then all zeros, and so is one where there are none. */
function fitDate(name: string, values: Float64Array, config: PreprocessingConfig): ColumnTransform {
  const { missing } = config
  const hasStandIn = typeof missing !== 'object' && values.length > 0
  return {
    kind: 'date',
    column: name,
    missing: hasStandIn ? missingValue(values, missing) : null,
    missing_error: missing === 'error',
    ...fitScale(values.map(yearOf), config.numeric),
  }
}

function missingValue(values: Float64Array, rule: PreprocessingConfig['missing']): number | null {
  if (typeof rule === 'object') return rule.constant
  switch (rule) {
    case 'mean':
      return momentsOf(values).mean
    case 'median':
      return quantileOf(values.toSorted(), 0.5)
    case 'most_frequent':
      return mostFrequentOf(values.toSorted())
    case 'error':
      return null
  }
}

function fitScale(
  values: Float64Array,
  rule: PreprocessingConfig['numeric'],
): { center: number; scale: number } {
  switch (rule) {
    case 'none':
      return { center: 0, scale: 1 }
    case 'standardize': {
      const { mean, std } = momentsOf(values)
      return { center: mean, scale: usableScale(std) }
    }
    case 'min_max': {
      const sorted = values.toSorted()
      const min = sorted[0] ?? 0
      return { center: min, scale: usableScale((sorted.at(-1) ?? 0) - min) }
    }
    case 'robust': {
      const sorted = values.toSorted()
      const spread = quantileOf(sorted, 0.75) - quantileOf(sorted, 0.25)
      return { center: quantileOf(sorted, 0.5), scale: usableScale(spread) }
    }
  }
}

/** A constant column becomes 0 everywhere instead of dividing by zero. */
function usableScale(scale: number): number {
  return scale > 0 && Number.isFinite(scale) ? scale : 1
}

function fitOneHot(
  name: string,
  column: CategoryColumn,
  rows: Uint32Array,
  config: PreprocessingConfig,
): ColumnTransform {
  return {
    kind: 'one_hot',
    column: name,
    levels: [...column.levels],
    unseen: config.unseen_category,
    missing: config.missing === 'most_frequent' ? mostFrequentLevel(column, rows) : null,
    missing_error: config.missing === 'error',
  }
}

function mostFrequentLevel({ codes, levels }: CategoryColumn, rows: Uint32Array): string | null {
  const counts = new Float64Array(levels.length)
  for (const row of rows) {
    const code = codes[row] ?? -1
    if (code >= 0) counts[code] = (counts[code] ?? 0) + 1
  }
  const most = counts.reduce((a, b) => Math.max(a, b), 0)
  return most === 0 ? null : (levels[counts.indexOf(most)] ?? null)
}

function fitTarget(
  table: Table,
  target: string,
  rows: Uint32Array,
  config: PreprocessingConfig,
): { center: number; scale: number } {
  const column = table.columns.get(target)
  if (column === undefined || column.type === 'category') {
    throw new DataError([
      {
        detail: `The target ${quoteCell(target)} is text; regression needs a number`,
        column: target,
      },
    ])
  }
  return fitScale(presentValues(column, rows), config.target)
}

function presentValues({ values }: NumericColumn, rows: Uint32Array): Float64Array {
  const present = new Float64Array(rows.length)
  let n = 0
  for (const row of rows) {
    const value = values[row] ?? Number.NaN
    if (!Number.isNaN(value)) present[n++] = value
  }
  return present.subarray(0, n)
}
