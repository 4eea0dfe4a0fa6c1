import type { Augmentation } from './augmentation/augmentation.ts'
import type { NetworkConfig, OptimizerConfig } from './config.ts'
import type { GradientClip } from './gradient-clip.ts'
import type { LayerObservation, ObservationDetail } from './layer-statistics.ts'
import type { Regularization } from './penalty.ts'
import type { StepRate } from './schedules/learning-rate.ts'
import type { Team } from './wasm/team.ts'
import type { LayerWeights } from './weights.ts'

/** Rows to train or validate on; the arrays may view a SharedArrayBuffer and are only read. */
export interface TrainingData {
  rows: number
  /** [rows, inputs], row-major. */
  inputs: Float32Array
  /** Class index [rows], 0 or 1 where a single output stands for two classes; numbers [rows, outputs]. */
  targets: Float32Array
  /**
   * Weight of each row's loss, [rows], at least zero; every row counts the same without. The loss of a
   * batch is the weighted mean; a batch whose weights are all zero has loss 0 and updates nothing.
   */
  weights?: Float32Array | null
}

/** Before a batch: true stops there, `checkpoint` takes one and goes on. */
export type BatchAnswer = boolean | 'checkpoint'

/** What a backend needs to know before the first batch. */
export interface TrainingJob {
  training: TrainingData
  validation: TrainingData | null
  optimizer: OptimizerConfig
  regularization: Regularization | null
  gradientClip: GradientClip | null
  augmentation: Augmentation | null
  batchSize: number
  shuffle: boolean
  seed: bigint
  /** Asked before every batch. null spares the call. */
  onBatch: (() => BatchAnswer) | null
  /** null trains on the calling thread alone, as the reference always does. */
  team: Team | null
  /** What to observe in an epoch, where 0 is the initial state; null observes nothing. */
  observes: ((epoch: number) => ObservationDetail | null) | null
}

export interface Metrics {
  loss: number
  /** Share of rows whose class is predicted, whatever their weights; null for a regression. */
  accuracy: number | null
}

/** Where a loss or gradient stopped being finite; layers count from 0, null where it is none of them. */
export interface Divergence {
  /** Batch of the epoch, from 0. */
  batch: number
  layer: number | null
  /** Index into the training data of the first bad row; null if only a gradient overflowed. */
  row: number | null
}

export type EpochOutcome =
  | {
      status: 'completed'
      metrics: Metrics
      /** Mean over the rows of the penalty before each update. */
      penalty: number
      /** Of the last batch, penalty included, before clipping; 0 if its rows had no weight. */
      gradientNorm: number
      /** Of the last batch. */
      threads: number
      /** What was asked for, in order; without those whose step had rows of no weight. */
      observations: LayerObservation[]
    }
  | { status: 'stopped' }
  /** A checkpoint was asked for; `continueEpoch` goes on. */
  | { status: 'interrupted' }
  | ({ status: 'diverged' } & Divergence)

/** What a run's backend holds between two batches. */
export interface SessionState {
  /** As many for every run; the first are the epoch, the next of its batches, and the batches before it in all epochs. */
  numbers: number[]
  /** Parameters, running statistics, the best of both, and the optimizer's moments; of a length that follows from the job. */
  bytes: Uint8Array
}

/** One training run of one network: owns parameters, optimizer state and data until closed. */
export interface TrainingSession {
  /**
   * Every batch of one pass, in the order f(seed, epoch). Stopped or diverged, the parameters are
   * those after the last batch that was completed. `epoch` counts from 1.
   */
  trainEpoch(epoch: number, rate: StepRate): EpochOutcome
  /** Whether multiply-adds are rounded once: a state from where they are not leads to other bits. */
  readonly fused: boolean
  /** In which an epoch was interrupted or stopped. The bytes are a view, to be copied before training goes on. */
  state(): SessionState
  /** That of an epoch about to begin, after the one before was completed and validated. */
  stateBefore(epoch: number, rate: StepRate): SessionState
  /** Before the first epoch; the reference throws `invalid_options`. */
  restore(state: SessionState): void
  /** Goes on with an epoch that was interrupted or restored; at the rate given, else at the one it had. */
  continueEpoch(rate?: StepRate | null): EpochOutcome
  /** Inference mode over the validation rows; null without any. */
  validate(): Metrics | null
  /** Keeps a copy of the parameters beside the running ones, replacing the one before. */
  keepBest(): void
  weights(which: 'last' | 'best'): LayerWeights[]
  /** Frees what the session holds. May be called twice. */
  close(): void
}

/** A network that only predicts, prepared once. */
export interface InferenceSession {
  /** Logits [rows, outputs] of inputs [rows, inputs]; those of a row do not depend on the rows beside it, to the bit. */
  predict(inputs: Float32Array, rows: number): Float32Array
  /** Frees what the session holds. May be called twice. */
  close(): void
}

/** The two implementations of the mathematics: float64 loops, and float32 WebAssembly. */
export interface Backend {
  openTraining(
    network: NetworkConfig,
    weights: readonly LayerWeights[],
    job: TrainingJob,
  ): TrainingSession
  openInference(network: NetworkConfig, weights: readonly LayerWeights[]): InferenceSession
}
