import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { DuckDBAppender, DuckDBConnection, DuckDBResult, DuckDBValue } from '@duckdb/node-api'
import { refuse } from './data-error.ts'

/** One connection to the process's DuckDB, for one operation. */
export interface Session {
  run(sql: string): Promise<void>
  rows(sql: string): Promise<DuckDBValue[][]>
  /** Its chunks come as the query makes them: of a filter that lets few rows through each holds few, in memory for 2,048. */
  stream(sql: string): Promise<DuckDBResult>
  /** Its chunks are full. DuckDB holds all rows first. */
  gather(sql: string): Promise<DuckDBResult>
  /** Takes rows into a table; the caller closes it. */
  appendTo(table: string): Promise<DuckDBAppender>
  /** A path in the folder that no file has. */
  freshPath(extension: string): string
}

export function makeSession(connection: DuckDBConnection, folder: string): Session {
  return {
    run: async (sql) => {
      await connection.run(sql).catch(translateMemory)
    },
    rows: async (sql) => (await connection.runAndReadAll(sql).catch(translateMemory)).getRows(),
    stream: (sql) => connection.stream(sql).catch(translateMemory),
    gather: (sql) => connection.run(sql).catch(translateMemory),
    appendTo: (table) => connection.createAppender(table),
    freshPath: (extension) => join(folder, `${randomUUID()}.${extension}`),
  }
}

export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** The memory limit is ours, but only the caller can send a smaller table. */
function translateMemory(error: unknown): never {
  if (error instanceof Error && error.message.startsWith('Out of Memory Error')) {
    refuse('The table needs more memory to read than this service gives to reading')
  }
  throw error
}
