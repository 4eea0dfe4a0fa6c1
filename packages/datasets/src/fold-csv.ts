/**
 * Cuts a wide CSV file into files of 1,024 columns each, so that DuckDB parses every byte once: it would parse the whole
 * line again for every block of columns, and hold the state of all of them. Cells are copied as they stand, quotes
 * included. What is not plainly sound (rows of other lengths, lone CRs, open quotes) is not cut: the answer is null, and
 * whoever reads the whole file instead finds the words for it.
 */
import { type FileHandle, open, rm } from 'node:fs/promises'
import { BLOCK_COLUMNS, blocksOf } from './column-blocks.ts'
import type { Session } from './session.ts'

export interface FoldedCsv {
  /** One file per block of columns, without a header. */
  paths: string[]
  rows: number
}

interface CsvShape {
  path: string
  separator: string
  columns: number
  hasHeader: boolean
}

/** The event loop is held for a millisecond or two by each. */
const CHUNK_BYTES = 256 * 1024
const BOM = Buffer.from([0xef, 0xbb, 0xbf])
const LF = 10
const CR = 13
const SPACE = 32
const QUOTE = 34

const CELL_START = 0
const PLAIN = 1
const QUOTED = 2
const QUOTE_IN_QUOTED = 3

/** The caller removes the files. */
export async function foldCsv(session: Session, shape: CsvShape): Promise<FoldedCsv | null> {
  const paths = blocksOf(shape.columns).map(() => session.freshPath('fold'))
  const outputs = paths.map(makeOutput)
  const source = await open(shape.path, 'r')
  let rows: number | null = null
  try {
    rows = await cutRecords(source, shape, outputs)
    return rows === null ? null : { paths, rows }
  } finally {
    await source.close()
    await Promise.all(outputs.map((output) => output.close()))
    if (rows === null) await removeFiles(paths)
  }
}

export async function removeFiles(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, { force: true })))
}

type Output = ReturnType<typeof makeOutput>

async function cutRecords(
  source: FileHandle,
  shape: CsvShape,
  outputs: readonly Output[],
): Promise<number | null> {
  const cutter = makeCutter(shape, outputs)
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  for (let position = 0; ; ) {
    const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, position)
    if (bytesRead === 0) break
    const hasBom = position === 0 && buffer.subarray(0, 3).equals(BOM)
    if (!cutter.take(buffer.subarray(hasBom ? 3 : 0, bytesRead))) return null
    position += bytesRead
    for (const output of outputs) await output.flush()
  }
  return cutter.end()
}

function makeCutter({ separator, columns, hasHeader }: CsvShape, outputs: readonly Output[]) {
  const separatorByte = separator.charCodeAt(0)
  let state = CELL_START
  let cell = 0
  let isBlank = true
  let isHeader = hasHeader
  let rows = 0
  let previous = -1

  /** False when the record has another number of cells than the header. */
  const endRecord = (): boolean => {
    const isWhole = isBlank || cell === columns - 1
    if (!isBlank && !isHeader) rows += 1
    if (!isBlank) isHeader = false
    state = CELL_START
    cell = 0
    isBlank = true
    return isWhole
  }

  const take = (bytes: Buffer): boolean => {
    let from = 0
    const emit = (to: number): void => {
      if (!isHeader && to > from) outputs[Math.floor(cell / BLOCK_COLUMNS)]?.write(bytes, from, to)
    }
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] as number
      if (state === QUOTED) {
        if (byte === QUOTE) state = QUOTE_IN_QUOTED
      } else if (byte === separatorByte) {
        isBlank = false
        state = CELL_START
        // Between two blocks stands a line end, inside one the separator is copied along.
        if ((cell + 1) % BLOCK_COLUMNS === 0) {
          emit(i)
          if (!isHeader) outputs[Math.floor(cell / BLOCK_COLUMNS)]?.endLine()
          from = i + 1
        }
        cell += 1
        if (cell >= columns) return false
      } else if (byte === LF) {
        emit(previous === CR ? i - 1 : i)
        if (!isBlank && !isHeader) outputs[Math.floor(cell / BLOCK_COLUMNS)]?.endLine()
        from = i + 1
        if (!endRecord()) return false
      } else if (previous === CR) return false
      else if (byte !== CR) {
        isBlank = false
        if (byte === QUOTE) {
          if (state !== PLAIN) state = QUOTED
        } else if (state === QUOTE_IN_QUOTED) {
          if (byte !== SPACE) return false
        } else if (byte !== SPACE) state = PLAIN
      } else if (i === bytes.length - 1) {
        // Whether the CR ends the line is known with the next byte, and it must not be copied before.
        emit(i)
        from = bytes.length
      }
      previous = state === QUOTED ? -1 : byte
    }
    emit(bytes.length)
    return true
  }

  const end = (): number | null => {
    if (state === QUOTED || previous === CR) return null
    if (!isBlank && !isHeader) outputs[Math.floor(cell / BLOCK_COLUMNS)]?.endLine()
    return endRecord() ? rows : null
  }

  return { take, end }
}

/** Gathers what a chunk gives to one file, and writes it in one go. The file is there from the first flush on. */
function makeOutput(path: string) {
  let file: FileHandle | null = null
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  let filled = 0

  const reserve = (bytes: number): void => {
    if (filled + bytes <= buffer.length) return
    const larger = Buffer.allocUnsafe(2 * (filled + bytes))
    buffer.copy(larger, 0, 0, filled)
    buffer = larger
  }

  return {
    write(bytes: Buffer, from: number, to: number): void {
      reserve(to - from)
      filled += bytes.copy(buffer, filled, from, to)
    },
    endLine(): void {
      reserve(1)
      buffer[filled] = LF
      filled += 1
    },
    async flush(): Promise<void> {
      file ??= await open(path, 'w')
      if (filled > 0) await file.writeFile(buffer.subarray(0, filled))
      filled = 0
    },
    async close(): Promise<void> {
      if (filled > 0) await this.flush()
      await file?.close()
    },
  }
}
