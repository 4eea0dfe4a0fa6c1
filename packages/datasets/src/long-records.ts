/**
 * Refuses a CSV file with a record longer than DuckDB's buffer takes, before DuckDB sees it: it would leave out such a
 * record, and what stands around it, without a word. Chunks without a quote are only searched for line ends.
 */
import { open } from 'node:fs/promises'
import { refuse } from './data-error.ts'

export const RECORD_BYTES_MAX = 4 * 1024 * 1024
const CHUNK_BYTES = 256 * 1024
const LF = 10
const CR = 13
const SPACE = 32
const QUOTE = 34

export async function assertRecordLengths(path: string, separator: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    if (size <= RECORD_BYTES_MAX) return
    const take = makeLengthCheck(separator.charCodeAt(0))
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    for (let position = 0; position < size; ) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position)
      if (bytesRead === 0) return
      take(buffer.subarray(0, bytesRead))
      position += bytesRead
    }
  } finally {
    await file.close()
  }
}

function makeLengthCheck(separator: number): (bytes: Buffer) => void {
  let isCellStart = true
  let isQuoted = false
  let bytesBefore = 0
  let recordStart = 0
  let line = 1
  let recordLine = 1

  const endRecord = (at: number): void => {
    assertLength(at - recordStart, recordLine)
    recordStart = at + 1
    recordLine = line
    isCellStart = true
  }

  const searchLines = (bytes: Buffer): void => {
    let lf = bytes.indexOf(LF)
    let cr = bytes.indexOf(CR)
    while (lf >= 0 || cr >= 0) {
      const isLf = cr < 0 || (lf >= 0 && lf < cr)
      const found = isLf ? lf : cr
      if (isLf) line += 1
      endRecord(bytesBefore + found)
      if (isLf) lf = bytes.indexOf(LF, found + 1)
      else cr = bytes.indexOf(CR, found + 1)
    }
    const last = bytes.at(-1)
    isCellStart =
      last === separator || last === LF || last === CR || (isCellStart && last === SPACE)
  }

  const walk = (bytes: Buffer): void => {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]
      if (byte === LF) line += 1
      if (isQuoted) {
        // A doubled quote closes here and opens again at once, which comes to the same.
        if (byte === QUOTE) {
          isQuoted = false
          isCellStart = true
        }
      } else if (byte === LF || byte === CR) endRecord(bytesBefore + i)
      else if (byte === QUOTE && isCellStart) isQuoted = true
      else if (byte === separator) isCellStart = true
      else if (byte !== SPACE) isCellStart = false
    }
  }

  return (bytes) => {
    if (!isQuoted && bytes.indexOf(QUOTE) < 0) searchLines(bytes)
    else walk(bytes)
    bytesBefore += bytes.length
    assertLength(bytesBefore - recordStart, recordLine)
  }
}

function assertLength(bytes: number, line: number): void {
  if (bytes <= RECORD_BYTES_MAX) return
  refuse(`Line ${line}: the record is longer than 4 MiB, or a quote in it is never closed`, {
    line,
  })
}
