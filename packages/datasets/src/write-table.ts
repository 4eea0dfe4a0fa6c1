import { rm } from 'node:fs/promises'
import { BLOCK_COLUMNS, blocksOf, copySql, isFolded } from './column-blocks.ts'
import { type Session, sqlText } from './session.ts'

interface TableSource {
  columns: number
  rows: number
  /** SQL of a column's value, for the relation of its block. */
  cell: (column: number) => string
  relation: (block: number) => string
}

/** Writes the one Parquet file of a data set, a wide table folded into blocks. Same content, same bytes. */
export async function writeTable(
  session: Session,
  path: string,
  { columns, rows, cell, relation }: TableSource,
): Promise<void> {
  if (!isFolded(columns)) {
    const cells = Array.from({ length: columns }, (_, i) => `${cell(i)} AS c${i}`)
    await session.run(copySql(path, columns, `SELECT ${cells.join(', ')} FROM ${relation(0)}`))
    return
  }
  // Block by block, then put together: one query over all blocks would hold every column at once.
  const parts: string[] = []
  try {
    for (const [b, block] of blocksOf(columns).entries()) {
      const cells = Array.from({ length: BLOCK_COLUMNS }, (_, i) => {
        const column = block[i]
        return `${column === undefined ? 'NULL' : cell(column)}::VARCHAR AS c${i}`
      })
      const part = session.freshPath('part')
      parts.push(part)
      const query = `SELECT ${b}::SMALLINT AS block, ${cells.join(', ')} FROM ${relation(b)}`
      await session.run(copySql(part, BLOCK_COLUMNS, query, { compression: 'snappy' }))
    }
    const query = `FROM read_parquet([${parts.map(sqlText).join(', ')}])`
    // Blocks of few rows must not be gathered into one row group: each holds a full vector per column.
    await session.run(copySql(path, BLOCK_COLUMNS, query, { groupRowsMax: rows }))
  } finally {
    await Promise.all(parts.map((part) => rm(part, { force: true })))
  }
}
