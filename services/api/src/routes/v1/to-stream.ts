import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Chunks are made one per turn of the event loop, and only as fast as the client takes them. */
export function toStream(chunks: Iterable<Uint8Array | string>): Readable {
  return Readable.from(
    (async function* () {
      for (const chunk of chunks) {
        if (chunk.length > 0) yield chunk
        await nextTurn()
      }
    })(),
    { objectMode: false, highWaterMark: 256 * 1024 },
  )
}
