/** Compressed uploads are known by how they begin, whatever they are called, and are unpacked as they come. */
import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { DomainError } from '@trainyard/domain'

/** 32 MiB: what `zstd` asks for up to level 19 is 8 MiB; more would be memory that the sender chooses. */
const ZSTD_WINDOW_LOG_MAX = 25

/** The bytes as they are, or unpacked when they are gzip or zstd. Throws `invalid_data` when they are unsound. */
export async function* unpack(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = chunks[Symbol.asyncIterator]()
  let start = Buffer.alloc(0)
  while (start.length < 4) {
    const { value, done } = await iterator.next()
    if (done === true) break
    start = Buffer.concat([start, value])
  }
  const whole = resume(start, iterator)
  const decoder = decoderOf(start)
  if (decoder === null) return yield* whole
  const packed = pipeline(Readable.from(whole, { objectMode: false }), decoder)
  // Heard of through the decoder, which fails with it.
  packed.catch(() => undefined)
  try {
    for await (const chunk of decoder) yield chunk as Buffer
  } catch (error) {
    throw toDomainError(error)
  }
}

async function* resume(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (start.length > 0) yield start
  yield* { [Symbol.asyncIterator]: () => rest }
}

function decoderOf(start: Buffer): Transform | null {
  if (start[0] === 0x1f && start[1] === 0x8b) return createGunzip()
  if (start.length >= 4 && start.readUInt32LE(0) === 0xfd2fb528) {
    return createZstdDecompress({
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
    })
  }
  return null
}

function toDomainError(error: unknown): unknown {
  const { code } = error as { code?: string }
  if (code === undefined || !/^Z_|^ZSTD_/.test(code)) return error
  return new DomainError('invalid_data', {
    detail: 'The compressed file is damaged, cut short, or asks for too much memory.',
  })
}
