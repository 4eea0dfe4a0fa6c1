import { DataError, type DataFault, type Table } from '@trainyard/datasets'
import type { Scores, StoredNetwork } from '@trainyard/model'
import { Piscina } from 'piscina'
import { isEndOfThread, ThreadEndedError } from '../training/training-threads.ts'

/** Words of the shared memory by which a running prediction is asked and watched. */
export const STOP_WORD = 0
export const ROWS_WORD = 1
const CONTROL_WORDS = 2

const IDLE_MS = 30_000
const THREAD_NICENESS = 10

export interface DatasetTask {
  networks: readonly StoredNetwork[]
  /** Weights of all networks, one after the other. */
  bytes: Uint8Array
  table: Table
  control: Int32Array
}

/** Errors lose their class on the way between threads. */
export type DatasetAnswer =
  | { kind: 'predicted'; scores: Scores }
  | { kind: 'stopped' }
  | { kind: 'refused'; faults: DataFault[] }
  | { kind: 'memory_exceeded'; reason: string }

export interface PredictionRun {
  /**
   * null when it was stopped. Rejects with a `DataError` for rows that the model has no inputs for, `RangeError` without enough memory,
   * and `ThreadEndedError` when the thread is no more.
   */
  scores: Promise<Scores | null>
  stop(): void
  rowsDone(): number
}

export interface PredictionThread {
  run(task: Omit<DatasetTask, 'control'>): PredictionRun
  close(): Promise<void>
}

/** One thread beside those that train: it starts with the first data set and goes when there is none for a while. */
export function createPredictionThread(): PredictionThread {
  let pool: Piscina<DatasetTask, DatasetAnswer> | null = null
  return {
    run(task) {
      pool ??= new Piscina<DatasetTask, DatasetAnswer>({
        filename: new URL('../threads/predict.thread.ts', import.meta.url).href,
        minThreads: 0,
        maxThreads: 1,
        idleTimeout: IDLE_MS,
        niceIncrement: THREAD_NICENESS,
      })
      const control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * 4))
      return {
        scores: pool.run({ ...task, control }).then(toScores, (error: unknown) => {
          throw isEndOfThread(error) ? new ThreadEndedError('ended', { cause: error }) : error
        }),
        stop: () => Atomics.store(control, STOP_WORD, 1),
        rowsDone: () => Atomics.load(control, ROWS_WORD),
      }
    },
    close: async () => await pool?.destroy(),
  }
}

function toScores(answer: DatasetAnswer): Scores | null {
  switch (answer.kind) {
    case 'predicted':
      return answer.scores
    case 'stopped':
      return null
    case 'refused':
      throw new DataError(answer.faults)
    case 'memory_exceeded':
      throw new RangeError(answer.reason)
  }
}
