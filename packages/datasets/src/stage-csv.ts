import { rm } from 'node:fs/promises'
import { blocksOf, copySql, physicalName } from './column-blocks.ts'
import { DataError, refuse } from './data-error.ts'
import type { FoldedCsv } from './fold-csv.ts'
import { RECORD_BYTES_MAX } from './long-records.ts'
import { findCsvFaults, findRecordLines } from './scan-csv.ts'
import { type Session, sqlText } from './session.ts'
import type { LinesOf } from './store-table.ts'
import { trimmedSql } from './trim-blanks.ts'

/** A CSV file as DuckDB read it: every cell trimmed text, empty cells missing, nothing interpreted yet. */
export interface StagedTable {
  columns: number
  rows: number
  /** SQL relation of one block's columns, with `file_row_number` as the row. */
  relation(block: number): string
  /** The physical line of each row, for messages. */
  linesOf: LinesOf
  remove(): Promise<void>
}

export interface CsvSource {
  path: string
  separator: string
  columns: number
  hasHeader: boolean
  /** The same cells cut into files of one block each, when the table is wide. */
  folded: FoldedCsv | null
  linesOf: LinesOf
}

/** DuckDB holds a few of these at once; a record has to fit into one. */
const BUFFER_BYTES = RECORD_BYTES_MAX

/**
 * Reads the file, streaming, into files of text columns; once per block of columns, so that a wide table never lies in
 * memory as a whole. The caller removes them when done.
 */
export async function stageCsv(session: Session, source: CsvSource): Promise<StagedTable> {
  const { columns } = source
  const paths: string[] = []
  const remove = async (): Promise<void> => {
    await Promise.all(paths.map((path) => rm(path, { force: true })))
  }
  const relation = (block: number): string =>
    `read_parquet(${sqlText(paths[block] ?? '')}, file_row_number = true)`
  try {
    for (const [b, block] of blocksOf(columns).entries()) {
      const path = session.freshPath('staged')
      paths.push(path)
      const cells = block.map((i) => `${trimmedSql(`f${i}`)} AS ${physicalName(i)}`)
      const query = `SELECT ${cells.join(', ')} FROM ${csvRelation(source, b)}`
      await session.run(copySql(path, block.length, query, { compression: 'snappy' }))
    }
    const [row] = await session.rows(`SELECT count(*) FROM ${relation(0)}`)
    const rows = Number(row?.[0])
    if (rows === 0) refuse('The file has a header and no rows')
    return { columns, rows, relation, linesOf: source.linesOf, remove }
  } catch (error) {
    await remove()
    throw await explainCsvError(error, source)
  }
}

/** The physical line on which each row starts. */
export async function findCsvLines(
  { path, separator, hasHeader }: Pick<CsvSource, 'path' | 'separator' | 'hasHeader'>,
  rows: readonly number[],
): Promise<Map<number, number>> {
  const first = hasHeader ? 1 : 0
  const records = rows.map((row) => row + first)
  const lines = await findRecordLines(path, separator, records)
  return new Map([...lines].map(([record, line]) => [record - first, line]))
}

/**
 * SQL relation of the texts of one block, as they stand in the file; columns are `f0`, `f1`, … by their place. Those that
 * `isNumber` are read as numbers right away, and a cell that is none fails the query.
 */
export function csvRelation(
  source: CsvSource,
  block: number,
  isNumber: (column: number) => boolean = () => false,
): string {
  const { folded, separator } = source
  const columns =
    folded === null ? [...Array(source.columns).keys()] : blocksOf(source.columns)[block]
  const names = (columns ?? []).map((i) => `'f${i}': '${isNumber(i) ? 'DOUBLE' : 'VARCHAR'}'`)
  const path = folded?.paths[block] ?? source.path
  const hasHeader = folded === null && source.hasHeader
  return `read_csv(${sqlText(path)}, columns = {${names.join(', ')}}, auto_detect = false, header = ${hasHeader},
    delim = ${sqlText(separator)}, quote = '"', escape = '"', strict_mode = true, nullstr = '',
    max_line_size = ${RECORD_BYTES_MAX}, buffer_size = ${BUFFER_BYTES})`
}

/** DuckDB counts records and names its settings; callers need lines. Its own first sentence is the last resort. */
async function explainCsvError(error: unknown, source: CsvSource): Promise<unknown> {
  if (!(error instanceof Error) || error instanceof DataError) return error
  if (!error.message.startsWith('Invalid Input Error')) return error
  const faults = await findCsvFaults(source.path, source.separator, source.columns)
  if (faults.length > 0) return new DataError(faults)
  return new DataError([{ detail: firstSentence(error.message) }])
}

function firstSentence(message: string): string {
  const [line = ''] = message.replace('Invalid Input Error: ', '').split('\n')
  return `The file is not valid CSV: ${line.trim()}`
}
