/**
 * Refuses a CSV file with a record longer than DuckDB's buffer takes, before DuckDB sees it: it would leave out such a
 * record, and what stands around it, without a word. Chunks without a quote are only searched for line ends.
 */
import { stat } from 'node:fs/promises'
import { refuse } from './data-error.ts'
import { readChunks } from './read-chunks.ts'

export const RECORD_BYTES_MAX = 4 * 1024 * 1024
const LF = 10
const CR = 13
const SPACE = 32
const QUOTE = 34

const RECORD_END = 0
const CELL_START = 1
const PLAIN = 2
const QUOTED = 3
const STATES = [RECORD_END, CELL_START, PLAIN, QUOTED]

export async function assertRecordLengths(path: string, separator: string): Promise<void> {
  const { size } = await stat(path)
  if (size <= RECORD_BYTES_MAX) return
  const take = makeLengthCheck(separator.charCodeAt(0))
  for await (const bytes of readChunks(path)) {
    const longAt = take(bytes)
    if (longAt === null) continue
    const line = await lineAt(path, longAt)
    refuse(`Line ${line}: the record is longer than 4 MiB, or a quote in it is never closed`, {
      line,
    })
  }
}

/** Answers where a record starts that is too long, or null as long as none is. */
function makeLengthCheck(separator: number): (bytes: Buffer) => number | null {
  const next = makeTransitions(separator)
  let state = RECORD_END
  let bytesBefore = 0
  let recordStart = 0

  /** The ends between the first and the last lie within one chunk. */
  const searchEnds = (bytes: Buffer): boolean => {
    const found = [bytes.indexOf(LF), bytes.indexOf(CR)].filter((at) => at >= 0)
    if (found.length > 0) {
      if (isTooLong(Math.min(...found))) return true
      recordStart = bytesBefore + Math.max(bytes.lastIndexOf(LF), bytes.lastIndexOf(CR)) + 1
    }
    // A cell starts after its separator, and the blanks that may follow.
    let last = bytes.length - 1
    while (last >= 0 && bytes[last] === SPACE) last -= 1
    const byte = bytes[last]
    if (byte === LF || byte === CR || byte === separator) state = CELL_START
    else if (byte !== undefined) state = PLAIN
    return false
  }

  const walk = (bytes: Buffer): boolean => {
    for (let i = 0; i < bytes.length; i++) {
      state = next[(state << 8) | (bytes[i] as number)] as number
      if (state !== RECORD_END) continue
      if (isTooLong(i)) return true
      recordStart = bytesBefore + i + 1
    }
    return false
  }

  const isTooLong = (end: number): boolean => bytesBefore + end - recordStart > RECORD_BYTES_MAX

  return (bytes) => {
    const isPlain = state !== QUOTED && bytes.indexOf(QUOTE) < 0
    if ((isPlain ? searchEnds(bytes) : walk(bytes)) || isTooLong(bytes.length)) return recordStart
    bytesBefore += bytes.length
    return null
  }
}

/** The state after a byte, at `state << 8 | byte`: a table takes half the time of branches that nothing can predict. */
function makeTransitions(separator: number): Uint8Array {
  const next = new Uint8Array(STATES.length << 8)
  for (const state of STATES) {
    const isStart = state === RECORD_END || state === CELL_START
    const row = next.subarray(state << 8, (state + 1) << 8)
    row.fill(state === QUOTED ? QUOTED : PLAIN)
    if (state === QUOTED) {
      // A doubled quote closes here and opens again at once, which comes to the same.
      row[QUOTE] = CELL_START
      continue
    }
    row[LF] = RECORD_END
    row[CR] = RECORD_END
    row[separator] = CELL_START
    row[SPACE] = isStart ? CELL_START : PLAIN
    row[QUOTE] = isStart ? QUOTED : PLAIN
  }
  return next
}

/** The physical line of a byte, from 1. */
async function lineAt(path: string, position: number): Promise<number> {
  let line = 1
  let before = 0
  for await (const bytes of readChunks(path)) {
    const part = bytes.subarray(0, Math.max(0, position - before))
    for (let at = part.indexOf(LF); at >= 0; at = part.indexOf(LF, at + 1)) line += 1
    before += bytes.length
    if (before >= position) break
  }
  return line
}
