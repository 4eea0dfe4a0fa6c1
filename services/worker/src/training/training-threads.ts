import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import type { EpochMetrics } from '@trainyard/contracts'
import { DataError } from '@trainyard/datasets'
import { compileKernels } from '@trainyard/engine'
import { Piscina } from 'piscina'
import {
  BATCHES_WORD,
  CONTROL_WORDS,
  STOP_WORD,
  type ThreadData,
  type TrainingAnswer,
  type TrainingReport,
  type TrainingTask,
} from './thread-protocol.ts'

/** piscina infers its type from an overload of `postMessage` that takes options, not a list. */
type Transfers = NonNullable<NonNullable<Parameters<Piscina['run']>[1]>['transferList']>

const THREAD_NICENESS = 10

export interface TrainingRun {
  /** Rejects with a `DataError` when the data does not fit the specification. */
  report: Promise<TrainingReport>
  /** Asks the thread to stop before its next batch. */
  stop(): void
  /** Batches so far; standing still means that the thread does. */
  batches(): number
}

export interface TrainingThreads {
  /** Whether the kernels of this machine round a multiply-add once. */
  fused: boolean
  run(
    task: Pick<TrainingTask, 'table' | 'columns' | 'target' | 'resolved'>,
    onEpochs: (metrics: EpochMetrics[]) => void,
  ): TrainingRun
  close(): Promise<void>
}

/**
 * One thread per slot, all started at once: the first job shall not wait for a thread to load its modules. The kernels
 * are compiled once and handed to all.
 */
export async function openTrainingThreads(threads: number): Promise<TrainingThreads> {
  const { module: kernels, fused } = await compileKernels()
  const data: ThreadData = { kernels }
  const pool = new Piscina<TrainingTask, TrainingAnswer>({
    filename: new URL('../threads/train.thread.ts', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 1,
    workerData: data,
    // Training takes what is left: with every core busy, requests and reports still get theirs at once.
    niceIncrement: THREAD_NICENESS,
  })

  return {
    fused,
    run(task, onEpochs) {
      const control = new Int32Array(
        new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT),
      )
      const { port1: progress, port2: receiving } = new MessageChannel()
      receiving.on('message', onEpochs)
      const report = pool
        .run({ ...task, control, progress }, { transferList: [progress] as unknown as Transfers })
        .finally(() => {
          // The report comes over another port and may overtake epochs that were sent before it.
          for (let sent = receiveMessageOnPort(receiving); sent !== undefined; ) {
            onEpochs(sent.message as EpochMetrics[])
            sent = receiveMessageOnPort(receiving)
          }
          receiving.close()
        })
        .then((answer) => {
          if (answer.kind === 'refused') throw new DataError(answer.faults)
          return answer.report
        })
      return {
        report,
        stop: () => Atomics.store(control, STOP_WORD, 1),
        batches: () => Atomics.load(control, BATCHES_WORD),
      }
    },
    close: () => pool.destroy(),
  }
}
