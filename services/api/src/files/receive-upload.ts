/** A body of any size goes to a file as it comes, hashed on the way; memory holds a few chunks of it. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DATASET_BYTES_MAX } from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'

/** A body that stands still this long is given up. */
const IDLE_MS = 30_000

export interface Upload {
  path: string
  /** Of the bytes as they came, hex. */
  sha256: string
  bytes: number
}

/** Throws `payload_too_large` at the first byte too many, `request_timeout` when no more bytes come. */
export async function receiveUpload(
  body: Readable,
  path: string,
  limits: { bytesMax?: number; idleMs?: number } = {},
): Promise<Upload> {
  const { bytesMax = DATASET_BYTES_MAX, idleMs = IDLE_MS } = limits
  const hash = createHash('sha256')
  let bytes = 0
  const idle = new AbortController()
  const timer = setTimeout(() => idle.abort(), idleMs)
  try {
    // Opened before anything can fail: a file that is created after its removal would stay for ever.
    const file = await open(path, 'w')
    await pipeline(
      body,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          timer.refresh()
          bytes += chunk.length
          if (bytes > bytesMax) throw tooLarge(bytesMax)
          hash.update(chunk)
          yield chunk
        }
      },
      file.createWriteStream(),
      { signal: idle.signal },
    )
  } catch (error) {
    await rm(path, { force: true })
    throw idle.signal.aborted ? new DomainError('request_timeout') : toDomainError(error)
  } finally {
    clearTimeout(timer)
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
    detail: `A file may have ${bytesMax} bytes at most.`,
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

/** Runs `work` on a body that is in a file, which is gone afterwards. */
export type WithUpload = <Result>(
  body: Readable,
  work: (upload: Upload) => Promise<Result>,
) => Promise<Result>

export function makeWithUpload(folder: string): WithUpload {
  return async (body, work) => {
    await mkdir(folder, { recursive: true })
    const upload = await receiveUpload(body, join(folder, `${randomUUID()}.csv`))
    try {
      return await work(upload)
    } finally {
      await rm(upload.path, { force: true })
    }
  }
}
