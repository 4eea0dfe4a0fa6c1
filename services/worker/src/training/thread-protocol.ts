/** What travels between the worker's main thread and a training thread. Big arrays are shared or moved, never copied. */
import type { MessagePort } from 'node:worker_threads'
import type {
  Architecture,
  Baseline,
  Column,
  EpochLayers,
  EpochMetrics,
  Fold,
  Preprocessing,
  ResolvedConfig,
  StopReason,
  TestResult,
  WhichWeights,
} from '@trainyard/contracts'
import type { DataFault, Table } from '@trainyard/datasets'
import type { CheckpointProgress } from '@trainyard/domain'
import type { Assignment } from '@trainyard/engine'

/** Given to every thread once, at its start. */
export interface ThreadData {
  kernels: WebAssembly.Module
  /** That the jobs of this worker share. */
  cores: number
}

export interface TrainingTask {
  table: Table
  columns: Column[]
  target: string
  resolved: ResolvedConfig
  /** A table of its own for validation. */
  validationTable: Table | null
  /** A table of its own for the test. */
  testTable: Table | null
  /** As `packLayers` writes them, in the shapes of `resolved`; null: the initializers'. */
  initialWeights: Uint8Array | null
  /** Completed by an attempt before. */
  folds: Fold[]
  /** Where an attempt before was interrupted. */
  resume: ResumePoint | null
  /** null for a job of its own. */
  trial: TrialTask | null
  /** Shared words, by index below. */
  control: Int32Array<SharedArrayBuffer>
  /** `ThreadMessage`s go out here while the thread computes. */
  progress: MessagePort
}

/** What is other for a trial of a sweep: it measures no baselines, which are the same for all trials. */
export interface TrialTask {
  /** Whether its layers are observed. */
  observed: boolean
  /** Whether a checkpoint of its end is kept. */
  checkpointed: boolean
  /** Epochs after which it asks whether to train on. */
  rungs: readonly number[]
}

/** Trials that train on one thread, one after the other. */
export interface TrainingBatch {
  tasks: readonly Omit<TrainingTask, 'control' | 'progress'>[]
  /** `CONTROL_WORDS` of each task. */
  control: Int32Array<SharedArrayBuffer>
  /** A `BatchMessage` goes out here as soon as a trial has ended. */
  progress: MessagePort
}

export interface BatchMessage {
  /** Of the trial within the batch. */
  index: number
  answer: TrainingAnswer
  /** All its epochs. */
  metrics: EpochMetrics[]
  /** When the first of them ended, by `processMs`; null without any. */
  endedMs: number | null
}

export interface ResumePoint {
  /** As the engine wrote it; moved to the thread. */
  bytes: Uint8Array<ArrayBuffer>
  /** Whether it may be of the training that the job continues, with other settings. */
  continues: boolean
  progress: CheckpointProgress
}

export interface TakenCheckpoint {
  bytes: Uint8Array<ArrayBuffer>
  sha256: string
  step: number
  progress: CheckpointProgress
  architecture: Architecture
  preprocessing: Preprocessing
}

/** Epochs come after all folds, and those before a checkpoint before it. */
export type ProgressMessage =
  /** `endedMs`: when the first of them ended, by `processMs`. */
  | { kind: 'epochs'; epochs: EpochReport; endedMs: number }
  | { kind: 'fold'; fold: Fold }
  | { kind: 'checkpoint'; checkpoint: TakenCheckpoint }
  /** A trial has come to a rung and waits for the word `RUNG_WORD`; its epochs were sent before. */
  | { kind: 'rung'; best: EpochMetrics; last: EpochMetrics }
  /** Of the end, after all others; none of a training that diverged, or that was stopped in its folds. */
  | { kind: 'end'; checkpoint: TakenCheckpoint }

export type ThreadMessage =
  | ProgressMessage
  /** Asks for so many more threads to work on the job. */
  | { kind: 'help'; threads: number; assignment: Assignment }

/** Word of `control`: anything but 0 asks the thread to stop before its next batch. */
export const STOP_WORD = 0
/** Word of `control`: batches so far, wrapping round. It moves as long as the thread is alive. */
export const BATCHES_WORD = 1
/** Word of `control`: threads that the job may train with, from 1; it changes as other jobs come and go. */
export const THREADS_WORD = 2
/** Word of `control`: anything but 0 asks for a checkpoint before the next batch; the thread answers by 0. */
export const CHECKPOINT_WORD = 3
/** Word of `control`: anything but 0 says that the thread trains no more and is about to report. */
export const ENDING_WORD = 4
/** Word of `control`: what a trial at a rung waits for; the thread sets it back to 0. */
export const RUNG_WORD = 5
export const TRAIN_ON = 1
export const STOP_HERE = 2
/** Word of `control`: the thread that trains, by its `threadId`; 0 before it has begun. */
export const THREAD_WORD = 6
export const CONTROL_WORDS = 7

/** A clock that all threads of the process share, and that nobody sets. */
export function processMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Epochs, and what was observed of the layers in some of them. */
export interface EpochReport {
  metrics: EpochMetrics[]
  layers: EpochLayers[]
}

export interface TrainedWeights {
  which: WhichWeights
  epoch: number
  sha256: string
  /** As `packLayers` of the model package writes them: float32, little-endian. */
  bytes: Uint8Array<ArrayBuffer>
}

/** Which part each row was in, as `packSplit` of the model package writes it. */
export interface PackedSplit {
  sha256: string
  bytes: Uint8Array<ArrayBuffer>
}

/** With the epochs not sent before. */
export interface TrainingReport extends EpochReport {
  /** When the first of them ended, by `processMs`; null without any. */
  endedMs: number | null
  end:
    | { kind: 'succeeded'; stopReason: Exclude<StopReason, 'cancelled'> }
    /** Asked to stop by `control`. */
    | { kind: 'stopped' }
    | {
        kind: 'diverged'
        at: { epoch: number; batch: number; layer: number | null; row: number | null }
      }
  /** Most threads that trained an epoch together. */
  threads: number
  /** Best and last; empty when there are none worth keeping. */
  weights: TrainedWeights[]
  split: PackedSplit
  architecture: Architecture
  preprocessing: Preprocessing
  /** Of a training that succeeded with a validation part; else empty. */
  baselines: Baseline[]
  /** Of a training that succeeded with a test part; else null. */
  test: TestResult | null
}

/** What a thread answers. Data that does not fit is no error there, since an error loses its class on the way. */
export type TrainingAnswer =
  | { kind: 'trained'; report: TrainingReport }
  | { kind: 'refused'; faults: DataFault[] }
  /** There is not as much memory as the engine needs. */
  | { kind: 'memory_exceeded'; reason: string }
  /** The engine does not take the checkpoint. */
  | { kind: 'unresumable'; reason: string }
  /** Of a trial in a batch, which a fault of it shall not end. */
  | { kind: 'failed'; reason: string }
