import type { Readable } from 'node:stream'
import { DomainError } from '@trainyard/domain'

/** A body that stands still this long is given up. */
const IDLE_MS = 30_000

/**
 * The bytes of a body as they come. Whoever reads may stop anywhere, and the stream is left as it is: one that is destroyed
 * takes no more bytes off its connection, and the client's next request there waits for ever. Throws `request_timeout`
 * when no more bytes come.
 */
export function readBody(body: Readable, idleMs: number = IDLE_MS): AsyncGenerator<Buffer> {
  // Until somebody reads, nobody listens: a body that breaks before would end the process.
  body.on('error', () => undefined)
  return readChunks(body, idleMs)
}

async function* readChunks(body: Readable, idleMs: number): AsyncGenerator<Buffer> {
  const iterator: AsyncIterator<Buffer> = body.iterator({ destroyOnReturn: false })
  try {
    for (;;) {
      const { value, done } = await within(iterator.next(), idleMs)
      if (done === true) return
      yield value
    }
  } finally {
    // Not waited for: after a timeout the last read is still under way.
    void iterator.return?.()
  }
}

async function within<Result>(work: Promise<Result>, idleMs: number): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new DomainError('request_timeout')), idleMs)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
