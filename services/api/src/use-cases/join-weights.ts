import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { BlobStore } from '@trainyard/domain'
import type { ReadWeightBytes } from './load-model.ts'

const SLICE_BYTES = 4 * 1024 ** 2

/** One blob of the bytes of several, in their order. Each is hashed in pieces, so that the event loop breathes. */
export async function joinWeights(
  deps: { blobs: Pick<BlobStore, 'put'>; readWeightBytes: ReadWeightBytes },
  parts: readonly { sha256: string; bytes: number }[],
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256')
  const contents: Uint8Array[] = []
  for (const part of parts) {
    const bytes = await deps.readWeightBytes(part)
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      hash.update(bytes.subarray(at, at + SLICE_BYTES))
      await nextTurn()
    }
    contents.push(bytes)
  }
  const blob = {
    sha256: hash.digest('hex'),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
  }
  await deps.blobs.put(blob, contents)
  return blob
}
