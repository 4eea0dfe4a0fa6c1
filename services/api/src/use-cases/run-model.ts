import type { PredictionItem } from '@trainyard/contracts'
import type { RecordsInput } from '@trainyard/datasets'
import { DomainError } from '@trainyard/domain'
import { type PredictionOutput, predictionFlops } from '@trainyard/model'
import {
  answerInference,
  type InferenceAnswer,
  type InferenceTask,
} from '../threads/answer-inference.ts'
import type { CsvTask, PredictionThread } from '../threads/prediction-thread.ts'
import { createPredictorCache, type LoadedModel } from '../threads/predictor-cache.ts'

/** Of one row: a model of 4 MB at most is opened on the event loop, once, in some 4 ms. A row that waits for a thread costs more. */
const LOOP_MODEL_FLOPS_MAX = 2_000_000
/** Of all rows: about a millisecond of products. */
const LOOP_FLOPS_MAX = 32_000_000
/** Under a minute of one thread; beyond it the caller sends fewer rows. */
const FLOPS_MAX = 20_000_000_000
/** Preparing records costs more than multiplying them when the network is small. */
const LOOP_ROWS_MAX = 64
/** Of a body that the event loop reads as tensors. */
const LOOP_BODY_BYTES_MAX = 16 * 1024
const CSV_ROWS_MAX = 100_000
const INFERENCE_ROWS_MAX = 1_000_000
const LOOP_MODELS_BYTES_MAX = 64 * 1024 ** 2

export interface RunModel {
  predict(
    model: LoadedModel,
    input: RecordsInput & { outputs?: readonly PredictionOutput[] | undefined },
  ): Promise<PredictionItem[]>
  predictCsv(task: Omit<CsvTask, 'rowsMax'>): Promise<PredictionItem[]>
  infer(task: Omit<InferenceTask, 'rowsMax'>): Promise<InferenceAnswer>
}

/** Runs a model: what takes a moment on the event loop, which is faster than a thread, and everything else on the thread. */
export function makeRunModel(deps: {
  thread: Pick<PredictionThread, 'predict' | 'predictCsv' | 'infer'>
  onPredicted: (facts: { modelKind: string; rows: number; seconds: number }) => void
}): RunModel {
  const { thread, onPredicted } = deps
  const toPredictor = createPredictorCache(LOOP_MODELS_BYTES_MAX)

  return {
    async predict(model, input) {
      const rows = 'records' in input ? input.records.length : input.rows.length
      const flops = flopsOf(model) * rows
      if (flops > FLOPS_MAX) throw tooMany(rows, Math.floor(FLOPS_MAX / flopsOf(model)))
      const startedMs = performance.now()
      const isOnLoop = rows <= LOOP_ROWS_MAX && isSmall(model, rows)
      const items = isOnLoop
        ? (await toPredictor(model)).predict(input, input.outputs)
        : await thread.predict({ model, input, outputs: input.outputs })
      report(model, rows, startedMs)
      return items
    },

    async predictCsv(request) {
      const { model } = request
      const rowsMax = Math.min(CSV_ROWS_MAX, Math.floor(FLOPS_MAX / flopsOf(model)))
      const startedMs = performance.now()
      const items = await thread.predictCsv({ ...request, rowsMax })
      report(model, items.length, startedMs)
      return items
    },

    async infer(request) {
      const { model, signature, body } = request
      const rowsMax = Math.min(INFERENCE_ROWS_MAX, Math.floor(FLOPS_MAX / flopsOf(model)))
      const task = { ...request, rowsMax }
      // No more rows than the body has room for.
      const rows = body.byteLength / (2 * Math.max(1, signature.inputs.length))
      const isOnLoop = body.byteLength <= LOOP_BODY_BYTES_MAX && isSmall(model, Math.ceil(rows))
      const startedMs = performance.now()
      const answer = isOnLoop
        ? answerInference(await toPredictor(model), task)
        : await thread.infer(task)
      report(model, answer.rows, startedMs)
      return answer
    },
  }

  function report({ networks }: LoadedModel, rows: number, startedMs: number): void {
    const seconds = (performance.now() - startedMs) / 1000
    onPredicted({ modelKind: networks[0]?.architecture.task ?? 'none', rows, seconds })
  }
}

function isSmall(model: LoadedModel, rows: number): boolean {
  const flops = flopsOf(model)
  return flops <= LOOP_MODEL_FLOPS_MAX && flops * rows <= LOOP_FLOPS_MAX
}

function flopsOf({ networks }: LoadedModel): number {
  return networks.reduce((sum, { architecture }) => sum + predictionFlops(architecture, 1), 0)
}

function tooMany(rows: number, rowsMax: number): DomainError {
  const detail = `${rows} records are too many for a network of this size; send at most ${rowsMax} at once`
  return new DomainError('budget_exceeded', { detail, errors: [{ pointer: '#', detail }] })
}
