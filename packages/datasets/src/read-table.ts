import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Cell, Column } from '@trainyard/contracts'
import { blockRelation, type ColumnGroup, groupColumns, physicalName } from './column-blocks.ts'
import { dateSql } from './dates.ts'
import { type Session, sqlText } from './session.ts'
import { isLoaded, type Table, tableBytes } from './table.ts'

/** How a cell stands in Parquet, and is given back. */
const SQL_TYPES = { number: 'DOUBLE', boolean: 'BOOLEAN', category: 'VARCHAR', date: 'VARCHAR' }

/**
 * Loads the columns that are not ignored, of all rows or of those that are listed, ascending, which then count from 0. SQL
 * turns missing cells into NaN or −1 and levels into codes, so that a chunk of 2,048 rows is copied by one typed-array copy
 * per column: well under a millisecond between two awaits.
 */
export async function readTable(
  session: Session,
  path: string,
  columns: readonly Column[],
  wanted?: Uint32Array,
): Promise<Table> {
  const rows = wanted?.length ?? (await countRows(session, path, columns.length))
  const loaded = [...columns.keys()].filter((i) => isLoaded(columns[i] as Column))
  const table = makeTable(pick(columns, loaded), rows)
  for (const group of groupColumns(loaded)) {
    await readGroup(session, { path, columns, group, where: '' }, table, wanted)
  }
  return table
}

export interface TablePart {
  /** The columns of this part, by their place in the data set. */
  indices: number[]
  table: Table
}

/**
 * The listed columns, some at a time in memory that the next part overwrites, so that a wide table never lies there as a
 * whole. With `oneIn` n about every n-th row is taken, by the hash of its number: an even step would fall in with
 * whatever repeats.
 */
export async function* readParts(
  session: Session,
  path: string,
  columns: readonly Column[],
  { which, oneIn }: { which: readonly number[]; oneIn: number },
): AsyncGenerator<TablePart> {
  const stored = await countRows(session, path, columns.length)
  const where = (block: number) =>
    oneIn === 1 ? '' : `WHERE hash(file_row_number - ${block * stored}) % ${oneIn} = 0`
  const rows = oneIn === 1 ? stored : await countRows(session, path, columns.length, where(0))
  const groups = groupColumns(which)
  const bytes = groups.map((group) => tableBytes(pick(columns, group.columns), rows))
  const buffer = new SharedArrayBuffer(Math.max(0, ...bytes))
  for (const group of groups) {
    const table = makeTable(pick(columns, group.columns), rows, buffer)
    await readGroup(session, { path, columns, group, where: where(group.block) }, table)
    yield { indices: group.columns, table }
  }
}

interface StoredGroup {
  path: string
  columns: readonly Column[]
  group: ColumnGroup
  where: string
}

async function readGroup(
  session: Session,
  { path, columns, group, where }: StoredGroup,
  table: Table,
  wanted?: Uint32Array,
): Promise<void> {
  const cells = group.columns.map((i) => storedCell(physicalName(i), columns[i] as Column))
  const relation = blockRelation(path, columns.length, group.block, group.columns)
  const query = `SELECT ${cells.join(', ')} FROM ${relation} ${where}`
  // A chunk's memory is freed when JavaScript's collector comes to it, which knows nothing of its size.
  const result = await (where === '' ? session.stream(query) : session.gather(query))
  const targets = pick(columns, group.columns).map(({ name }) => valuesOf(table, name))
  let row = 0
  let taken = 0
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) break
    if (wanted === undefined) {
      for (const [k, values] of targets.entries()) values.set(itemsOf(chunk, k), row)
    } else {
      const first = taken
      while (taken < wanted.length && (wanted[taken] as number) < row + chunk.rowCount) taken++
      const places = wanted.subarray(first, taken)
      for (const [k, values] of targets.entries()) {
        const items = itemsOf(chunk, k)
        for (const [i, place] of places.entries()) values[first + i] = items[place - row] as number
      }
    }
    row += chunk.rowCount
  }
}

function pick(columns: readonly Column[], indices: readonly number[]): Column[] {
  return indices.map((i) => columns[i] as Column)
}

export async function readRows(
  session: Session,
  path: string,
  columns: readonly Column[],
  page: { offset: number; limit: number },
): Promise<Cell[][]> {
  const rows: Cell[][] = []
  for (const group of groupColumns(columns.keys())) {
    const cells = group.columns.map((i) => {
      return `${physicalName(i)}::${SQL_TYPES[(columns[i] as Column).type]}`
    })
    const relation = blockRelation(path, columns.length, group.block, group.columns)
    const part = await session.rows(
      `SELECT ${cells.join(', ')} FROM ${relation} LIMIT ${page.limit} OFFSET ${page.offset}`,
    )
    for (const [r, values] of part.entries()) {
      rows[r] ??= []
      rows[r].push(...(values as Cell[]))
    }
  }
  return rows
}

async function countRows(
  session: Session,
  path: string,
  columns: number,
  where = '',
): Promise<number> {
  const relation = blockRelation(path, columns, 0, [])
  const [row] = await session.rows(`SELECT count(*) FROM ${relation} ${where}`)
  return Number(row?.[0])
}

/** One shared buffer for all columns: thousands of small ones are slow to make and to post. */
function makeTable(
  columns: readonly Column[],
  rows: number,
  buffer = new SharedArrayBuffer(tableBytes(columns, rows)),
): Table {
  const table: Table = { rows, columns: new Map() }
  const categories = columns.filter(({ type }) => type === 'category').length
  let numberAt = 0
  let codeAt = (columns.length - categories) * rows * Float64Array.BYTES_PER_ELEMENT
  for (const { name, type, levels } of columns) {
    if (type === 'category') {
      const codes = new Int32Array(buffer, codeAt, rows)
      table.columns.set(name, { type, codes, levels: levels ?? [] })
      codeAt += codes.byteLength
    } else {
      const values = new Float64Array(buffer, numberAt, rows)
      table.columns.set(name, { type, values })
      numberAt += values.byteLength
    }
  }
  return table
}

function storedCell(cell: string, column: Column): string {
  switch (column.type) {
    case 'number':
      return `coalesce(${cell}::DOUBLE, 'nan'::DOUBLE)`
    case 'boolean':
      return `coalesce(${cell}::BOOLEAN::INTEGER::DOUBLE, 'nan'::DOUBLE)`
    case 'date':
      return `coalesce(${dateSql(cell)}, 'nan'::DOUBLE)`
    case 'category': {
      if (column.levels === null || column.levels.length === 0) return '(-1)::INTEGER'
      const levels = column.levels.map(sqlText).join(', ')
      return `coalesce(enum_code(TRY_CAST(${cell} AS ENUM (${levels})))::INTEGER, -1)`
    }
  }
}

function valuesOf(table: Table, name: string): Float64Array | Int32Array {
  const column = table.columns.get(name)
  if (column === undefined) throw new Error(`Column ${name} was not allocated`)
  return column.type === 'category' ? column.codes : column.values
}

/** The cells of a column of doubles or integers, as they lie in DuckDB's memory. */
function itemsOf(chunk: DuckDBDataChunk, column: number): Float64Array | Int32Array {
  const vector = chunk.getColumnVector(column)
  if ('items' in vector) {
    const { items } = vector
    if (items instanceof Float64Array || items instanceof Int32Array) return items
  }
  throw new Error(`Column ${column} of the chunk holds no plain numbers`)
}
