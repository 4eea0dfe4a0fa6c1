import type { Column, DatasetWarning, Task } from '@trainyard/contracts'
import { blockRelation, groupColumns, physicalName } from './column-blocks.ts'
import { DataError, FAULTS_MAX, quoteCell, refuse } from './data-error.ts'
import type { Session } from './session.ts'
import { makeWarning } from './warnings.ts'

const TARGET_NAMES = new Set(['target', 'label', 'class', 'y'])
/** A numeric target of at most this many distinct whole numbers is a class. */
const WHOLE_CLASSES_MAX = 20
const CLASSES_MAX = 1000

/** Index of the target column: the named one, else one with a usual name, else the last that is not ignored. */
export function chooseTarget(
  names: readonly string[],
  named: string | undefined,
  ignored: ReadonlySet<string>,
): { target: number; warning: DatasetWarning | null } {
  if (named !== undefined) {
    const target = names.indexOf(named)
    if (target < 0)
      refuse(`There is no column ${quoteCell(named)} to be the target`, { column: named })
    return { target, warning: null }
  }
  const usual = names.findIndex(
    (name) => TARGET_NAMES.has(name.toLowerCase()) && !ignored.has(name),
  )
  if (usual >= 0) return { target: usual, warning: null }
  const target = names.findLastIndex((name) => !ignored.has(name))
  const name = names[target] ?? ''
  const detail = `No target was named; the last column, ${quoteCell(name)}, was taken`
  return { target, warning: makeWarning('target_assumed', name, detail) }
}

interface TargetContext {
  path: string
  columns: readonly Column[]
  target: number
  rows: number
  linesOf: (rows: readonly number[]) => Promise<Map<number, number>>
}

/** Settles what the target means: fills its `levels` when it holds classes, and answers the task. */
export async function settleTarget(session: Session, context: TargetContext): Promise<Task> {
  const column = context.columns[context.target] as Column
  if (column.missing > 0) throw await missingTargetError(session, context, column)
  column.role = 'target'
  if (column.type === 'date') {
    refuse(`The target ${quoteCell(column.name)} is a date; a number or classes are needed`, {
      column: column.name,
    })
  }
  if (column.type === 'category' && column.levels === null) {
    refuse(`The target ${quoteCell(column.name)} has more than ${CLASSES_MAX} classes`, {
      column: column.name,
    })
  }
  if (column.type !== 'category') column.levels = await readClasses(session, context)
  const isConstant =
    column.levels === null
      ? context.rows > 1 && column.min === column.max
      : column.levels.length < 2
  if (isConstant) {
    refuse(`The target ${quoteCell(column.name)} has the same value in every row`, {
      column: column.name,
    })
  }
  if (column.levels !== null && column.levels.length > CLASSES_MAX) {
    refuse(
      `The target ${quoteCell(column.name)} has ${column.levels.length} classes; at most ${CLASSES_MAX} are taken`,
      { column: column.name },
    )
  }
  return column.levels === null ? 'regression' : 'classification'
}

/** Texts of the classes of a boolean or whole-number target, sorted by code point; null when it is a quantity. */
async function readClasses(session: Session, context: TargetContext): Promise<string[] | null> {
  const column = context.columns[context.target] as Column
  const cell = physicalName(context.target)
  const relation = relationOf(context)
  const typed = `${cell}::${column.type === 'boolean' ? 'BOOLEAN' : 'DOUBLE'}`
  if (column.type === 'number') {
    // One number stands for no class: there is none to tell it from. It may be a step to follow by hand.
    if (context.rows === 1) return null
    const [row] = await session.rows(
      `SELECT bool_and(trunc(${typed}) = ${typed}) AND approx_count_distinct(${typed}) <= ${4 * WHOLE_CLASSES_MAX} FROM ${relation}`,
    )
    if (row?.[0] !== true) return null
  }
  const values = await session.rows(`SELECT DISTINCT ${typed} FROM ${relation}`)
  if (values.length > WHOLE_CLASSES_MAX) return null
  const texts = new Set(values.map(([value]) => classText(value as number | boolean)))
  // Digits, letters, signs only: code units are code points here.
  return [...texts].sort()
}

/** A class as it is named to callers: the number or boolean as JSON prints it. */
export function classText(value: number | boolean): string {
  return String(value)
}

async function missingTargetError(
  session: Session,
  context: TargetContext,
  column: Column,
): Promise<DataError> {
  const cell = physicalName(context.target)
  const found = await session.rows(
    `SELECT file_row_number FROM ${relationOf(context)} WHERE ${cell} IS NULL
     ORDER BY file_row_number LIMIT ${FAULTS_MAX}`,
  )
  const block = groupColumns([context.target])[0]?.block ?? 0
  const rows = found.map(([row]) => Number(row) - block * context.rows)
  const lines = await context.linesOf(rows)
  return new DataError(
    rows.map((row) => {
      const line = lines.get(row)
      const place = line === undefined ? `Row ${row + 1}` : `Line ${line}`
      return {
        detail: `${place}: the target ${quoteCell(column.name)} is missing`,
        column: column.name,
        ...(line === undefined ? {} : { line }),
      }
    }),
  )
}

function relationOf({ path, columns, target }: TargetContext): string {
  const block = groupColumns([target])[0]?.block ?? 0
  return blockRelation(path, columns.length, block, [target])
}
