import type {
  DatasetWarning,
  DatasetWarningCode,
  ProfileColumn,
  StoredProfile,
} from '@trainyard/contracts'
import { quoteCell } from './data-error.ts'
import type { ProfileInput } from './profile-table.ts'
import { makeWarning } from './warnings.ts'

/** Fewer rows prove nothing: a truth table is no leak, and its rows are no ids. */
const ROWS_MIN = 20
const LEVELS_MANY = 64
const MISSING_SHARE = 0.2
const FIGURE_OF_LEAK = { auc: 0.995, rule: 0.99, correlation: 0.999 }
const CLASS_RATIO = 10
const SCALE_SPREAD = 1000
const DUPLICATE_SHARE = 0.05
const CONFLICT_SHARE = 0.01
const OVERLAP_SHARE = 0.05
/** Whole numbers, all different: an id if they lie this densely, or if there are this many of them. */
const ID_SPAN_PER_ROW = 2
const ID_ROWS = 1000
/** From here on not every whole number is one of 64 bits. */
const WHOLE_MAX = 2 ** 53
/** As a country, a currency or a share writes them: 1.000,5, 1 000.5, $5, 5 €, 5 %. */
const WRITTEN_NUMBER =
  /^[+-]?(\p{Sc}\s?)?[+-]?(\d{1,3}([.,'\s]\d{3})+|\d+)([.,]\d+)?\s?(%|\p{Sc})?$/u
const PLAIN_NUMBER = /^[+-]?\d+(\.\d+)?$/

export function findProfileWarnings(input: ProfileInput, profile: StoredProfile): DatasetWarning[] {
  const { rows, columns } = input
  const ofColumns = profile.columns.flatMap((column, i) => {
    if (column.role !== 'feature' || column.missing === rows) return []
    return columnWarnings(column, columns[i]?.levels ?? null, rows)
  })
  return rows < ROWS_MIN ? ofColumns : [...ofColumns, ...tableWarnings(profile, rows)]
}

function columnWarnings(
  column: ProfileColumn,
  texts: readonly string[] | null,
  rows: number,
): DatasetWarning[] {
  const { name, missing_share, predicts_alone } = column
  const levels = texts?.length ?? null
  if (isConstant(column, levels)) {
    const detail = 'Has the same value in every row'
    return [makeWarning('constant_column', name, detail, { value: 1, threshold: 1 })]
  }
  const warnings: DatasetWarning[] = []
  const warn = (code: DatasetWarningCode, detail: string, value: number, threshold: number) => {
    warnings.push(makeWarning(code, name, detail, { value, threshold }))
  }
  const isNumber = texts !== null && looksLikeNumbers(texts)
  if (isNumber) {
    const detail = `Holds numbers such as ${quoteCell(texts[0] ?? '')}; the column was read as text`
    warn('looks_like_number', detail, 1, 1)
  }
  const largest = Math.max(Math.abs(column.min ?? 0), Math.abs(column.max ?? 0))
  if (column.is_whole === true && largest >= WHOLE_MAX) {
    const detail = `Holds whole numbers up to ${largest}: beyond 2^53 neighbours are read as the same`
    warn('rounded_numbers', detail, largest, WHOLE_MAX)
  }
  const isId = !isNumber && rows >= ROWS_MIN && isIdLike(column, levels, rows)
  if (isId) warn('id_like_column', 'Has another value in every row, like an id', 1, 1)
  if (levels !== null && levels > LEVELS_MANY && !isId && !isNumber) {
    warn('many_levels', `Has ${levels} levels, each an input of its own`, levels, LEVELS_MANY)
  }
  if (missing_share >= MISSING_SHARE) {
    const detail = `${percent(missing_share)} of its cells are missing`
    warn('missing_values', detail, missing_share, MISSING_SHARE)
  }
  if (rows >= ROWS_MIN && predicts_alone !== null) {
    const { measure, value } = predicts_alone
    const threshold = FIGURE_OF_LEAK[measure]
    if (value >= threshold) {
      const figure = {
        auc: 'area under its ROC curve',
        rule: 'errors spared',
        correlation: 'correlation',
      }
      const detail = `Tells the target alone: ${figure[measure]} ${value.toFixed(4)}`
      warn('leakage_suspect', detail, value, threshold)
    }
  }
  return warnings
}

/** All of them, and not only as they should be written: digits alone are the levels of codes that were declared to be text. */
function looksLikeNumbers(texts: readonly string[]): boolean {
  return (
    texts.length > 0 &&
    texts.every((text) => WRITTEN_NUMBER.test(text)) &&
    !texts.every((text) => PLAIN_NUMBER.test(text))
  )
}

function isConstant({ type, min, max, distinct }: ProfileColumn, levels: number | null): boolean {
  if (type === 'number') return min === max
  return type === 'category' ? levels === 1 : distinct === 1
}

function isIdLike(column: ProfileColumn, levels: number | null, rows: number): boolean {
  const { type, min, max, distinct, is_whole } = column
  if (type === 'category') return levels === rows
  if (is_whole !== true || distinct !== rows || min === null || max === null) return false
  return max - min < ID_SPAN_PER_ROW * rows || rows >= ID_ROWS
}

function tableWarnings(profile: StoredProfile, rows: number): DatasetWarning[] {
  const warnings: DatasetWarning[] = []
  const warn = (
    code: DatasetWarningCode,
    detail: string,
    value: number | null,
    threshold: number,
  ) => {
    if (value === null || value < threshold) return
    warnings.push(makeWarning(code, null, detail, { value, threshold }))
  }
  const { duplicates, classes, scale_spread } = profile
  if (classes !== null) {
    const counts = classes.toSorted((a, b) => a.count - b.count)
    const [least, most] = [counts[0], counts.at(-1)]
    const detail = `Class ${quoteCell(most?.name ?? '')} has ${most?.count} rows, class ${quoteCell(least?.name ?? '')} ${least?.count}`
    warn(
      'class_imbalance',
      detail,
      (most?.count ?? 0) / Math.max(1, least?.count ?? 0),
      CLASS_RATIO,
    )
  }
  warn(
    'scale_spread',
    'The standard deviations of the features lie far apart',
    scale_spread,
    SCALE_SPREAD,
  )
  const { conflicting_rows, validation_overlap } = duplicates
  warn(
    'duplicate_rows',
    `${duplicates.rows} rows equal an earlier one in all features and the target`,
    duplicates.rows / rows,
    DUPLICATE_SHARE,
  )
  warn(
    'conflicting_labels',
    `${conflicting_rows} rows have the features of a row of another class`,
    conflicting_rows === null ? null : conflicting_rows / rows,
    CONFLICT_SHARE,
  )
  warn(
    'validation_overlap',
    `${percent(validation_overlap)} of the validation rows are to be expected among the training rows too`,
    validation_overlap,
    OVERLAP_SHARE,
  )
  return warnings
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
