import { availableParallelism } from 'node:os'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import { DataError } from '@trainyard/datasets'
import { type Assignment, compileKernels, disband } from '@trainyard/engine'
import { Piscina } from 'piscina'
import {
  BATCHES_WORD,
  type BatchMessage,
  CHECKPOINT_WORD,
  CONTROL_WORDS,
  ENDING_WORD,
  type ProgressMessage,
  RUNG_WORD,
  STOP_HERE,
  STOP_WORD,
  THREAD_WORD,
  THREADS_WORD,
  type ThreadData,
  type ThreadMessage,
  TRAIN_ON,
  type TrainingAnswer,
  type TrainingBatch,
  type TrainingReport,
  type TrainingTask,
} from './thread-protocol.ts'

/** piscina infers its type from an overload of `postMessage` that takes options, not a list. */
type Transfers = NonNullable<NonNullable<Parameters<Piscina['run']>[1]>['transferList']>

const THREAD_NICENESS = 10
/** A job's numbers lie outside the heap of its thread; what is in it is small, and a fault must not take the process along. */
const HEAP_MB_MAX = 1024
const HELPER_IDLE_MS = 30_000

export interface TrainingRun {
  /**
   * Rejects with a `DataError` when the data does not fit the specification, with `UnresumableError` when the checkpoint does
   * not, with `RangeError` when there is not enough memory, and with `ThreadEndedError` when the thread is no more.
   */
  report: Promise<TrainingReport>
  /** Asks the thread to stop before its next batch. */
  stop(): void
  /** Ends the thread, which another takes the place of; for one that does not stop when it is asked. */
  kill(): void
  /** Whether the thread trains no more and is about to report. */
  isEnding(): boolean
  /** Asks for a checkpoint before the next batch. */
  takeCheckpoint(): void
  /** What a trial that waits at a rung is told. */
  answerRung(stops: boolean): void
  /** Batches so far; standing still means that the thread does. */
  batches(): number
  /** What the thread holds outside the engine's memory, garbage included; 0 when it is no more. */
  heldBytes(): Promise<number>
}

export interface BatchRun {
  /** Resolves when all trials have ended and all messages were heard; rejects with `ThreadEndedError`. */
  ended: Promise<void>
  /** Asks for a stop of one trial, before its next batch or before it starts. */
  stop(index: number): void
  /** Ends the thread. */
  kill(): void
  /** As of a `TrainingRun`. */
  heldBytes(): Promise<number>
}

/** The checkpoint to go on from is damaged, or of another training. */
export class UnresumableError extends Error {
  override readonly name = 'UnresumableError'
}

/** The thread of the training was ended, or has ended itself without a word. */
export class ThreadEndedError extends Error {
  override readonly name = 'ThreadEndedError'
}

export interface TrainingThreads {
  /** Whether the kernels of this machine round a multiply-add once. */
  fused: boolean
  run(
    task: Omit<TrainingTask, 'control' | 'progress'>,
    onProgress: (message: ProgressMessage) => void,
  ): TrainingRun
  /** Trials one after the other, on one thread. */
  runBatch(tasks: TrainingBatch['tasks'], onEnd: (message: BatchMessage) => void): BatchRun
  close(): Promise<void>
}

/**
 * One thread per slot, all started at once: the first job shall not wait for a thread to load its modules. The kernels
 * are compiled once and handed to all. Cores left over by fewer jobs than slots are shared among the jobs that can use
 * them, by helping threads that start with the first such job.
 */
export async function openTrainingThreads(
  threads: number,
  /** Default: the one that trains. Tests give one with a fault. */
  thread = new URL('../threads/train.thread.ts', import.meta.url),
): Promise<TrainingThreads> {
  const { module: kernels, fused } = await compileKernels()
  const cores = Math.min(threads, availableParallelism())
  const data: ThreadData = { kernels, cores }
  const options = {
    concurrentTasksPerWorker: 1,
    // Training takes what is left: with every core busy, requests and reports still get theirs at once.
    niceIncrement: THREAD_NICENESS,
  }
  const pool = new Piscina<TrainingTask, TrainingAnswer>({
    ...options,
    filename: thread.href,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
    minThreads: threads,
    maxThreads: threads,
    workerData: data,
  })
  // The same threads by another name: what is run says which it is.
  const batches = pool as unknown as Piscina<TrainingBatch, void>
  const helpers = new Piscina<Assignment, void>({
    ...options,
    filename: new URL('../threads/assist.thread.ts', import.meta.url).href,
    minThreads: 0,
    // A job keeps the helpers it has when another comes and takes its share of the cores; they sleep then.
    maxThreads: 2 * cores,
    idleTimeout: HELPER_IDLE_MS,
  })
  const running = new Set<Int32Array>()

  function shareCores(): void {
    const share = Math.max(1, Math.floor(cores / running.size))
    for (const control of running) Atomics.store(control, THREADS_WORD, share)
  }

  /** Answered by V8 between two instructions of the thread, also when it never comes back from a batch. */
  async function bytesOf(control: Int32Array): Promise<number> {
    const id = Atomics.load(control, THREAD_WORD)
    const thread = pool.threads.find(({ threadId }) => threadId === id)
    try {
      const statistics = await thread?.getHeapStatistics()
      if (statistics === undefined) return 0
      return statistics.total_heap_size + statistics.external_memory
    } catch {
      // It has ended between the two lines above.
      return 0
    }
  }

  return {
    fused,
    run(task, onProgress) {
      const control = new Int32Array(
        new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT),
      )
      running.add(control)
      shareCores()
      let assignment: Assignment | null = null
      const receive = (message: ThreadMessage): void => {
        if (message.kind !== 'help') {
          onProgress(message)
          return
        }
        const { assignment: given } = message
        assignment = given
        for (let i = 0; i < message.threads; i++) {
          // The others would wait for a thread that has died for ever.
          helpers.run(given).catch(() => disband(given))
        }
      }
      const killing = new AbortController()
      const { port1: progress, port2: receiving } = new MessageChannel()
      receiving.on('message', receive)
      const moved = [progress, ...(task.resume === null ? [] : [task.resume.bytes.buffer])]
      const report = pool
        .run(
          { ...task, control, progress },
          { transferList: moved as unknown as Transfers, signal: killing.signal },
        )
        .catch((error: unknown) => {
          throw isEndOfThread(error) ? new ThreadEndedError('ended', { cause: error }) : error
        })
        .finally(() => {
          // The report comes over another port and may overtake messages that were sent before it.
          for (let sent = receiveMessageOnPort(receiving); sent !== undefined; ) {
            receive(sent.message)
            sent = receiveMessageOnPort(receiving)
          }
          receiving.close()
          // Where the job's own thread has died, nobody else sends them home.
          if (assignment !== null) disband(assignment)
          running.delete(control)
          shareCores()
        })
        .then((answer) => {
          if (answer.kind === 'refused') throw new DataError(answer.faults)
          if (answer.kind === 'memory_exceeded') throw new RangeError(answer.reason)
          if (answer.kind === 'failed') throw new Error(answer.reason)
          if (answer.kind === 'unresumable') throw new UnresumableError(answer.reason)
          return answer.report
        })
      return {
        report,
        stop: () => Atomics.store(control, STOP_WORD, 1),
        isEnding: () => Atomics.load(control, ENDING_WORD) !== 0,
        kill: () => killing.abort(),
        takeCheckpoint: () => Atomics.store(control, CHECKPOINT_WORD, 1),
        answerRung(stops) {
          Atomics.store(control, RUNG_WORD, stops ? STOP_HERE : TRAIN_ON)
          Atomics.notify(control, RUNG_WORD)
        },
        batches: () => Atomics.load(control, BATCHES_WORD),
        heldBytes: () => bytesOf(control),
      }
    },
    runBatch(tasks, onEnd) {
      const bytes = tasks.length * CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT
      const control = new Int32Array(new SharedArrayBuffer(bytes))
      // Takes one share of the cores, as a job does; its trials are too short to be helped.
      const share = new Int32Array(CONTROL_WORDS)
      running.add(share)
      shareCores()
      const killing = new AbortController()
      const { port1: progress, port2: receiving } = new MessageChannel()
      receiving.on('message', onEnd)
      const ended = batches
        .run(
          { tasks, control, progress },
          {
            transferList: [progress] as unknown as Transfers,
            signal: killing.signal,
            name: 'trainBatch',
          },
        )
        .catch((error: unknown) => {
          throw isEndOfThread(error) ? new ThreadEndedError('ended', { cause: error }) : error
        })
        .finally(() => {
          for (let sent = receiveMessageOnPort(receiving); sent !== undefined; ) {
            onEnd(sent.message)
            sent = receiveMessageOnPort(receiving)
          }
          receiving.close()
          running.delete(share)
          shareCores()
        })
      return {
        ended,
        stop: (index) => Atomics.store(control, index * CONTROL_WORDS + STOP_WORD, 1),
        kill: () => killing.abort(),
        // The first trial is on the thread of all.
        heldBytes: () => bytesOf(control),
      }
    },
    async close() {
      await Promise.all([pool.destroy(), helpers.destroy()])
    },
  }
}

/** By piscina's words: an abort of ours, or an exit. A heap that is full has its own code, and says more. */
export function isEndOfThread(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || error.message.startsWith('worker exited with code'))
  )
}
