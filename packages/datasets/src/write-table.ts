import type { ColumnType } from '@trainyard/contracts'
import { BLOCK_COLUMNS, blocksOf, copySql, isFolded } from './column-blocks.ts'
import type { Session } from './session.ts'

/** A table as it is read: what writes the file, and knows nothing of where the cells come from. */
export interface TypedTable {
  names: readonly string[]
  types: readonly ColumnType[]
  /** Null when it is only known after reading; a folded table needs it. */
  rows: number | null
  /** SQL of a column's typed value, for the relation of its block. */
  cell: (column: number) => string
  relation: (block: number) => string
}

/** Writes the one Parquet file of a data set, a wide table folded into blocks. Same content, same bytes. */
export async function writeTable(session: Session, path: string, table: TypedTable): Promise<void> {
  const { names, cell, relation } = table
  if (!isFolded(names.length)) {
    const cells = names.map((name, i) => `${cell(i)} AS ${storedName(name)}`)
    await session.run(copySql(path, names.length, `SELECT ${cells.join(', ')} FROM ${relation(0)}`))
    return
  }
  const query = blocksOf(names.length)
    .map((_, block) => blockQuery(table, block))
    .join(' UNION ALL ')
  // Blocks of few rows must not be gathered into one row group: each holds a full vector per column.
  await session.run(copySql(path, BLOCK_COLUMNS, query, { groupRowsMax: table.rows ?? 1 }))
}

/** The name in the file, for those who open it elsewhere; here columns are known by their place. */
function storedName(name: string): string {
  // DuckDB numbers the rows under this name.
  const free = name.toLowerCase() === 'file_row_number' ? `${name}_` : name
  return `"${free.replaceAll('"', '""')}"`
}

function blockQuery({ types, cell, relation }: TypedTable, block: number): string {
  const cells = Array.from({ length: BLOCK_COLUMNS }, (_, i) => {
    const column = block * BLOCK_COLUMNS + i
    const value = column < types.length ? cell(column) : 'NULL'
    return `(${value})::${isNumericInAllBlocks(types, i) ? 'DOUBLE' : 'VARCHAR'} AS c${i}`
  })
  return `SELECT ${block}::SMALLINT AS block, ${cells.join(', ')} FROM ${relation(block)}`
}

/** Columns of all blocks share a physical column; it is text as soon as one of them is. */
function isNumericInAllBlocks(types: readonly ColumnType[], place: number): boolean {
  for (let column = place; column < types.length; column += BLOCK_COLUMNS) {
    if (types[column] === 'category' || types[column] === 'date') return false
  }
  return true
}
