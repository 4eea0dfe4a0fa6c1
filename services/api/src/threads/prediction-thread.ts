import { availableParallelism } from 'node:os'
import type { ModelSignature, PredictionItem } from '@trainyard/contracts'
import { DataError, type RecordsInput } from '@trainyard/datasets'
import { InferenceError } from '@trainyard/formats'
import type { PredictionOutput } from '@trainyard/model'
import type { InferenceAnswer, InferenceTask } from './answer-inference.ts'
import { createLazyThreads } from './lazy-threads.ts'
import type { PredictionResult } from './predict.thread.ts'
import type { LoadedModel } from './predictor-cache.ts'

/** Requests that may wait for a thread; more are told to come back. */
const QUEUE_MAX = 32

export interface RecordsTask {
  model: LoadedModel
  input: RecordsInput
  outputs: readonly PredictionOutput[] | undefined
}

export interface CsvTask {
  model: LoadedModel
  text: string
  signature: ModelSignature
  /** More rows than these are refused. */
  rowsMax: number
}

export type PredictionTask =
  | ({ kind: 'predict' } & RecordsTask)
  | ({ kind: 'csv' } & CsvTask)
  | ({ kind: 'infer' } & InferenceTask)

export interface PredictionThread {
  /** Throws DataError. */
  predict(task: RecordsTask): Promise<PredictionItem[]>
  /** Throws DataError. */
  predictCsv(task: CsvTask): Promise<PredictionItem[]>
  /** Throws DataError or InferenceError. */
  infer(task: InferenceTask): Promise<InferenceAnswer>
  close(): Promise<void>
}

/** Threads for predictions that would hold the event loop, as many as there are cores. */
export function createPredictionThread(): PredictionThread {
  const thread = createLazyThreads<PredictionTask, PredictionResult>('./predict.thread.ts', {
    queueMax: QUEUE_MAX,
    threads: availableParallelism(),
  })
  return {
    predict: (task) => predict({ kind: 'predict', ...task }),
    predictCsv: (task) => predict({ kind: 'csv', ...task }),
    async infer(task) {
      const result = await run({ kind: 'infer', ...task })
      if (result.kind !== 'inferred') throw new Error(`${result.kind} is no answer`)
      return result.response
    },
    close: thread.close,
  }

  async function predict(task: PredictionTask): Promise<PredictionItem[]> {
    const result = await run(task)
    if (result.kind !== 'predicted') throw new Error(`${result.kind} is no answer`)
    return result.items
  }

  async function run(task: PredictionTask): Promise<PredictionResult> {
    const result = await thread.run(task)
    if (result.kind === 'refused') throw new DataError(result.faults)
    if (result.kind === 'misread') throw new InferenceError(result.message)
    return result
  }
}
