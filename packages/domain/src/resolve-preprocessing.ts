/** How columns become inputs: the rules for all of them, and what single columns ask for instead. */
import type { Column, FieldError, JobSpec, ResolvedConfig, Task } from '@trainyard/contracts'
import { escapePointer } from './escape-pointer.ts'

const MAX_LEVELS_DEFAULT = 64
/** Enough of them to recognize a list. */
const LEVELS_SHOWN = 10

type ColumnSpec = ResolvedConfig['preprocessing']['columns'][string]
type Refuse = (field: string | null, detail: string) => void

export function resolvePreprocessing(
  spec: JobSpec,
  task: Task,
  columns: readonly Column[],
  errors: FieldError[],
): ResolvedConfig['preprocessing'] {
  const given = spec.preprocessing ?? {}
  const numeric = given.numeric ?? 'standardize'
  const target = given.target ?? 'auto'
  for (const [name, own] of Object.entries(given.columns ?? {})) {
    const pointer = `#/preprocessing/columns/${escapePointer(name)}`
    const refuse: Refuse = (field, detail) =>
      errors.push({ pointer: field === null ? pointer : `${pointer}/${field}`, detail })
    const column = columns.find((candidate) => candidate.name === name)
    if (column === undefined) refuse(null, `the data set has no column "${name}"`)
    else if (column.role !== 'feature') {
      refuse(null, `"${name}" is not a feature but has the role "${column.role}"`)
    } else if (column.type === 'category') checkCategory(column, own, refuse)
    else checkNumber(column, own, refuse)
  }
  return {
    numeric,
    target:
      task === 'classification' || target === 'none' || (target === 'auto' && numeric === 'none')
        ? 'none'
        : 'standardize',
    missing: given.missing ?? 'mean',
    missing_indicators: given.missing_indicators ?? false,
    unseen_category: given.unseen_category ?? 'zero',
    max_levels: given.max_levels ?? MAX_LEVELS_DEFAULT,
    columns: given.columns ?? {},
  }
}

function checkNumber({ name, type, min }: Column, own: ColumnSpec, refuse: Refuse): void {
  for (const field of ['encoding', 'order'] as const) {
    if (own[field] === undefined) continue
    refuse(field, `"${name}" is a ${type} column; only the levels of a category are encoded`)
  }
  if (typeof own.missing === 'object' && typeof own.missing.constant === 'string') {
    refuse('missing/constant', `"${own.missing.constant}" is text, but "${name}" holds numbers`)
  }
  if (type === 'boolean' && (own.log1p || own.numeric !== undefined)) {
    refuse(own.log1p ? 'log1p' : 'numeric', `"${name}" is boolean: its inputs are 0 and 1`)
  } else if (own.log1p && min !== null && min <= -1) {
    refuse('log1p', `log1p is defined above -1, but the least value of "${name}" is ${min}`)
  }
}

function checkCategory({ name, levels }: Column, own: ColumnSpec, refuse: Refuse): void {
  const isOrdinal = own.encoding === 'ordinal'
  if (own.log1p) refuse('log1p', `"${name}" is a category; log1p is for numbers`)
  if (own.numeric !== undefined && !isOrdinal) {
    refuse('numeric', `"${name}" is a category; only with encoding "ordinal" is it scaled`)
  }
  if ((own.missing === 'mean' || own.missing === 'median') && !isOrdinal) {
    refuse('missing', `"${name}" is a category without a ${own.missing}; use "most_frequent"`)
  }
  const known = levels ?? []
  if (typeof own.missing === 'object' && !known.includes(String(own.missing.constant))) {
    refuse(
      'missing/constant',
      `"${own.missing.constant}" is no level of "${name}", which has ${quote(known)}`,
    )
  }
  if (own.order === undefined) return
  if (!isOrdinal) refuse('order', 'an order goes with encoding "ordinal"')
  const isUnplaced = new Set(known)
  const wrong = own.order.filter((level) => !isUnplaced.delete(level))
  const absent = [...isUnplaced]
  if (wrong.length > 0) refuse('order', `${quote(wrong)}: not a level of "${name}", or twice`)
  if (absent.length > 0) refuse('order', `must name every level; ${quote(absent)} is not there`)
}

function quote(levels: readonly string[]): string {
  const shown = levels.slice(0, LEVELS_SHOWN).map((level) => `"${level}"`)
  return levels.length > shown.length ? `${shown.join(', ')}, …` : shown.join(', ')
}
