import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { BlobStore } from '@trainyard/domain'

const CHUNK_BYTES = 256 * 1024

/** Stores a file's content as a blob, once for equal content. */
export async function storeFile(
  blobs: Pick<BlobStore, 'put'>,
  path: string,
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    hash.update(chunk)
    bytes += chunk.length
  }
  const blob = { sha256: hash.digest('hex'), bytes }
  await blobs.put(blob, createReadStream(path, { highWaterMark: CHUNK_BYTES }))
  return blob
}
