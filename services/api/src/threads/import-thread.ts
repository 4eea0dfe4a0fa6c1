import { DomainError } from '@trainyard/domain'
import type { ImportResult, ImportTask, ModelWish } from './import.thread.ts'
import { createLazyThreads } from './lazy-threads.ts'

/** Bodies that may wait for the thread, each a quarter of a gibibyte at most; more are told to come back. */
const QUEUE_MAX = 4

export interface ImportThread {
  /** Throws what is wrong with the body. */
  read(task: ImportTask): Promise<{ bodySha256: string; wish: ModelWish }>
  close(): Promise<void>
}

/** One thread that reads imported weights. */
export function createImportThread(): ImportThread {
  const thread = createLazyThreads<ImportTask, ImportResult>('./import.thread.ts', {
    queueMax: QUEUE_MAX,
  })
  return {
    async read(task) {
      const result = await thread.run(task)
      if (result.kind === 'refused') throw new DomainError(result.code, result.details)
      return result
    },
    close: thread.close,
  }
}
