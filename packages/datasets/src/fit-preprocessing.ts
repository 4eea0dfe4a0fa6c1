import type {
  Column,
  ColumnTransform,
  Preprocessing,
  ResolvedConfig,
  Task,
} from '@trainyard/contracts'
import { momentsOf, mostFrequentOf, quantileOf } from './column-statistics.ts'
import { DataError, type DataFault, quoteCell } from './data-error.ts'
import { log1p } from './encode-columns.ts'
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

/** What applies to one column: the rules for all, but where it has its own. */
type ColumnRules = Pick<PreprocessingConfig, 'numeric' | 'unseen_category' | 'max_levels'> & {
  missing: 'mean' | 'median' | 'most_frequent' | 'error' | { constant: number | string }
  log1p: boolean
  /** The levels of an ordinal column from the lowest to the highest; null: one input for each. */
  order: readonly string[] | null
  indicator: boolean
}

/** Inputs of the network, known from the schema alone. Throws DataError when a column has more levels than allowed. */
export function inputWidth(columns: readonly Column[], config: PreprocessingConfig): number {
  assertLevels(columns, config)
  return columns.filter(isFeature).reduce((width, column) => {
    const { order, indicator, ...rules } = rulesOf(column, config)
    const isOneHot = column.type === 'category' && order === null
    return width + (isOneHot ? oneHotWidth(column, rules) : 1) + Number(indicator)
  }, 0)
}

/** Fits how each feature becomes inputs, in data-set order, and how the target of a regression is scaled. */
export function fitPreprocessing(input: FitInput): Preprocessing {
  const { table, columns, target, task, rows, config } = input
  assertLevels(columns, config)
  const transforms = columns.filter(isFeature).map((schema): ColumnTransform => {
    const { name } = schema
    const rules = rulesOf(schema, config)
    const column = table.columns.get(name)
    if (column === undefined) throw new Error(`The table lacks its column ${quoteCell(name)}`)
    if (column.type !== 'category') return fitNumeric(name, column, rows, rules)
    return rules.order === null
      ? fitOneHot(name, column, rows, rules)
      : fitOrdinal(name, column, rules.order, rows, rules)
  })
  return {
    columns: transforms,
    target: task === 'regression' ? fitTarget(table, target, rows, config) : null,
  }
}

export function isFeature(column: Column): boolean {
  return column.role === 'feature'
}

function rulesOf(column: Column, config: PreprocessingConfig): ColumnRules {
  const own = Object.hasOwn(config.columns, column.name) ? config.columns[column.name] : undefined
  return {
    numeric: own?.numeric ?? config.numeric,
    unseen_category: config.unseen_category,
    max_levels: config.max_levels,
    // Rows that lack a value are left out of training; a record to be predicted cannot be.
    missing: own?.missing ?? (config.missing === 'drop_row' ? 'mean' : config.missing),
    log1p: own?.log1p ?? false,
    order: own?.encoding === 'ordinal' ? (own.order ?? column.levels ?? []) : null,
    indicator: config.missing_indicators && column.missing > 0,
  }
}

/** With an input for all others there is no limit: the levels beyond it share that one. */
function assertLevels(columns: readonly Column[], config: PreprocessingConfig): void {
  const faults = columns.filter(isFeature).flatMap((column): DataFault[] => {
    const { unseen_category, max_levels, order } = rulesOf(column, config)
    const levels = column.levels?.length ?? 0
    if (levels <= max_levels || unseen_category === 'other' || order !== null) return []
    const { name } = column
    const detail = `Column ${quoteCell(name)} has ${levels} levels; at most ${max_levels} are encoded. Ignore the column, raise max_levels or set unseen_category to "other"`
    return [{ detail, column: name }]
  })
  if (faults.length > 0) throw new DataError(faults)
}

function fitNumeric(
  name: string,
  column: NumericColumn,
  rows: Uint32Array,
  rules: ColumnRules,
): ColumnTransform {
  const values = presentValues(column, rows)
  const missing = missingNumber(values, rules.missing)
  if (rules.log1p) assertAboveMinusOne(name, values)
  const { center, scale } =
    column.type === 'boolean'
      ? { center: 0, scale: 1 }
      : fitScale(rules.log1p ? values.map(log1p) : values, rules.numeric)
  const { log1p: isLogarithmic, indicator } = rules
  const { type } = column
  return {
    kind: 'numeric',
    column: name,
    type,
    missing,
    log1p: isLogarithmic,
    center,
    scale,
    indicator,
  }
}

function assertAboveMinusOne(name: string, values: Float64Array): void {
  const bad = values.find((value) => value <= -1)
  if (bad === undefined) return
  const detail = `Column ${quoteCell(name)} holds ${bad}; log1p is defined above -1`
  throw new DataError([{ detail, column: name }])
}

function missingNumber(values: Float64Array, rule: ColumnRules['missing']): number | null {
  if (typeof rule === 'object') return Number(rule.constant)
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

function oneHotWidth(
  { levels }: Pick<Column, 'levels'>,
  { unseen_category, max_levels }: Pick<ColumnRules, 'unseen_category' | 'max_levels'>,
): number {
  const count = levels?.length ?? 0
  return unseen_category === 'other' ? Math.min(count, max_levels) + 1 : count
}

/**
 * The input for all others is of use only if training rows have some: if none has, it was never trained, and an unseen
 * level is all zeros.
 */
function fitOneHot(
  name: string,
  column: CategoryColumn,
  rows: Uint32Array,
  rules: ColumnRules,
): ColumnTransform {
  const counts = countLevels(column, rows)
  const hasOther = rules.unseen_category === 'other'
  const kept = hasOther ? mostFrequentLevels(counts, rules.max_levels) : [...counts.keys()]
  const isKept = new Set(kept)
  const isOtherTrained = counts.some((count, level) => count > 0 && !isKept.has(level))
  return {
    kind: 'one_hot',
    column: name,
    levels: kept.map((level) => column.levels[level] ?? ''),
    untrained: kept
      .filter((level) => counts[level] === 0)
      .map((level) => column.levels[level] ?? ''),
    other: hasOther,
    unseen: hasOther && !isOtherTrained ? 'zero' : rules.unseen_category,
    missing: missingLevel(column, counts, rules.missing),
    missing_error: rules.missing === 'error',
    indicator: rules.indicator,
  }
}

function fitOrdinal(
  name: string,
  column: CategoryColumn,
  order: readonly string[],
  rows: Uint32Array,
  rules: ColumnRules,
): ColumnTransform {
  const indexOf = new Map(order.map((level, i) => [level, i]))
  const toIndex = column.levels.map((level) => indexOf.get(level) ?? Number.NaN)
  const indices = Float64Array.from(rows, (row) => toIndex[column.codes[row] ?? -1] ?? Number.NaN)
  const present = indices.filter((index) => !Number.isNaN(index))
  const { missing } = rules
  const standIn =
    typeof missing === 'object'
      ? (indexOf.get(String(missing.constant)) ?? 0)
      : missingNumber(present, missing)
  return {
    kind: 'ordinal',
    column: name,
    levels: [...order],
    missing: standIn,
    unseen: rules.unseen_category === 'error' ? 'error' : 'missing',
    ...fitScale(present, rules.numeric),
    indicator: rules.indicator,
  }
}

/** The level that stands in for a missing one; mean and median have no meaning here: all zeros say "missing". */
function missingLevel(
  { levels }: CategoryColumn,
  counts: readonly number[],
  rule: ColumnRules['missing'],
): string | null {
  if (typeof rule === 'object') {
    return typeof rule.constant === 'string' ? rule.constant : null
  }
  if (rule !== 'most_frequent') return null
  const [most] = mostFrequentLevels(counts, 1)
  return most === undefined || counts[most] === 0 ? null : (levels[most] ?? null)
}

/** In the order of the levels; of equally frequent ones the first. */
function mostFrequentLevels(counts: readonly number[], count: number): number[] {
  return [...counts.keys()]
    .sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || a - b)
    .slice(0, count)
    .sort((a, b) => a - b)
}

function countLevels({ codes, levels }: CategoryColumn, rows: Uint32Array): number[] {
  const counts = new Array<number>(levels.length).fill(0)
  for (const row of rows) {
    const code = codes[row] ?? -1
    if (code >= 0) counts[code] = (counts[code] ?? 0) + 1
  }
  return counts
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
