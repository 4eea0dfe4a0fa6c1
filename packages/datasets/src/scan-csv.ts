/**
 * Walks a CSV file byte by byte to say where something stands. DuckDB reads files; this runs only after DuckDB or a
 * check on its rows refused one, because DuckDB counts records while people count lines: a quoted cell may hold line
 * breaks. It follows DuckDB's strict reading (a quote opens only at the start of a cell, blank lines are skipped, empty
 * cells beyond the last column are let through). 256 KiB at a time, so the event loop is held for a millisecond or two.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { type DataFault, FAULTS_MAX } from './data-error.ts'

interface CsvRecord {
  /** From 0, blank lines not counted; the header is record 0 when there is one. */
  index: number
  line: number
  cells: number
  /** Cells up to the last that is not empty. */
  filled: number
  fault: string | null
}

const CHUNK_BYTES = 256 * 1024
const NUL = 0
const LF = 10
const CR = 13
const SPACE = 32
const QUOTE = 34

const CELL_START = 0
const PLAIN = 1
const QUOTED = 2
const QUOTE_IN_QUOTED = 3
const LEADING_SPACE = 4

/** The first faults of the file's structure, in order of lines; none when it is sound. */
export async function findCsvFaults(
  path: string,
  separator: string,
  columns: number,
): Promise<DataFault[]> {
  const faults: DataFault[] = []
  await scanRecords(path, separator, (record) => {
    if (record.fault !== null) {
      faults.push({ detail: `Line ${record.line}: ${record.fault}`, line: record.line })
    } else if (record.cells < columns || record.filled > columns) {
      faults.push({
        detail: `Line ${record.line} has ${count(record.cells, 'cell')}, the first line has ${columns}`,
        line: record.line,
      })
    }
    return faults.length < FAULTS_MAX
  })
  return faults
}

/** The line each of the records starts on; `records` ascending. */
export async function findRecordLines(
  path: string,
  separator: string,
  records: readonly number[],
): Promise<Map<number, number>> {
  const wanted = new Set(records)
  const lines = new Map<number, number>()
  if (wanted.size === 0) return lines
  await scanRecords(path, separator, (record) => {
    if (wanted.has(record.index)) lines.set(record.index, record.line)
    return lines.size < wanted.size
  })
  return lines
}

/** Calls `visit` at the end of each record until it answers false. */
async function scanRecords(
  path: string,
  separator: string,
  visit: (record: CsvRecord) => boolean,
): Promise<void> {
  const scanner = makeScanner(separator.charCodeAt(0), visit)
  const file: FileHandle = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    let position = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position)
      if (bytesRead === 0) break
      const hasBom = position === 0 && buffer[0] === 0xef && buffer[1] === 0xbb
      if (!scanner.take(buffer, hasBom ? 3 : 0, bytesRead)) return
      position += bytesRead
    }
    scanner.end()
  } finally {
    await file.close()
  }
}

function makeScanner(separator: number, visit: (record: CsvRecord) => boolean) {
  const utf8 = makeUtf8Check()
  let state = CELL_START
  let index = 0
  let line = 1
  let startLine = 1
  let cells = 0
  let filled = 0
  let recordBytes = 0
  let fault: string | null = null
  let previous = -1
  let lineEnd: 'LF' | 'CRLF' | 'CR' | null = null

  const endRecord = (): boolean => {
    const isBlank = recordBytes === 0
    cells += 1
    const more = isBlank || visit({ index, line: startLine, cells, filled, fault })
    if (!isBlank) index += 1
    state = CELL_START
    cells = 0
    filled = 0
    recordBytes = 0
    fault = null
    return more
  }

  const endLine = (kind: 'LF' | 'CRLF' | 'CR'): boolean => {
    lineEnd ??= kind
    if (lineEnd !== kind) {
      fault ??= `ends in ${kind}, the lines before in ${lineEnd}: line ends must be all the same`
    }
    const more = endRecord()
    startLine = line
    return more
  }

  /** False when the visitor wants no more. */
  const take = (bytes: Uint8Array, from: number, to: number): boolean => {
    for (let i = from; i < to; i++) {
      const byte = bytes[i] ?? 0
      if (!utf8(byte)) fault ??= 'is not valid UTF-8'
      if (byte === NUL) fault ??= 'holds a NUL byte'
      // A lone CR is known only by the byte after it.
      if (state !== QUOTED && previous === CR && byte !== LF) {
        line += 1
        if (!endLine('CR')) return false
      }
      const afterCr = previous === CR
      previous = byte
      if (state === QUOTED) {
        recordBytes += 1
        if (byte === LF || afterCr) line += 1
        if (byte === QUOTE) state = QUOTE_IN_QUOTED
        else filled = cells + 1
        continue
      }
      if (byte === CR) continue
      if (byte === LF) {
        line += 1
        if (!endLine(afterCr ? 'CRLF' : 'LF')) return false
        continue
      }
      recordBytes += 1
      if (byte === separator) {
        cells += 1
        state = CELL_START
      } else if (state === CELL_START || state === LEADING_SPACE) {
        if (byte === QUOTE) state = QUOTED
        else state = byte === SPACE ? LEADING_SPACE : PLAIN
        if (state !== QUOTED) filled = cells + 1
      } else if (state === QUOTE_IN_QUOTED) {
        if (byte === QUOTE) {
          state = QUOTED
          filled = cells + 1
        } else if (byte !== SPACE) fault ??= 'has text after a closing quote'
      }
    }
    return true
  }

  const end = (): void => {
    if (state === QUOTED) fault ??= 'opens a quote that is never closed'
    if (previous === CR && state !== QUOTED) line += 1
    endRecord()
  }

  return { take, end }
}

/** Answers false at the first byte that no UTF-8 text can have there (RFC 3629, no surrogates, no overlong forms). */
function makeUtf8Check(): (byte: number) => boolean {
  let left = 0
  let low = 0x80
  let high = 0xbf
  return (byte) => {
    if (left > 0) {
      const isValid = byte >= low && byte <= high
      left = isValid ? left - 1 : 0
      low = 0x80
      high = 0xbf
      return isValid
    }
    if (byte < 0x80) return true
    if (byte >= 0xc2 && byte <= 0xdf) left = 1
    else if (byte >= 0xe0 && byte <= 0xef) left = 2
    else if (byte >= 0xf0 && byte <= 0xf4) left = 3
    else return false
    if (byte === 0xe0) low = 0xa0
    if (byte === 0xed) high = 0x9f
    if (byte === 0xf0) low = 0x90
    if (byte === 0xf4) high = 0x8f
    return true
  }
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
