import { open } from 'node:fs/promises'

/** The event loop is held for a millisecond by a look at each. */
const CHUNK_BYTES = 256 * 1024

/** A file's bytes in order, with little memory: each chunk is overwritten by the next. */
export async function* readChunks(path: string): AsyncGenerator<Buffer> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    for (let position = 0; ; ) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
      position += bytesRead
    }
  } finally {
    await file.close()
  }
}
