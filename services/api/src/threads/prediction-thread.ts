import type { PredictionItem } from '@trainyard/contracts'
import { DataError, type RecordsInput } from '@trainyard/datasets'
import { DomainError } from '@trainyard/domain'
import type { PredictionOutput } from '@trainyard/model'
import { Piscina } from 'piscina'
import type { StoredModel } from '../use-cases/load-model.ts'
import type { PredictionResult } from './predict.thread.ts'

/** Requests that may wait for the thread; more are told to come back. */
const QUEUE_MAX = 32
const IDLE_MS = 30_000

export interface PredictionTask {
  model: StoredModel
  input: RecordsInput
  outputs: readonly PredictionOutput[] | undefined
}

export interface PredictionThread {
  predict(task: PredictionTask): Promise<PredictionItem[]>
  close(): Promise<void>
}

/** One thread for predictions that would hold the event loop; it starts with the first of them. */
export function createPredictionThread(): PredictionThread {
  let pool: Piscina | null = null
  return {
    async predict(task) {
      pool ??= new Piscina({
        filename: new URL('./predict.thread.ts', import.meta.url).href,
        minThreads: 0,
        maxThreads: 1,
        maxQueue: QUEUE_MAX,
        idleTimeout: IDLE_MS,
      })
      if (pool.queueSize >= QUEUE_MAX) throw new DomainError('unavailable')
      const result: PredictionResult = await pool.run(task)
      if (result.kind === 'refused') throw new DataError(result.faults)
      return result.items
    },
    close: async () => await pool?.destroy(),
  }
}
