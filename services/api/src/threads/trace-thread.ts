import type {
  Architecture,
  AugmentationPreview,
  Column,
  ExpressionTrace,
  FieldError,
  GradientCheck,
  LayerDocument,
  NetworkTrace,
  ResolvedConfig,
  TraceExpressionBody,
} from '@trainyard/contracts'
import { DataError, type DataFault, type Table } from '@trainyard/datasets'
import { DomainError } from '@trainyard/domain'
import type { TracedSample } from '@trainyard/engine'
import type { NetworkChoices } from '@trainyard/model'
import { createLazyThreads } from './lazy-threads.ts'

/** Requests that may be under way; more are told to come back. */
const UNDER_WAY_MAX = 16
/** Waiting included. Whatever is let in takes a few seconds; this is for what was overlooked. */
const TIMEOUT_MS = 30_000

export interface NetworkTask {
  network: NetworkChoices
  /** Written out, stored, or drawn. */
  weights:
    | { layers: readonly LayerDocument[] }
    | { architecture: Architecture; bytes: Uint8Array }
    | { seed: number }
  sample: TracedSample
  classes: string[] | null
  learningRate: number | null
}

/** A specification with its data. */
interface SpecifiedTask {
  table: Table
  columns: readonly Column[]
  target: string
  resolved: ResolvedConfig
  rows: number
}

export interface GradientTask extends SpecifiedTask {
  /** Of the model that the job would start from; null: the initializers draw. */
  initialWeights: Uint8Array | null
  entriesPerTensorMax: number
}

export interface PreviewTask extends SpecifiedTask {
  epoch: number
}

export type PreviewAnswer = Pick<AugmentationPreview, 'rows' | 'non_finite'>

export type GradientAnswer = Omit<GradientCheck, 'object' | 'dataset_id' | 'resolved_config'>

export type TraceTask =
  | { kind: 'expression'; body: TraceExpressionBody }
  | { kind: 'network'; task: NetworkTask }
  | { kind: 'gradient'; task: GradientTask }
  | { kind: 'preview'; task: PreviewTask }

/** What the thread answers: a body, or what is wrong with the request or with the data. */
export type TraceAnswer = { body: unknown } | { errors: FieldError[] } | { faults: DataFault[] }

export interface TraceThread {
  traceExpression(body: TraceExpressionBody): Promise<ExpressionTrace>
  traceNetwork(task: NetworkTask): Promise<NetworkTrace>
  /** `load` runs when there is room: a table is large. */
  checkGradient(load: () => Promise<GradientTask>): Promise<GradientAnswer>
  previewAugmentation(load: () => Promise<PreviewTask>): Promise<PreviewAnswer>
  close(): Promise<void>
}

/** One thread for the mathematics on show. */
export function createTraceThread(): TraceThread {
  const thread = createLazyThreads<TraceTask, TraceAnswer>('./trace.thread.ts')
  let underWay = 0

  return {
    traceExpression: (body) => run(async () => ({ kind: 'expression', body })),
    traceNetwork: (task) => run(async () => ({ kind: 'network', task })),
    checkGradient: (load) => run(async () => ({ kind: 'gradient', task: await load() })),
    previewAugmentation: (load) => run(async () => ({ kind: 'preview', task: await load() })),
    close: thread.close,
  }

  async function run<Body>(load: () => Promise<TraceTask>): Promise<Body> {
    if (underWay >= UNDER_WAY_MAX) throw new DomainError('unavailable')
    underWay += 1
    try {
      const answer = await compute(await load())
      if ('errors' in answer) throw new DomainError('validation_error', { errors: answer.errors })
      if ('faults' in answer) throw new DataError(answer.faults)
      return answer.body as Body
    } finally {
      underWay -= 1
    }
  }

  async function compute(task: TraceTask): Promise<TraceAnswer> {
    try {
      return await thread.run(task, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error
      const detail = `It was not done within ${TIMEOUT_MS / 1000} s.`
      throw new DomainError('unavailable', { detail }, { cause: error })
    }
  }
}
