import { rm } from 'node:fs/promises'
import { blockRelation, copyToParquet } from './column-blocks.ts'
import { DataError, refuse } from './data-error.ts'
import { findCsvFaults, findRecordLines } from './scan-csv.ts'
import { type Session, sqlText } from './session.ts'

/** A CSV file as DuckDB read it: every cell trimmed text, empty cells missing, nothing interpreted yet. */
export interface StagedTable {
  path: string
  columns: number
  rows: number
  /** The physical line of each row, for messages. */
  linesOf(rows: readonly number[]): Promise<Map<number, number>>
}

interface CsvSource {
  path: string
  separator: string
  columns: number
  hasHeader: boolean
}

const LINE_BYTES_MAX = 16 * 1024 * 1024

/** Reads the file once, streaming, into a file of text columns. The caller removes `path` when done. */
export async function stageCsv(session: Session, source: CsvSource): Promise<StagedTable> {
  const path = session.freshPath('staged')
  const { columns } = source
  const read = readCsvSql(source)
  try {
    await session.run(
      copyToParquet(
        path,
        columns,
        (column) => `nullif(trim(f${column}, E' \\t'), '')`,
        () => read,
      ),
    )
  } catch (error) {
    await rm(path, { force: true })
    throw await explainCsvError(error, source)
  }
  const rows = await countRows(session, path, columns)
  if (rows === 0) {
    await rm(path, { force: true })
    refuse('The file has a header and no rows')
  }
  const linesOf = async (rowNumbers: readonly number[]): Promise<Map<number, number>> => {
    const first = source.hasHeader ? 1 : 0
    const records = rowNumbers.map((row) => row + first)
    const lines = await findRecordLines(source.path, source.separator, records)
    return new Map([...lines].map(([record, line]) => [record - first, line]))
  }
  return { path, columns, rows, linesOf }
}

function readCsvSql({ path, separator, columns, hasHeader }: CsvSource): string {
  const names = Array.from({ length: columns }, (_, i) => `'f${i}': 'VARCHAR'`)
  return `read_csv(${sqlText(path)}, columns = {${names.join(', ')}}, auto_detect = false, header = ${hasHeader},
    delim = ${sqlText(separator)}, quote = '"', escape = '"', strict_mode = true, nullstr = '',
    max_line_size = ${LINE_BYTES_MAX})`
}

async function countRows(session: Session, path: string, columns: number): Promise<number> {
  const [row] = await session.rows(`SELECT count(*) FROM ${blockRelation(path, columns, 0)}`)
  return Number(row?.[0])
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
