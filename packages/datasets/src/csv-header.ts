/** Reads the first line of a CSV file: encoding, separator, names. Everything after it is DuckDB's. */
import { open } from 'node:fs/promises'
import { DATASET_COLUMNS_MAX } from '@trainyard/contracts'
import { DataError, type DataFault, quoteCell, refuse } from './data-error.ts'

export interface CsvHeader {
  names: string[]
  separator: string
  /** True when every name reads as a number: perhaps the file has no header. */
  looksLikeData: boolean
}

const HEADER_NAME_CHARACTERS_MAX = 128
const PEEK_BYTES = 64 * 1024
/** Every column with the longest name in the widest characters, quoted, fits in this. */
const FIRST_LINE_BYTES_MAX = 4 * 1024 * 1024
const SEPARATORS = [',', ';', '\t', '|'] as const

interface HeaderOptions {
  separator: string | undefined
  hasHeader: boolean
}

export async function readCsvHeader(path: string, options: HeaderOptions): Promise<CsvHeader> {
  if (options.separator !== undefined) assertSeparator(options.separator)
  const text = await readFirstRecord(path)
  const separator = options.separator ?? guessSeparator(text)
  const cells = splitRecord(text, separator)
  // As in the rows: one separator at the very end of the line opens no column.
  if (cells.length > 2 && cells.at(-1) === '' && !options.hasHeader) cells.pop()
  if (cells.length > DATASET_COLUMNS_MAX) {
    refuse(`The first line has more than ${DATASET_COLUMNS_MAX} columns; no more are read`, {
      line: 1,
    })
  }
  if (cells.length < 2) {
    refuse(
      `The first line has one column, split at ${quoteCell(separator)}; a feature and a target are needed at least`,
      { line: 1 },
    )
  }
  if (!options.hasHeader) {
    return { names: cells.map((_, i) => `column_${i + 1}`), separator, looksLikeData: false }
  }
  const names = cells.map((cell) => cell.trim())
  const faults = findNameFaults(names)
  if (faults.length > 0) throw new DataError(faults.map((fault) => ({ ...fault, line: 1 })))
  const looksLikeData = names.every((name) => Number.isFinite(Number(name)))
  return { names, separator, looksLikeData }
}

/** Faults of column names, wherever they come from. */
export function findNameFaults(names: readonly string[]): DataFault[] {
  const faults: DataFault[] = []
  const seen = new Set<string>()
  for (const [i, name] of names.entries()) {
    if (name === '') faults.push({ detail: `The name of column ${i + 1} is empty` })
    else if (name.length > HEADER_NAME_CHARACTERS_MAX) {
      faults.push({
        detail: `The name of column ${i + 1} has ${name.length} characters; at most ${HEADER_NAME_CHARACTERS_MAX} are taken`,
      })
    } else if (seen.has(name)) {
      faults.push({ detail: `The column name ${quoteCell(name)} stands twice`, column: name })
    } else if (/\p{Cc}/u.test(name)) {
      faults.push({ detail: `The name of column ${i + 1} holds a control character` })
    }
    seen.add(name)
  }
  return faults
}

/** The text of the first record that is not blank, without its line end. */
async function readFirstRecord(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    if (size === 0) refuse('The file is empty')
    const lengthMax = Math.min(size, FIRST_LINE_BYTES_MAX)
    for (let length = Math.min(PEEK_BYTES, size); ; length = Math.min(length * 16, lengthMax)) {
      const bytes = Buffer.alloc(length)
      await file.read(bytes, 0, length, 0)
      assertEncoding(bytes)
      const start = skipBlank(bytes)
      const end = findRecordEnd(bytes, start)
      if (end >= 0) return decode(bytes.subarray(start, end))
      if (length === size) {
        if (start === size) refuse('The file holds nothing but blank lines')
        return decode(bytes.subarray(start))
      }
      if (length === lengthMax) {
        refuse(
          `The first line is longer than 4 MiB: it has more than ${DATASET_COLUMNS_MAX} columns, or a quote in it is never closed`,
          { line: 1 },
        )
      }
    }
  } finally {
    await file.close()
  }
}

function assertEncoding(bytes: Buffer): void {
  const [first, second, third, fourth] = bytes
  const isUtf16 =
    (first === 0xff && second === 0xfe) ||
    (first === 0xfe && second === 0xff) ||
    (first === 0 && second !== 0 && third === 0) ||
    (first !== 0 && second === 0 && third !== 0 && fourth === 0)
  if (isUtf16) refuse('The file is UTF-16; save it as UTF-8', { line: 1 })
}

export function skipBlank(bytes: Buffer): number {
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  while (bytes[start] === 10 || bytes[start] === 13) start += 1
  return start
}

export function findRecordEnd(bytes: Buffer, start: number): number {
  let isQuoted = false
  for (let i = start; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === 34) isQuoted = !isQuoted
    else if (!isQuoted && (byte === 10 || byte === 13)) return i
  }
  return -1
}

function decode(bytes: Buffer): string {
  if (bytes.includes(0)) refuse('Line 1 holds a NUL byte', { line: 1 })
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // The decoder says only that it failed.
    return refuse('Line 1 is not valid UTF-8', { line: 1 })
  }
}

/** The separator that splits the first line into the most cells; a comma when none does. */
function guessSeparator(text: string): string {
  let best: string = ','
  let most = 1
  for (const separator of SEPARATORS) {
    const cells = splitRecord(text, separator, true).length
    if (cells > most) {
      most = cells
      best = separator
    }
  }
  return best
}

export function splitRecord(text: string, separator: string, isGuess = false): string[] {
  const cells: string[] = []
  let at = 0
  for (;;) {
    const quoted = readQuoted(text, at)
    if (quoted !== null) {
      cells.push(quoted.cell)
      at = quoted.end
      if (at < text.length && text[at] !== separator && !isGuess) {
        refuse('Line 1 has text after a closing quote', { line: 1 })
      }
    } else if (text[at] === '"' && !isGuess) {
      refuse('Line 1 opens a quote that is never closed', { line: 1 })
    }
    const end = text.indexOf(separator, at)
    if (quoted === null) cells.push(text.slice(at, end < 0 ? undefined : end))
    // A line of a million columns is not cut to its end, four times over.
    if (end < 0 || cells.length > DATASET_COLUMNS_MAX) return cells
    at = end + 1
  }
}

/** The cell in quotes that starts here, and where the blanks behind it end; null when none does or it does not close. */
function readQuoted(text: string, from: number): { cell: string; end: number } | null {
  let start = from
  while (text[start] === ' ') start += 1
  if (text[start] !== '"') return null
  let close = text.indexOf('"', start + 1)
  while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2)
  if (close < 0) return null
  let end = close + 1
  while (text[end] === ' ') end += 1
  return { cell: text.slice(start + 1, close).replaceAll('""', '"'), end }
}

function assertSeparator(separator: string): void {
  if (!/^[\t\x20-\x7e]$/.test(separator) || /["A-Za-z0-9.+-]/.test(separator)) {
    refuse(`${quoteCell(separator)} cannot separate cells; use one of , ; | or a tab`)
  }
}
