import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Cell, Column } from '@trainyard/contracts'
import { blockRelation, groupColumns, physicalName } from './column-blocks.ts'
import { dateSql } from './dates.ts'
import { type Session, sqlText } from './session.ts'
import { isLoaded, type Table } from './table.ts'

/** How a cell stands in Parquet, and is given back. */
const SQL_TYPES = { number: 'DOUBLE', boolean: 'BOOLEAN', category: 'VARCHAR', date: 'VARCHAR' }

/**
 * Loads the columns that are not ignored. SQL turns missing cells into NaN or −1 and levels into codes, so that a
 * chunk of 2,048 rows is copied by one typed-array copy per column: well under a millisecond between two awaits. With
 * `oneIn` n about every n-th row is taken, by the hash of its number: an even step would fall in with whatever repeats.
 */
export async function readTable(
  session: Session,
  path: string,
  columns: readonly Column[],
  oneIn = 1,
): Promise<Table> {
  const stored = await countRows(session, path, columns.length)
  const chosen = (block: number) =>
    oneIn === 1 ? '' : `WHERE hash(file_row_number - ${block * stored}) % ${oneIn} = 0`
  const rows = oneIn === 1 ? stored : await countRows(session, path, columns.length, chosen(0))
  const table: Table = { rows, columns: new Map() }
  const loaded = [...columns.keys()].filter((i) => isLoaded(columns[i] as Column))
  allocate(
    table,
    loaded.map((i) => columns[i] as Column),
  )
  for (const group of groupColumns(loaded)) {
    const cells = group.columns.map((i) => storedCell(physicalName(i), columns[i] as Column))
    const relation = blockRelation(path, columns.length, group.block, group.columns)
    const result = await session.stream(
      `SELECT ${cells.join(', ')} FROM ${relation} ${chosen(group.block)}`,
    )
    const targets = group.columns.map((i) => valuesOf(table, (columns[i] as Column).name))
    let row = 0
    for (;;) {
      const chunk = await result.fetchChunk()
      if (chunk === null || chunk.rowCount === 0) break
      for (const [k, values] of targets.entries()) values.set(itemsOf(chunk, k), row)
      row += chunk.rowCount
    }
  }
  return table
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
function allocate(table: Table, columns: readonly Column[]): void {
  const { rows } = table
  const categories = columns.filter(({ type }) => type === 'category').length
  const numberBytes = (columns.length - categories) * rows * Float64Array.BYTES_PER_ELEMENT
  const codeBytes = categories * rows * Int32Array.BYTES_PER_ELEMENT
  const buffer = new SharedArrayBuffer(numberBytes + codeBytes)
  let numberAt = 0
  let codeAt = numberBytes
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
