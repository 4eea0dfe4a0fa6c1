/** Lines of a text file that are not blank, with their numbers; memory holds one line and a piece of the file. */
import { createReadStream } from 'node:fs'

export interface TextLine {
  /** From 1. */
  line: number
  /** Without the line end; null when the line is longer than 4 MiB. */
  bytes: Buffer | null
}

const CHUNK_BYTES = 256 * 1024
const LINE_BYTES_MAX = 4 * 1024 * 1024

export async function* readLines(path: string): AsyncGenerator<TextLine> {
  let rest: Buffer[] = []
  let restBytes = 0
  let line = 1
  const take = (): TextLine | null => {
    const bytes = restBytes > LINE_BYTES_MAX ? null : Buffer.concat(rest)
    rest = []
    restBytes = 0
    return bytes !== null && isBlank(bytes) ? null : { line, bytes }
  }
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    const bytes = chunk as Buffer
    for (let start = 0; start < bytes.length; ) {
      const found = bytes.indexOf(10, start)
      const end = found < 0 ? bytes.length : found
      restBytes += end - start
      if (restBytes <= LINE_BYTES_MAX) rest.push(bytes.subarray(start, end))
      start = end + 1
      if (found < 0) continue
      const whole = take()
      if (whole !== null) yield whole
      line += 1
    }
  }
  const last = take()
  if (last !== null) yield last
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9 || byte === 13)
}
