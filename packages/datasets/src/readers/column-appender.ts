/**
 * Cells made in JavaScript on their way to Parquet files: written into DuckDB's own vectors, appended to a table in its
 * memory per block of columns, and copied to a file from there. The tables live as long as the session.
 */
import { rm } from 'node:fs/promises'
import type { DuckDBAppender, DuckDBDataChunk } from '@duckdb/node-api'
import type { ColumnType } from '@trainyard/contracts'
import { BLOCK_COLUMNS, blocksOf, copySql, physicalName } from '../column-blocks.ts'
import type { Session } from '../session.ts'

/** One column of the rows to be appended. */
export type CellVector = Float64Array | string[]

export interface ColumnBlocks {
  /** Makes room for so many rows, at most 2,048. */
  begin(rows: number): void
  vectorOf(column: number): CellVector
  append(): void
  /** Writes what was appended to a file per block, and forgets it. The caller removes the files. */
  flush(): Promise<string[]>
  close(): void
}

interface Block {
  table: string
  columns: number[]
  chunk: DuckDBDataChunk
  vectors: CellVector[]
  appender: DuckDBAppender
}

export async function openBlocks(
  session: Session,
  types: readonly ColumnType[],
): Promise<ColumnBlocks> {
  // Loaded late: see `tables.ts`.
  const { DuckDBDataChunk, DOUBLE, VARCHAR } = await import('@duckdb/node-api')
  const isText = (column: number): boolean => types[column] === 'category'
  const blocks: Block[] = []
  for (const [b, columns] of blocksOf(types.length).entries()) {
    const table = `appended_${b}`
    const defined = columns.map((i) => `${physicalName(i)} ${isText(i) ? 'VARCHAR' : 'DOUBLE'}`)
    await session.run(`CREATE TEMP TABLE ${table} (${defined.join(', ')})`)
    const chunk = DuckDBDataChunk.create(columns.map((i) => (isText(i) ? VARCHAR : DOUBLE)))
    blocks.push({ table, columns, chunk, vectors: [], appender: await session.appendTo(table) })
  }

  return {
    begin(rows) {
      for (const block of blocks) {
        block.chunk.rowCount = rows
        block.vectors = block.columns.map((i, k) =>
          isText(i) ? Array<string>(rows).fill('') : numbersOf(block.chunk, k),
        )
      }
    },
    vectorOf: (column) =>
      blocks[Math.floor(column / BLOCK_COLUMNS)]?.vectors[column % BLOCK_COLUMNS] ?? [],
    append() {
      for (const { chunk, vectors, appender } of blocks) {
        for (const [k, vector] of vectors.entries()) {
          if (Array.isArray(vector)) chunk.setColumnValues(k, vector)
          else chunk.getColumnVector(k).flush()
        }
        appender.appendDataChunk(chunk)
      }
    },
    async flush() {
      const parts: string[] = []
      try {
        for (const { table, columns, appender } of blocks) {
          appender.flushSync()
          const part = session.freshPath('part')
          parts.push(part)
          await session.run(
            copySql(part, columns.length, `FROM ${table}`, { compression: 'snappy' }),
          )
          await session.run(`TRUNCATE ${table}`)
        }
      } catch (error) {
        await Promise.all(parts.map((part) => rm(part, { force: true })))
        throw error
      }
      return parts
    },
    close() {
      for (const { appender } of blocks) appender.closeSync()
    },
  }
}

/** The doubles of a chunk's column, as they lie in DuckDB's memory. */
function numbersOf(chunk: DuckDBDataChunk, column: number): Float64Array {
  const vector = chunk.getColumnVector(column)
  if ('items' in vector && vector.items instanceof Float64Array) return vector.items
  throw new Error(`Column ${column} of the chunk holds no doubles`)
}
