/**
 * Reads a multipart/form-data body (RFC 7578) as it comes. Bytes of a part go through, never gathered; what is gathered,
 * the headers of a part, is bounded.
 */
import { DomainError } from '@trainyard/domain'

export interface Part {
  name: string
  fileName: string | null
  /** Has to be read to its end before the next part. */
  body: AsyncGenerator<Buffer>
}

const HEADER_BYTES_MAX = 8 * 1024
/** Before the first boundary nothing is expected. */
const PREAMBLE_BYTES_MAX = 1024
const CRLF = Buffer.from('\r\n')
const HEADERS_END = Buffer.from('\r\n\r\n')

/** The boundary that the media type names. */
export function boundaryOf(contentType: string): string {
  const [, quoted, plain] =
    /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw malformed('names no boundary')
  return boundary
}

export async function* readMultipart(
  chunks: AsyncIterable<Buffer>,
  boundary: string,
): AsyncGenerator<Part> {
  const source = makeSource(chunks)
  try {
    const delimiter = Buffer.from(`\r\n--${boundary}`)
    // The first boundary may stand at the very start.
    source.unshift(CRLF)
    await source.takeUntil(delimiter, PREAMBLE_BYTES_MAX, 'does not begin with its boundary')
    for (;;) {
      const next = await source.take(2)
      if (next.toString('latin1') === '--') return
      if (!next.equals(CRLF)) throw malformed('has a boundary that is not at the end of a line')
      const headers = await source.takeUntil(
        HEADERS_END,
        HEADER_BYTES_MAX,
        'has a part without a body',
      )
      const body = source.streamUntil(delimiter)
      yield { ...readDisposition(headers.toString('utf8')), body }
      // A reader that left early leaves the rest of its part.
      for await (const _ of body);
    }
  } finally {
    source.close()
  }
}

function readDisposition(headers: string): { name: string; fileName: string | null } {
  const line = /^content-disposition:\s*form-data\b(.*)$/im.exec(headers)?.[1]
  const parameter = (name: string): string | null =>
    new RegExp(`;\\s*${name}="((?:[^"\\\\]|\\\\.)*)"`, 'i').exec(line ?? '')?.[1] ?? null
  const name = parameter('name')
  if (name === null) throw malformed('has a part without a name')
  return { name, fileName: parameter('filename') }
}

function makeSource(chunks: AsyncIterable<Buffer>) {
  const iterator = chunks[Symbol.asyncIterator]()
  let held: Buffer = Buffer.alloc(0)

  const more = async (): Promise<void> => {
    const { value, done } = await iterator.next()
    if (done === true) throw malformed('ends before its last boundary')
    held = held.length === 0 ? value : Buffer.concat([held, value])
  }

  const take = async (bytes: number): Promise<Buffer> => {
    while (held.length < bytes) await more()
    const taken = held.subarray(0, bytes)
    held = held.subarray(bytes)
    return taken
  }

  return {
    take,
    /** Not waited for: a reader that has left may still have a read under way. */
    close(): void {
      void iterator.return?.()
    },
    unshift(bytes: Buffer): void {
      held = Buffer.concat([bytes, held])
    },
    /** What stands before `mark`, which is taken too. */
    async takeUntil(mark: Buffer, bytesMax: number, fault: string): Promise<Buffer> {
      for (;;) {
        const at = held.indexOf(mark)
        if (at >= 0 && at <= bytesMax) return (await take(at + mark.length)).subarray(0, at)
        if (at > bytesMax || held.length > bytesMax + mark.length) throw malformed(fault)
        await more()
      }
    },
    async *streamUntil(mark: Buffer): AsyncGenerator<Buffer> {
      for (;;) {
        const at = held.indexOf(mark)
        if (at >= 0) {
          const last = (await take(at + mark.length)).subarray(0, at)
          if (last.length > 0) yield last
          return
        }
        // The mark may have begun in the last bytes.
        const sure = held.length - mark.length + 1
        if (sure > 0) yield await take(sure)
        await more()
      }
    },
  }
}

function malformed(fault: string): DomainError {
  return new DomainError('invalid_request', { detail: `The multipart body ${fault}.` })
}
