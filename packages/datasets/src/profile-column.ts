import type { Column, ProfileColumn } from '@trainyard/contracts'
import {
  correlationRatio,
  countPairs,
  countUpTo,
  cramersV,
  pearson,
  rocArea,
  ruleFigure,
} from './association.ts'
import { quantileOf } from './column-statistics.ts'
import type { TableColumn } from './table.ts'

/** What columns are compared with: the classes of the examined rows, or their values. */
export type TargetFacts =
  | { kind: 'classes'; classes: Int32Array; count: number }
  | { kind: 'values'; values: Float64Array }

const HISTOGRAM_BINS = 20
const TOP_LEVELS = 10
/** Groups of equal size that a number is cut into to be a rule for several classes. */
const RULE_BINS = 64
/** A table of levels by classes stays within a few megabytes; columns of more levels are compared with nothing. */
const COMPARED_LEVELS_MAX = 1024
/** Below this many rows a level its mean is no rule: levels of single rows explain everything. */
const ROWS_PER_LEVEL_MIN = 5

/** Everything of a column but what the data set knows already. `values` are of the examined rows; null when not loaded. */
export function profileColumn(
  column: Column,
  values: TableColumn | null,
  rows: number,
  target: TargetFacts,
): ProfileColumn {
  const { levels: _, ...known } = column
  const profile: ProfileColumn = {
    ...known,
    missing_share: rows === 0 ? 0 : column.missing / rows,
    distinct: null,
    is_whole: null,
    quantiles: null,
    histogram: null,
    top_levels: null,
    association: null,
    predicts_alone: null,
  }
  if (values === null) return profile
  const sorted = values.type === 'category' ? new Float64Array() : sortPresent(values.values)
  if (values.type === 'category')
    Object.assign(profile, describeLevels(values.codes, values.levels))
  else {
    profile.distinct = countDistinct(sorted)
    if (values.type === 'number' && sorted.length > 0)
      Object.assign(profile, describeNumbers(sorted))
    if (values.type === 'boolean') {
      const codes = Int32Array.from(values.values, (value) => (Number.isNaN(value) ? -1 : value))
      Object.assign(profile, describeLevels(codes, ['false', 'true']))
    }
  }
  return column.role === 'feature' ? { ...profile, ...compare(values, sorted, target) } : profile
}

/** The values that are not NaN, ascending. */
function sortPresent(values: Float64Array): Float64Array {
  const present = new Float64Array(values.length)
  let count = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN
    if (Number.isNaN(value)) continue
    present[count] = value
    count += 1
  }
  return present.subarray(0, count).sort()
}

function describeLevels(
  codes: Int32Array,
  levels: readonly string[],
): Pick<ProfileColumn, 'distinct' | 'top_levels'> {
  // The levels of a column that has too many were not read.
  if (levels.length === 0) return { distinct: null, top_levels: null }
  const counts = new Uint32Array(levels.length)
  for (const code of codes) if (code >= 0) counts[code] = (counts[code] ?? 0) + 1
  const present = [...counts.keys()].filter((code) => counts[code] !== 0)
  const top = present.sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || a - b)
  return {
    distinct: present.length,
    top_levels: top
      .slice(0, TOP_LEVELS)
      .map((code) => ({ level: levels[code] ?? '', count: counts[code] ?? 0 })),
  }
}

function describeNumbers(
  sorted: Float64Array,
): Pick<ProfileColumn, 'is_whole' | 'quantiles' | 'histogram'> {
  const is_whole = sorted.every(Number.isInteger)
  const quantile = (q: number) => quantileOf(sorted, q)
  const quantiles = {
    p05: quantile(0.05),
    p25: quantile(0.25),
    p50: quantile(0.5),
    p75: quantile(0.75),
    p95: quantile(0.95),
  }
  const from = sorted[0] ?? 0
  const to = sorted.at(-1) ?? 0
  const width = to - from
  if (!Number.isFinite(width)) return { is_whole, quantiles, histogram: null }
  const counts = Array<number>(HISTOGRAM_BINS).fill(0)
  for (const value of sorted) {
    const share = width === 0 ? 0 : (value - from) / width
    const bin = Math.min(HISTOGRAM_BINS - 1, Math.floor(share * HISTOGRAM_BINS))
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  return { is_whole, quantiles, histogram: { from, to, counts } }
}

function countDistinct(sorted: Float64Array): number {
  let distinct = 0
  for (let i = 0; i < sorted.length; i++) {
    if (i === 0 || sorted[i] !== sorted[i - 1]) distinct += 1
  }
  return distinct
}

type Comparison = Pick<ProfileColumn, 'association' | 'predicts_alone'>

/** `sorted` are the present values of a column of numbers. */
function compare(column: TableColumn, sorted: Float64Array, target: TargetFacts): Comparison {
  if (column.type === 'category' && column.levels.length > COMPARED_LEVELS_MAX) {
    return { association: null, predicts_alone: null }
  }
  return target.kind === 'classes'
    ? compareWithClasses(column, sorted, target)
    : compareWithValues(column, target.values)
}

function compareWithClasses(
  column: TableColumn,
  sorted: Float64Array,
  { classes, count }: Extract<TargetFacts, { kind: 'classes' }>,
): Comparison {
  if (column.type === 'category') {
    const pairs = countPairs(column.codes, column.levels.length, classes, count)
    return {
      association: toAssociation('cramers_v', cramersV(pairs)),
      predicts_alone: toFigure('rule', ruleFigure(pairs)),
    }
  }
  const { values } = column
  const association = toAssociation('correlation_ratio', correlationRatio(values, classes, count))
  if (column.type !== 'boolean' && count === 2) {
    return { association, predicts_alone: toFigure('auc', rocArea(values, sorted, classes)) }
  }
  const pairs = countPairs(toBins(values, sorted), RULE_BINS, classes, count)
  return { association, predicts_alone: toFigure('rule', ruleFigure(pairs)) }
}

function compareWithValues(column: TableColumn, target: Float64Array): Comparison {
  if (column.type !== 'category') {
    const value = pearson(column.values, target)
    return {
      association: toAssociation('pearson', value),
      predicts_alone: toFigure('correlation', value === null ? null : Math.abs(value)),
    }
  }
  const value = correlationRatio(target, column.codes, column.levels.length)
  const isSupported = target.length >= ROWS_PER_LEVEL_MIN * column.levels.length
  return {
    association: toAssociation('correlation_ratio', value),
    predicts_alone: isSupported ? toFigure('correlation', value) : null,
  }
}

/** The bin of each value, of bins that hold equally many rows as far as equal values allow; −1 for a missing one. */
function toBins(values: Float64Array, sorted: Float64Array): Int32Array {
  const edges = Float64Array.from(
    { length: RULE_BINS - 1 },
    (_, bin) => sorted[Math.floor(((bin + 1) * sorted.length) / RULE_BINS)] ?? 0,
  )
  return Int32Array.from(values, (value) => (Number.isNaN(value) ? -1 : countUpTo(edges, value)))
}

function toAssociation(
  measure: NonNullable<ProfileColumn['association']>['measure'],
  value: number | null,
): ProfileColumn['association'] {
  return value === null ? null : { measure, value }
}

function toFigure(
  measure: NonNullable<ProfileColumn['predicts_alone']>['measure'],
  value: number | null,
): ProfileColumn['predicts_alone'] {
  return value === null ? null : { measure, value }
}
