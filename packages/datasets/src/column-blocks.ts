/**
 * How a table lies in Parquet. DuckDB holds vectors of 2,048 cells for every column of a query at once, half a
 * gigabyte for 16,384 columns, so a wide table is folded: columns 0 to 1,023 of all rows, below them columns 1,024 to
 * 2,047, and so on, each block marked by `block`. A physical column is then a number where it is one in all blocks, and
 * else text; a cast on reading restores it, and casts nothing in the usual narrow table. In SQL columns are `c0`, `c1`,
 * … by their place: DuckDB's names ignore case, and column names of callers are data.
 */
import { sqlText } from './session.ts'

export const BLOCK_COLUMNS = 1024
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

/**
 * SQL relation with the rows of one block of a stored table of so many columns, in order. Name the columns that are
 * `wanted` where they are few: leaving out the others of a folded table takes DuckDB longer than reading these.
 */
export function blockRelation(
  path: string,
  columns: number,
  block: number,
  wanted?: readonly number[],
): string {
  const file = `read_parquet(${sqlText(path)}, file_row_number = true)`
  if (isFolded(columns)) {
    const names = wanted === undefined ? ['*'] : ['file_row_number', ...wanted.map(physicalName)]
    return `(SELECT ${names.join(', ')} FROM ${file} WHERE block = ${block})`
  }
  // In the file the columns have their own names.
  const places = Array.from({ length: columns }, (_, i) => physicalName(i))
  return `${file} AS t(${places.join(', ')})`
}

/** The columns of each block, in order. */
export function blocksOf(columns: number): number[][] {
  return Array.from({ length: Math.ceil(columns / BLOCK_COLUMNS) }, (_, block) =>
    Array.from(
      { length: Math.min(BLOCK_COLUMNS, columns - block * BLOCK_COLUMNS) },
      (_, i) => block * BLOCK_COLUMNS + i,
    ),
  )
}

/** SQL that writes a query's rows to a file, in row groups small enough to be held in memory. */
export function copySql(
  path: string,
  columns: number,
  query: string,
  options: { compression?: 'zstd' | 'snappy'; groupRowsMax?: number } = {},
): string {
  const { compression = 'zstd', groupRowsMax = ROW_GROUP_ROWS_MAX } = options
  const vectors = Math.floor(ROW_GROUP_CELLS_MAX / columns / VECTOR_ROWS)
  const groupRows = Math.min(groupRowsMax, Math.max(1, vectors) * VECTOR_ROWS)
  return `COPY (${query}) TO ${sqlText(path)}
    (FORMAT parquet, COMPRESSION ${compression}, ROW_GROUP_SIZE ${groupRows})`
}
