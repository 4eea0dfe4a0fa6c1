/**
 * Decides what the text columns of a staged file are. Each cell is of one kind; the counts of kinds decide the column,
 * so that a single "NaN" among numbers is an error with its line and never turns the column into text in silence.
 */
import type { ColumnType, DatasetWarning } from '@trainyard/contracts'
import { groupColumns, physicalName } from './column-blocks.ts'
import { DataError, type DataFault, FAULTS_MAX, quoteCell } from './data-error.ts'
import { dateSql } from './dates.ts'
import { type Session, sqlText } from './session.ts'
import type { StagedTable } from './stage-csv.ts'
import { makeWarning } from './warnings.ts'

/** A plain decimal number, as JSON or a spreadsheet writes it. */
const NUMBER = '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?'
/** Meant as a number, but not one we can train on: NaN, infinities, comma decimals, and numbers that overflow. */
const FALSE_NUMBER = `[+-]?(nan|inf|infinity)|[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?|${NUMBER}`
const HEX = '[+-]?0[xX][0-9a-fA-F]+'
/** Taken as missing among numbers and booleans; in a text column they are text. */
export const MISSING_WORDS = ['NA', 'N/A', 'na', 'n/a', 'null', 'NULL', 'None', '?']

const KINDS = [
  'number',
  'boolean',
  'missing',
  'false_number',
  'hex',
  'date',
  'text',
  'nul',
] as const
export type Kind = (typeof KINDS)[number]
/** Bounds the SQL text: levels can be 10,000 of a column. */
const LEVELS_PER_QUERY = 2000
const ONLY_NUMBERS: ReadonlySet<Kind> = new Set(['number'])

/** Kinds of cells that a column of the type cannot have. */
const REFUSED: Record<ColumnType, readonly Kind[]> = {
  number: ['boolean', 'false_number', 'hex', 'date', 'text', 'nul'],
  boolean: ['number', 'false_number', 'hex', 'date', 'text', 'nul'],
  category: ['nul'],
  date: ['number', 'boolean', 'false_number', 'hex', 'text', 'nul'],
}

export interface InferredColumn {
  name: string
  type: ColumnType
}

interface Inference {
  columns: InferredColumn[]
  warnings: DatasetWarning[]
}

interface RefusedColumn {
  column: number
  kinds: Kind[]
}

/** Text columns of a table that may be read block by block. */
export type TextTable = Pick<StagedTable, 'columns' | 'relation'>

/** Throws DataError with the line of every cell (the first twenty) that is no value of its column. */
export async function inferTypes(
  session: Session,
  staged: StagedTable,
  names: readonly string[],
  declared: ReadonlyMap<string, ColumnType>,
): Promise<Inference> {
  const kinds = await findKinds(session, staged)
  const { columns, warnings, refused } = decideTypes(names, declared, kinds)
  if (refused.length > 0) throw await toDataError(session, staged, columns, refused)
  return { columns, warnings }
}

/** What columns of such cells are, and which of them hold cells that they cannot have. */
export function decideTypes(
  names: readonly string[],
  declared: ReadonlyMap<string, ColumnType>,
  kindsOfColumns: readonly ReadonlySet<Kind>[],
): Inference & { refused: RefusedColumn[] } {
  const columns: InferredColumn[] = []
  const warnings: DatasetWarning[] = []
  const refused: RefusedColumn[] = []
  for (const [i, kinds] of kindsOfColumns.entries()) {
    const name = names[i] ?? ''
    const type = declared.get(name) ?? typeOf(kinds)
    const bad = REFUSED[type].filter((kind) => kinds.has(kind))
    if (bad.length > 0) refused.push({ column: i, kinds: bad })
    columns.push({ name, type })
    const warning = warningOf(name, type, kinds, declared.has(name))
    if (warning !== null) warnings.push(warning)
  }
  return { columns, warnings, refused }
}

/** SQL of a staged column's typed value; only for columns that `inferTypes` let through. */
export function typedCell(column: number, type: ColumnType): string {
  const cell = physicalName(column)
  switch (type) {
    case 'number':
      return `TRY_CAST(${cell} AS DOUBLE)`
    case 'boolean':
      return `CASE lower(${cell}) WHEN 'true' THEN true WHEN 'false' THEN false END`
    case 'category':
      return cell
    // As it was written: reading makes a number of it, and another type may still be said.
    case 'date':
      return `CASE WHEN ${dateSql(cell)} IS NOT NULL THEN ${cell} END`
  }
}

/** The kinds of cells each column has. Most columns are nothing but numbers, which one cheap pass settles. */
async function findKinds(session: Session, staged: TextTable): Promise<ReadonlySet<Kind>[]> {
  const found = Array<ReadonlySet<Kind>>(staged.columns).fill(ONLY_NUMBERS)
  const isNumeric = await aggregate(session, staged, found.keys(), (cell) => {
    return `bool_and(${cell} IS NULL OR coalesce(${isNumberSql(cell)}, false)) AND count(${cell}) > 0`
  })
  const others = [...found.keys()].filter((i) => isNumeric.get(i) !== true)
  for (const [i, kinds] of await kindsOf(session, staged, others)) found[i] = kinds
  return found
}

/** The kinds of cells in the listed columns. */
export async function kindsOf(
  session: Session,
  table: TextTable,
  which: Iterable<number>,
): Promise<Map<number, ReadonlySet<Kind>>> {
  const masks = await aggregate(session, table, which, (cell) => `bit_or(${kindSql(cell)})`)
  return new Map([...masks].map(([i, mask]) => [i, kindsIn(mask)]))
}

/** The kinds of cells in columns whose levels are known, by column. */
export async function kindsOfLevels(
  session: Session,
  levels: ReadonlyMap<number, readonly string[]>,
): Promise<Map<number, ReadonlySet<Kind>>> {
  const found = new Map<number, Set<Kind>>([...levels.keys()].map((column) => [column, new Set()]))
  const rows = [...levels].flatMap(([i, texts]) => texts.map((text) => `(${i}, ${sqlText(text)})`))
  for (let from = 0; from < rows.length; from += LEVELS_PER_QUERY) {
    const masks = await session.rows(
      `SELECT i, bit_or(${kindSql('text')})
       FROM (VALUES ${rows.slice(from, from + LEVELS_PER_QUERY).join(', ')}) AS levels(i, text) GROUP BY i`,
    )
    for (const [i, mask] of masks) {
      for (const kind of kindsIn(mask)) found.get(Number(i))?.add(kind)
    }
  }
  return found
}

function kindsIn(mask: unknown): Set<Kind> {
  return new Set(KINDS.filter((kind) => (Number(mask) & kindBit(kind)) !== 0))
}

async function aggregate(
  session: Session,
  staged: TextTable,
  which: Iterable<number>,
  expression: (cell: string) => string,
): Promise<Map<number, unknown>> {
  const results = new Map<number, unknown>()
  for (const { block, columns } of groupColumns(which)) {
    const cells = columns.map((column) => expression(physicalName(column)))
    const [row = []] = await session.rows(
      `SELECT ${cells.join(', ')} FROM ${staged.relation(block)}`,
    )
    for (const [k, column] of columns.entries()) results.set(column, row[k])
  }
  return results
}

function isNumberSql(cell: string): string {
  return `(isfinite(TRY_CAST(${cell} AS DOUBLE)) AND NOT contains(${cell}, '_'))`
}

/** SQL of a cell's kind as a bit; NULL for a missing cell. */
function kindSql(cell: string): string {
  return `CASE WHEN ${cell} IS NULL THEN NULL
    WHEN ${isNumberSql(cell)} THEN ${kindBit('number')}
    WHEN lower(${cell}) IN ('true', 'false') THEN ${kindBit('boolean')}
    WHEN ${cell} IN (${MISSING_WORDS.map(sqlText).join(', ')}) THEN ${kindBit('missing')}
    WHEN regexp_full_match(lower(${cell}), ${sqlText(FALSE_NUMBER)}) THEN ${kindBit('false_number')}
    WHEN regexp_full_match(${cell}, ${sqlText(HEX)}) THEN ${kindBit('hex')}
    WHEN contains(${cell}, chr(0)) THEN ${kindBit('nul')}
    WHEN ${dateSql(cell)} IS NOT NULL THEN ${kindBit('date')}
    ELSE ${kindBit('text')} END`
}

function kindBit(kind: Kind): number {
  return 1 << KINDS.indexOf(kind)
}

export function typeOf(kinds: ReadonlySet<Kind>): ColumnType {
  const hasNumbers = kinds.has('number') || kinds.has('false_number')
  if (kinds.has('text') || kinds.has('date') || kinds.has('nul')) return 'category'
  if (kinds.has('boolean')) return hasNumbers || kinds.has('hex') ? 'category' : 'boolean'
  // Hexadecimal alone is a column of ids; among numbers it is a number we do not read.
  if (hasNumbers) return 'number'
  return kinds.size === 0 ? 'number' : 'category'
}

function warningOf(
  column: string,
  type: ColumnType,
  kinds: ReadonlySet<Kind>,
  isDeclared: boolean,
): DatasetWarning | null {
  if (kinds.size === 0) {
    return makeWarning('empty_column', column, 'Every cell is missing; the column is ignored')
  }
  if (type !== 'category' && kinds.has('missing')) {
    return makeWarning('missing_words', column, 'Cells such as NA or null were taken as missing')
  }
  if (type === 'category' && kinds.has('number') && !isDeclared) {
    return makeWarning(
      'mixed_types',
      column,
      'Holds numbers and texts; the column was read as text',
    )
  }
  // Of JSON rows as well, where every text is declared to be one.
  if (type === 'category' && kinds.has('date') && !kinds.has('text')) {
    return makeWarning('looks_like_date', column, 'Holds dates; the column was read as text')
  }
  return null
}

async function toDataError(
  session: Session,
  staged: StagedTable,
  columns: readonly InferredColumn[],
  refused: readonly RefusedColumn[],
): Promise<DataError> {
  const cells: { row: number; column: number; text: string }[] = []
  for (const { column, kinds } of refused.slice(0, FAULTS_MAX)) {
    const cell = physicalName(column)
    const { block } = groupColumns([column])[0] ?? { block: 0 }
    const wanted = kinds.map(kindBit).join(', ')
    const found = await session.rows(
      `SELECT file_row_number, ${cell} FROM ${staged.relation(block)}
       WHERE ${kindSql(cell)} IN (${wanted}) ORDER BY file_row_number LIMIT ${FAULTS_MAX}`,
    )
    for (const [row, text] of found) {
      cells.push({ row: Number(row), column, text: String(text) })
    }
  }
  cells.sort((a, b) => a.row - b.row || a.column - b.column)
  const first = cells.slice(0, FAULTS_MAX)
  const lines = await staged.linesOf(first.map(({ row }) => row))
  return new DataError(
    first.map(({ row, column, text }) => describeFault(columns[column], text, lines.get(row))),
  )
}

function describeFault(
  column: InferredColumn | undefined,
  text: string,
  line: number | undefined,
): DataFault {
  const { name, type } = column ?? { name: '', type: 'number' }
  const where = { column: name, ...(line === undefined ? {} : { line }) }
  const place = line === undefined ? '' : `Line ${line}, `
  const start = `${place}column ${quoteCell(name)}: `
  if (text.includes('\0')) return { detail: `${start}the cell holds a NUL byte`, ...where }
  if (type === 'boolean') {
    return { detail: `${start}${quoteCell(text)} is not true or false`, ...where }
  }
  if (type === 'date') {
    return { detail: `${start}${quoteCell(text)} is not a date such as 2024-02-29`, ...where }
  }
  return { detail: `${start}${quoteCell(text)} ${whyNoNumber(text)}`, ...where }
}

function whyNoNumber(text: string): string {
  if (/^[+-]?\d+,\d+/.test(text)) return 'is not a number; write decimals with a point'
  if (/^[+-]?(nan|inf|infinity)$/i.test(text))
    return 'is not a finite number; leave a missing cell empty'
  if (/^[+-]?[\d.]+(e[+-]?\d+)?$/i.test(text)) return 'is too large for a 64-bit number'
  if (/^[+-]?0x/i.test(text)) return 'is hexadecimal; write numbers in decimal'
  return 'is not a number'
}
