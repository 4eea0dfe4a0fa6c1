import type { PredictionItem } from '@trainyard/contracts'
import { DataError, type RecordsInput } from '@trainyard/datasets'
import type { PredictionOutput } from '@trainyard/model'
import type { StoredModel } from '../use-cases/load-model.ts'
import type { PredictionResult } from './predict.thread.ts'
import { createSingleThread } from './single-thread.ts'

/** Requests that may wait for the thread; more are told to come back. */
const QUEUE_MAX = 32

export interface PredictionTask {
  model: StoredModel
  input: RecordsInput
  outputs: readonly PredictionOutput[] | undefined
}

export interface PredictionThread {
  predict(task: PredictionTask): Promise<PredictionItem[]>
  close(): Promise<void>
}

/** One thread for predictions that would hold the event loop. */
export function createPredictionThread(): PredictionThread {
  const thread = createSingleThread<PredictionTask, PredictionResult>(
    './predict.thread.ts',
    QUEUE_MAX,
  )
  return {
    async predict(task) {
      const result = await thread.run(task)
      if (result.kind === 'refused') throw new DataError(result.faults)
      return result.items
    },
    close: thread.close,
  }
}
