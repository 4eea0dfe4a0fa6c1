/**
 * Guesses from the first rows what the columns of a CSV file are, so that the file can be read into typed columns in one
 * pass. A guess costs nothing when it is wrong: the pass fails at the first cell that does not fit, and the file is read
 * again as text (`stage-csv.ts`), which knows every cell.
 */
import { open } from 'node:fs/promises'
import type { ColumnType } from '@trainyard/contracts'
import { findRecordEnd, skipBlank, splitRecord } from './csv-header.ts'
import { dateSql } from './dates.ts'
import { type Kind, MISSING_WORDS, typeOf } from './infer-types.ts'
import { readChunks } from './read-chunks.ts'
import { sqlText } from './session.ts'
import { trimBlanks, trimmedSql } from './trim-blanks.ts'

export interface TypeGuess {
  type: ColumnType
  /** Words such as NA stand for missing cells. */
  hasMissingWords: boolean
  /** DuckDB's CSV reader reads every cell as we do, or fails: half the price of a cast afterwards. */
  isPlainNumber: boolean
}

interface GuessedFile {
  path: string
  separator: string
  names: readonly string[]
  hasHeader: boolean
}

/** Room for a few rows of a wide table besides its names. */
const SAMPLE_BYTES_PER_COLUMN = 128
const SAMPLE_BYTES_MIN = 256 * 1024
const SAMPLE_ROWS = 200
/** Bounds the time on the event loop. A wide table still shows a few rows. */
const SAMPLE_CELLS = 65_536
const SAMPLE_ROWS_MIN = 4
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

export async function guessTypes(
  file: GuessedFile,
  declared: ReadonlyMap<string, ColumnType>,
): Promise<TypeGuess[]> {
  const kinds = file.names.map(() => new Set<Kind>())
  for (const cells of await readSample(file)) {
    for (const [i, cell] of cells.entries()) {
      const text = trimBlanks(cell)
      if (text !== '') kinds[i]?.add(kindOf(text))
    }
  }
  const isGrouping = await hasGroupedDigits(file.path)
  return file.names.map((name, i) => {
    const seen = kinds[i] ?? new Set()
    const type = declared.get(name) ?? typeOf(seen)
    const hasMissingWords = seen.has('missing')
    const isPlainNumber = type === 'number' && !hasMissingWords && !isGrouping
    return { type, hasMissingWords, isPlainNumber }
  })
}

/** SQL of a text column's value by its guess; the query fails when a cell is none. */
export function guessedCell(cell: string, guess: TypeGuess): string {
  const { type, hasMissingWords, isPlainNumber } = guess
  if (isPlainNumber) return cell
  const words = MISSING_WORDS.map(sqlText).join(', ')
  const missing = hasMissingWords ? `WHEN trim(${cell}, E' \\t') IN (${words}) THEN NULL` : ''
  switch (type) {
    case 'number':
      return `CASE ${missing} WHEN contains(${cell}, '_') THEN error('no number')
        ELSE CAST(${cell} AS DOUBLE) END`
    case 'boolean':
      return `CASE ${missing} WHEN ${cell} IS NULL THEN NULL
        WHEN lower(trim(${cell}, E' \\t')) = 'true' THEN true
        WHEN lower(trim(${cell}, E' \\t')) = 'false' THEN false ELSE error('no boolean') END`
    case 'category':
      return trimmedSql(cell)
    case 'date': {
      const text = `nullif(trim(${cell}, E' \\t'), '')`
      return `CASE ${missing} WHEN ${text} IS NULL THEN NULL WHEN ${dateSql(text)} IS NOT NULL THEN ${text}
        ELSE error('no date') END`
    }
  }
}

/** DuckDB takes 1_000 for a number; nobody else does. Whether such a thing stands anywhere in the file. */
async function hasGroupedDigits(path: string): Promise<boolean> {
  for await (const bytes of readChunks(path)) {
    for (let at = bytes.indexOf('_'); at >= 0; at = bytes.indexOf('_', at + 1)) {
      if (mayBeDigit(bytes[at - 1]) && mayBeDigit(bytes[at + 1])) return true
    }
  }
  return false
}

/** What lies beyond the bytes at hand may be one. */
function mayBeDigit(byte: number | undefined): boolean {
  return byte === undefined || (byte >= 48 && byte <= 57)
}

export function kindOf(text: string): Kind {
  if (NUMBER.test(text)) return 'number'
  if (/^(true|false)$/i.test(text)) return 'boolean'
  return MISSING_WORDS.includes(text) ? 'missing' : 'text'
}

/** The cells of the first records, as they stand in the file. */
export async function readSample(file: GuessedFile): Promise<string[][]> {
  const handle = await open(file.path, 'r')
  try {
    const columns = file.names.length
    const buffer = Buffer.alloc(Math.max(SAMPLE_BYTES_MIN, columns * SAMPLE_BYTES_PER_COLUMN))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
    const bytes = buffer.subarray(0, bytesRead)
    const rows = Math.max(SAMPLE_ROWS_MIN, Math.min(SAMPLE_ROWS, SAMPLE_CELLS / columns))
    const records: string[][] = []
    let start = skipBlank(bytes)
    while (start < bytes.length && records.length <= rows) {
      const end = findRecordEnd(bytes, start)
      if (end < 0) break
      // A guess: what is no UTF-8 is found by those who read the file.
      records.push(splitRecord(bytes.toString('utf8', start, end), file.separator, true))
      start = end + 1
      while (bytes[start] === 10 || bytes[start] === 13) start += 1
    }
    return file.hasHeader ? records.slice(1) : records
  } finally {
    await handle.close()
  }
}
