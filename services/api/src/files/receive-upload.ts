/** A body of any size goes to a file as it comes, hashed and unpacked on the way; memory holds a few chunks of it. */
import { createHash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { DATASET_BYTES_MAX } from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import { unpack } from './unpack.ts'

export interface Upload {
  path: string
  /** Of the bytes as they came, hex. */
  sha256: string
  /** In the file, unpacked. */
  bytes: number
}

/** Throws `payload_too_large` at the first byte too many, packed or unpacked. */
export async function receiveUpload(
  body: AsyncIterable<Buffer>,
  path: string,
  options: {
    bytesMax?: number
    /** Told of every chunk, as it comes. */
    onReceived?: (bytes: number) => void
  } = {},
): Promise<Upload> {
  const { bytesMax = DATASET_BYTES_MAX, onReceived } = options
  const hash = createHash('sha256')
  let received = 0
  let bytes = 0
  try {
    // Opened before anything can fail: a file that is created after its removal would stay for ever.
    const file = await open(path, 'w')
    await pipeline(
      body,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          received += chunk.length
          onReceived?.(chunk.length)
          if (received > bytesMax) throw tooLarge(bytesMax)
          hash.update(chunk)
          yield chunk
        }
      },
      unpack,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          bytes += chunk.length
          if (bytes > bytesMax) throw tooLarge(bytesMax)
          yield chunk
        }
      },
      file.createWriteStream(),
    )
  } catch (error) {
    await rm(path, { force: true })
    throw toDomainError(error)
  }
  return { path, sha256: hash.digest('hex'), bytes }
}

export function assertUploadSize(
  contentLength: string | undefined,
  bytesMax = DATASET_BYTES_MAX,
): void {
  if (Number(contentLength) > bytesMax) throw tooLarge(bytesMax)
}

function tooLarge(bytesMax: number): DomainError {
  return new DomainError('payload_too_large', {
    detail: `A file may have ${bytesMax} bytes at most, unpacked too.`,
  })
}

function toDomainError(error: unknown): unknown {
  const { code } = error as { code?: string }
  if (code === 'ENOSPC') return new DomainError('storage_full', {}, { cause: error })
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') {
    return new DomainError('invalid_request', { detail: 'The upload was broken off.' })
  }
  return error
}
