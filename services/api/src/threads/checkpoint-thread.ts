import { DomainError } from '@trainyard/domain'
import type { CheckpointResult, CheckpointTask } from './checkpoint.thread.ts'
import { createLazyThreads } from './lazy-threads.ts'

/** A checkpoint may be as large as a job. */
const QUEUE_MAX = 4

export interface CheckpointThread {
  /** Throws `checkpoint_unusable`. */
  read(task: CheckpointTask): Promise<{ bytes: Uint8Array<ArrayBuffer>; sha256: string }>
  close(): Promise<void>
}

export function createCheckpointThread(): CheckpointThread {
  const thread = createLazyThreads<CheckpointTask, CheckpointResult>('./checkpoint.thread.ts', {
    queueMax: QUEUE_MAX,
  })
  return {
    async read(task) {
      const result = await thread.run(task)
      if (result.kind === 'unusable') {
        throw new DomainError('checkpoint_unusable', { detail: `${result.reason}.` })
      }
      return result
    },
    close: thread.close,
  }
}
