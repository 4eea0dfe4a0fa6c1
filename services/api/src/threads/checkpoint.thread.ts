/** Takes the weights out of a checkpoint away from the event loop: of a large network that takes some time. */
import { createHash } from 'node:crypto'
import type { WhichWeights } from '@trainyard/contracts'
import { checkpointWeights, EngineError } from '@trainyard/engine'
import { packLayers } from '@trainyard/model'

export interface CheckpointTask {
  bytes: Uint8Array
  which: WhichWeights
}

/** Errors lose their class on the way between threads. */
export type CheckpointResult =
  | { kind: 'read'; bytes: Uint8Array<ArrayBuffer>; sha256: string }
  | { kind: 'unusable'; reason: string }

export default function readCheckpoint({ bytes, which }: CheckpointTask): CheckpointResult {
  try {
    const packed = packLayers(checkpointWeights(bytes)[which])
    return {
      kind: 'read',
      bytes: packed,
      sha256: createHash('sha256').update(packed).digest('hex'),
    }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return { kind: 'unusable', reason: error.message }
  }
}
