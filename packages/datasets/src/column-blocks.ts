/**
 * How a table lies in Parquet. DuckDB holds vectors of 2,048 cells for every column of a query at once, half a
 * gigabyte for 16,384 columns, so a wide table is folded: columns 0 to 1,023 of all rows, below them columns 1,024 to
 * 2,047, and so on, each block marked by `block`. The physical columns are then text, because the blocks differ in
 * type; a cast on reading restores them, and casts nothing in the usual narrow table. Physical names are `c0`, `c1`, …:
 * DuckDB's names ignore case, and column names of callers are data, never SQL.
 */
import { sqlText } from './session.ts'

const BLOCK_COLUMNS = 1024
/** Columns of one query: bounds the SQL text, and the time the event loop needs per chunk of 2,048 rows. */
const GROUP_COLUMNS = 128
const ROW_GROUP_CELLS_MAX = 4_194_304
const VECTOR_ROWS = 2048
const ROW_GROUP_ROWS_MAX = 122_880

export interface ColumnGroup {
  block: number
  columns: number[]
}

export function isFolded(columns: number): boolean {
  return columns > BLOCK_COLUMNS
}

export function physicalName(column: number): string {
  return `c${column % BLOCK_COLUMNS}`
}

/** The listed columns in groups that one query may read, in order. */
export function groupColumns(columns: Iterable<number>): ColumnGroup[] {
  const groups: ColumnGroup[] = []
  for (const column of columns) {
    const block = Math.floor(column / BLOCK_COLUMNS)
    const last = groups.at(-1)
    if (last !== undefined && last.block === block && last.columns.length < GROUP_COLUMNS) {
      last.columns.push(column)
    } else groups.push({ block, columns: [column] })
  }
  return groups
}

/** SQL relation with the rows of one block of a stored table of so many columns, in order. */
export function blockRelation(path: string, columns: number, block: number): string {
  const file = `read_parquet(${sqlText(path)}, file_row_number = true)`
  return isFolded(columns) ? `(FROM ${file} WHERE block = ${block})` : file
}

/** SQL that writes a table; `cell` gives the SQL of a column, `from` the relation that has it. */
export function copyToParquet(
  path: string,
  columns: number,
  cell: (column: number) => string,
  from: (block: number) => string,
): string {
  const selects: string[] = []
  const width = Math.min(columns, BLOCK_COLUMNS)
  for (let start = 0; start < columns; start += BLOCK_COLUMNS) {
    const cells = Array.from({ length: width }, (_, i) => {
      const sql = start + i < columns ? cell(start + i) : 'NULL'
      return `${isFolded(columns) ? `CAST(${sql} AS VARCHAR)` : sql} AS c${i}`
    })
    const block = start / BLOCK_COLUMNS
    if (isFolded(columns)) cells.unshift(`${block}::SMALLINT AS block`)
    selects.push(`SELECT ${cells.join(', ')} FROM ${from(block)}`)
  }
  const vectors = Math.floor(ROW_GROUP_CELLS_MAX / width / VECTOR_ROWS)
  const groupRows = Math.min(ROW_GROUP_ROWS_MAX, Math.max(1, vectors) * VECTOR_ROWS)
  return `COPY (${selects.join(' UNION ALL ')}) TO ${sqlText(path)}
    (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${groupRows})`
}
