import { DomainError } from '@trainyard/domain'
import { Piscina } from 'piscina'
import type { ImportResult, ModelWish } from './import.thread.ts'

/** Bodies that may wait for the thread, each a quarter of a gibibyte at most; more are told to come back. */
const QUEUE_MAX = 4
const IDLE_MS = 30_000

export interface ImportThread {
  /** Throws what is wrong with the body. */
  read(body: Uint8Array): Promise<{ bodySha256: string; wish: ModelWish }>
  close(): Promise<void>
}

/** One thread that reads imported weights; it starts with the first of them. */
export function createImportThread(): ImportThread {
  let pool: Piscina | null = null
  return {
    async read(body) {
      pool ??= new Piscina({
        filename: new URL('./import.thread.ts', import.meta.url).href,
        minThreads: 0,
        maxThreads: 1,
        maxQueue: QUEUE_MAX,
        idleTimeout: IDLE_MS,
      })
      if (pool.queueSize >= QUEUE_MAX) throw new DomainError('unavailable')
      const result: ImportResult = await pool.run(body)
      if (result.kind === 'refused') throw new DomainError(result.code, result.details)
      return result
    },
    close: async () => await pool?.destroy(),
  }
}
