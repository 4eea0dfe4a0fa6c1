/**
 * Reading tables with DuckDB, inside bounds: one in-memory database per process with a memory limit, no network, no
 * extensions, and no file outside its folder. Everything runs on threads of libuv or DuckDB; only short copies run on
 * the event loop.
 */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { DuckDBInstance } from '@duckdb/node-api'
import type { Cell, Column, GeneratedDataset } from '@trainyard/contracts'
import {
  type ChangeableTable,
  type Changed,
  changeTable,
  type TableChange,
} from './change-table.ts'
import { type FileOptions, ingestFile } from './ingest-file.ts'
import { ingestGenerated } from './ingest-generated.ts'
import { type InlineRows, ingestRows } from './ingest-rows.ts'
import { readRows, readTable } from './read-table.ts'
import { makeSession, type Session, sqlText } from './session.ts'
import { type PredictedTable, type SourceTable, storePredictions } from './store-predictions.ts'
import type { Ingested } from './store-table.ts'
import type { Table } from './table.ts'

export interface TablesOptions {
  /** Every file read or written lies in here, uploads too. Created when absent. */
  folder: string
  /** Upper bound of DuckDB's memory; larger work spills to the folder or is refused. Default 512. */
  memoryMb?: number
  /**
   * Threads of one query. Default 1, and only with 1 do equal contents give equal bytes, so a process that ingests
   * leaves it; queries of different callers run side by side anyway. More read a large table faster.
   */
  threads?: number
}

export interface Tables {
  /** `path`, and that of labels, lie in the folder and are left as they are. */
  ingestFile(path: string, options?: FileOptions): Promise<Ingested>
  ingestRows(rows: InlineRows): Promise<Ingested>
  ingestGenerated(builtin: GeneratedDataset['builtin']): Promise<Ingested>
  /** What a stored table is when types, roles or the target are said otherwise. The file is left as it is. */
  changeTable(parquetPath: string, current: ChangeableTable, change: TableChange): Promise<Changed>
  /** Cells in data-set order; `columns` are all of the data set's. Past the end there are none. */
  readRows(
    parquetPath: string,
    columns: readonly Column[],
    page: { offset: number; limit: number },
  ): Promise<Cell[][]>
  /**
   * The columns that take part in training, in shared memory; `columns` are all of the data set's. Of all rows, or of those that
   * are listed, ascending, which count from 0 then.
   */
  readTable(parquetPath: string, columns: readonly Column[], rows?: Uint32Array): Promise<Table>
  /** What a model says of every row of a stored table, as a table with the ids of the source. */
  storePredictions(source: SourceTable, predicted: PredictedTable): Promise<Ingested>
  close(): Promise<void>
}

const MEMORY_MB_DEFAULT = 320

export async function openTables(options: TablesOptions): Promise<Tables> {
  const folder = resolve(options.folder)
  const spillFolder = join(folder, 'spill')
  await mkdir(spillFolder, { recursive: true })
  let instance: Promise<DuckDBInstance> | null = null
  let isClosed = false

  const withSession = async <Result>(work: (session: Session) => Promise<Result>) => {
    instance ??= openInstance(folder, spillFolder, options).catch((error: unknown) => {
      // Not for ever: the next table tries again.
      instance = null
      throw error
    })
    const connection = await (await instance).connect()
    try {
      return await work(makeSession(connection, folder))
    } finally {
      connection.closeSync()
    }
  }

  return {
    ingestFile: (path, options = {}) =>
      withSession((session) => ingestFile(session, path, options)),
    ingestRows: (rows) => withSession((session) => ingestRows(session, rows)),
    ingestGenerated: (builtin) => withSession((session) => ingestGenerated(session, builtin)),
    changeTable: (path, current, change) =>
      withSession((session) => changeTable(session, path, current, change)),
    readRows: (path, columns, page) =>
      withSession((session) => readRows(session, path, columns, page)),
    readTable: (path, columns, rows) =>
      withSession((session) => readTable(session, path, columns, rows)),
    storePredictions: (source, predicted) =>
      withSession((session) => storePredictions(session, source, predicted)),
    close: async () => {
      if (isClosed) return
      isClosed = true
      ;(await instance)?.closeSync()
    },
  }
}

/** With the first table: loading DuckDB takes a fifth of a second, which a start shall not wait for. */
async function openInstance(
  folder: string,
  spillFolder: string,
  options: TablesOptions,
): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${options.memoryMb ?? MEMORY_MB_DEFAULT}MB`,
    threads: String(options.threads ?? 1),
    temp_directory: spillFolder,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  await lockDown(instance, folder)
  return instance
}

/** The order matters: the folder is allowed while settings may still change. */
async function lockDown(instance: DuckDBInstance, folder: string): Promise<void> {
  const connection = await instance.connect()
  try {
    // Files never change under their name, and the footer of a wide one is long to read.
    await connection.run('SET GLOBAL parquet_metadata_cache = true')
    await connection.run(`SET allowed_directories = [${sqlText(`${folder}/`)}]`)
    await connection.run('SET enable_external_access = false')
    await connection.run('SET lock_configuration = true')
  } finally {
    connection.closeSync()
  }
}
