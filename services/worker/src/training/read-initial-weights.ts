import type { ResolvedConfig } from '@trainyard/contracts'
import type { BlobStore } from '@trainyard/domain'

/** Of the model that a specification starts from; null when it names none. */
export async function readInitialWeights(
  blobs: Pick<BlobStore, 'read'>,
  { initial_weights: initial }: ResolvedConfig,
): Promise<Uint8Array | null> {
  if (initial == null) return null
  const chunks = await Array.fromAsync(blobs.read(initial.sha256))
  return Buffer.concat(chunks)
}
