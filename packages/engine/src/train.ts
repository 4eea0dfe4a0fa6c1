import { type Augmentation, assertAugmentation } from './augmentation/augmentation.ts'
import type { BatchAnswer, Metrics, SessionState, TrainingData, TrainingJob } from './backend.ts'
import {
  beginProgress,
  describeTraining,
  readCheckpoint,
  type StoppingState,
  type TrainingProgress,
  writeCheckpoint,
} from './checkpoint.ts'
import { assertClassWeights, weighClasses } from './class-weights.ts'
import { assertCount, assertOptimizerConfig, isRegression, type OptimizerConfig } from './config.ts'
import { assertTrainingData } from './data.ts'
import { EngineError } from './errors.ts'
import { assertGradientClip, type GradientClip } from './gradient-clip.ts'
import type { LayerObservation, ObservationDetail } from './layer-statistics.ts'
import type { Network } from './network.ts'
import { assertRegularization, type Regularization } from './penalty.ts'
import {
  assertScheduleConfig,
  createSchedule,
  type ScheduleConfig,
  type StepRate,
} from './schedules/learning-rate.ts'
import type { Team } from './wasm/team.ts'

export interface EarlyStopping {
  metric: 'val_loss' | 'val_accuracy' | 'train_loss' | 'train_accuracy'
  /** Epochs without improvement after which training ends. */
  patience: number
  /** What an improvement must exceed, in the metric's own unit. */
  minDelta: number
}

export interface TrainingOptions {
  training: TrainingData
  validation: TrainingData | null
  optimizer: OptimizerConfig
  batchSize: number
  epochs: number
  /** A new order each epoch, a function of seed and epoch; false keeps the order of the data. */
  shuffle: boolean
  /** Unsigned 64 bits. */
  seed: bigint
  earlyStopping: EarlyStopping | null
  /** Constant without. */
  schedule?: ScheduleConfig | null
  regularization?: Regularization | null
  gradientClip?: GradientClip | null
  augmentation?: Augmentation | null
  /**
   * Weight per class, multiplied into the weights of the training rows; validation is not touched.
   * `balanced` gives class c the weight rows / (classes · rows of c).
   */
  classWeights?: 'balanced' | readonly number[] | null
  /**
   * Called before every batch; true stops there, with the weights after the batch before, and `checkpoint`
   * hands one of that moment to `onCheckpoint` and goes on with the batch.
   */
  onBatch?: () => BatchAnswer
  onCheckpoint?: (checkpoint: Uint8Array<ArrayBuffer>) => void
  /**
   * Called at the end with a checkpoint of it, however training ends but by divergence: what a training with more
   * epochs goes on from. Not for the reference backend.
   */
  onEnd?: (checkpoint: Uint8Array<ArrayBuffer>) => void
  /**
   * A checkpoint of a training with the same options and data: goes on from there, to the same bits. Only
   * what was observed of the epoch at hand may be missing, and durations are those of this machine. Not for
   * the reference backend. Throws `invalid_checkpoint` for a damaged one or one of another training, engine or
   * rounding.
   */
  resume?: Uint8Array | null
  /**
   * Whether `resume` may be of a training with other epochs, rates, stopping, penalties, clipping, class weights,
   * augmentation or dropout, and the same in all else: what it remembers of a schedule or a patience that was
   * changed begins anew, everything else goes on. Default false.
   */
  continues?: boolean
  /** More threads than the calling one, which starts alone. */
  team?: Team | null
  /**
   * What to observe of the layers in an epoch, null for nothing; asked once per epoch, and for epoch 0, the
   * network as it was initialised. Changes no bit of the training. An observed epoch of a tiny network
   * takes some percent longer: where epochs are many, ask for those you keep.
   */
  observes?: (epoch: number) => ObservationDetail | null
}

export interface EpochMetrics {
  /** From 1. */
  epoch: number
  /** Batches so far, over all epochs. */
  step: number
  /** Mean over the epoch's rows, each before the update of its batch. */
  trainLoss: number
  /** Mean over the epoch's rows of the penalty on the weights, which `trainLoss` does not contain. */
  trainPenalty: number
  /** null for a regression, like `validationAccuracy`. */
  trainAccuracy: number | null
  validationLoss: number | null
  validationAccuracy: number | null
  /** Of the epoch's first step. */
  learningRate: number
  /** Global L2 norm of the gradient of the epoch's last batch, penalty included, before clipping. */
  gradientNorm: number
  /** Training alone, without validation. */
  durationMs: number
  /** Training rows per second of that time. */
  examplesPerSecond: number
  /** That trained the last batch. */
  threads: number
  /** Lowest validation loss so far, or lowest training loss where there is no validation. */
  isBest: boolean
  /**
   * What `observes` asked for: this epoch, and with the first one the initial state before it. An epoch is
   * left out when the rows of its observed step have no weight.
   */
  observations: LayerObservation[]
}

export interface TrainingResult {
  stopReason: 'epochs_completed' | 'early_stopping' | 'stopped' | 'diverged'
  /** Completed epochs. */
  epochs: number
  best: { epoch: number } | null
  divergence?: { epoch: number; batch: number; layer: number | null; row: number | null }
}

/** Below the resolution of any clock; keeps a rate finite when an epoch takes no measurable time. */
const DURATION_MIN_MS = 1e-3

/**
 * Trains the network in place and yields the metrics of each completed epoch. Between two epochs
 * `network.weights()` reads the running state. Ending the iteration early frees the run as well.
 * Throws `EngineError` before the first batch if an option or the data does not fit the network.
 */
export function* train(
  network: Network,
  options: TrainingOptions,
): Generator<EpochMetrics, TrainingResult> {
  assertTrainingOptions(network, options)
  const session = network.openTraining(toTrainingJob(network, options))
  const batchesPerEpoch = Math.ceil(options.training.rows / effectiveBatchSize(options))
  const { schedule: scheduleConfig, optimizer, earlyStopping } = options
  const description = describeTraining(network.config, options, session.fused)
  let progress = beginProgress(optimizer.learningRate)
  /** Where training has ended, as long as it could go on from there. */
  let endState: (() => SessionState) | null = null

  try {
    const resumed = options.resume
      ? readCheckpoint(options.resume, description, options.continues ?? false)
      : null
    if (resumed !== null) progress = goOn(resumed, optimizer.learningRate)
    const schedule = createSchedule(
      scheduleConfig ?? { type: 'constant' },
      optimizer.learningRate,
      options.epochs,
      batchesPerEpoch,
      progress.plateau,
    )
    let best = progress.bestEpoch === 0 ? null : { epoch: progress.bestEpoch }
    let restored = resumed?.session ?? null
    if (restored !== null) session.restore(restored)
    const isRateNew = resumed !== null && hasNewRate(resumed.changed, scheduleConfig)

    for (let epoch = restored?.numbers[0] ?? 1; epoch <= options.epochs; epoch++) {
      const rate = schedule.rateOf(epoch)
      const startedMs = performance.now() - (restored === null ? 0 : progress.elapsedMs)
      endState = null
      let outcome =
        restored === null
          ? session.trainEpoch(epoch, rate)
          : session.continueEpoch(isRateNew ? rateWithin(rate, restored) : null)
      restored = null
      while (outcome.status === 'interrupted') {
        progress.elapsedMs = performance.now() - startedMs
        options.onCheckpoint?.(writeCheckpoint(description, progress, session.state()))
        outcome = session.continueEpoch()
      }
      const trainedMs = performance.now()
      if (outcome.status === 'stopped') {
        progress.elapsedMs = trainedMs - startedMs
        endState = () => session.state()
        return { stopReason: 'stopped', epochs: epoch - 1, best }
      }
      if (outcome.status === 'diverged') {
        const { batch, layer, row } = outcome
        const divergence = { epoch, batch, layer, row }
        return { stopReason: 'diverged', epochs: epoch - 1, best, divergence }
      }

      const validation = session.validate()
      const judgedLoss = (validation ?? outcome.metrics).loss
      schedule.observe(judgedLoss)
      const isBest = judgedLoss < progress.bestLoss
      if (isBest) {
        progress.bestLoss = judgedLoss
        progress.bestEpoch = epoch
        best = { epoch }
        session.keepBest()
      }
      const trainMs = Math.max(trainedMs - startedMs, DURATION_MIN_MS)
      const isStale =
        earlyStopping !== null &&
        watchStaleness(earlyStopping, progress.stopping, outcome.metrics, validation)
      progress.elapsedMs = 0
      // The iteration may be left at this epoch.
      endState = () => session.stateBefore(epoch + 1, schedule.rateOf(epoch + 1))
      yield {
        epoch,
        step: epoch * batchesPerEpoch,
        trainLoss: outcome.metrics.loss,
        trainPenalty: outcome.penalty,
        trainAccuracy: outcome.metrics.accuracy,
        validationLoss: validation?.loss ?? null,
        validationAccuracy: validation?.accuracy ?? null,
        learningRate: rate.learningRate,
        gradientNorm: outcome.gradientNorm,
        durationMs: trainMs,
        examplesPerSecond: (options.training.rows * 1000) / trainMs,
        threads: outcome.threads,
        isBest,
        observations: outcome.observations,
      }
      if (isStale && epoch < options.epochs) {
        return { stopReason: 'early_stopping', epochs: epoch, best }
      }
    }
    return { stopReason: 'epochs_completed', epochs: options.epochs, best }
  } finally {
    if (endState !== null) {
      options.onEnd?.(writeCheckpoint(description, progress, endState()))
    }
    session.close()
  }
}

/** What a training remembers of the one that it goes on with. */
function goOn(
  { progress, changed }: ReturnType<typeof readCheckpoint>,
  learningRate: number,
): TrainingProgress {
  const fresh = beginProgress(learningRate)
  const hasOtherSchedule = changed.has('optimizer') || changed.has('schedule')
  return {
    ...progress,
    stopping: changed.has('earlyStopping') ? fresh.stopping : progress.stopping,
    plateau: hasOtherSchedule ? fresh.plateau : progress.plateau,
  }
}

/** Whether the rate of the epoch at hand is another than the one it was interrupted with. */
function hasNewRate(
  changed: ReadonlySet<string>,
  schedule: ScheduleConfig | null | undefined,
): boolean {
  const spansEpochs = schedule?.type === 'cosine' || schedule?.type === 'linear'
  return (
    changed.has('optimizer') || changed.has('schedule') || (changed.has('epochs') && spansEpochs)
  )
}

/** The rate at a batch of the epoch. */
function rateWithin(
  { learningRate, factorPerStep }: StepRate,
  { numbers }: SessionState,
): StepRate {
  return { learningRate: learningRate * factorPerStep ** (numbers[1] ?? 0), factorPerStep }
}

function assertTrainingOptions(network: Network, options: TrainingOptions): void {
  const { training, validation, earlyStopping, optimizer, batchSize, epochs } = options
  const { schedule, regularization, gradientClip, augmentation, classWeights } = options
  assertCount(batchSize, 'batchSize', 'invalid_options')
  assertCount(epochs, 'epochs', 'invalid_options')
  assertOptimizerConfig(optimizer)
  if (options.team) assertCount(options.team.size, 'team.size', 'invalid_options')
  if ((optimizer.type === 'perceptron') !== (network.config.loss === 'perceptron')) {
    throw new EngineError('invalid_options', 'the perceptron loss and optimizer go together')
  }
  assertTrainingData(network.config, training, 'training')
  if (validation !== null) assertTrainingData(network.config, validation, 'validation')
  if (schedule) assertScheduleConfig(schedule)
  if (regularization) assertRegularization(regularization)
  if (gradientClip) assertGradientClip(gradientClip)
  if (augmentation) assertAugmentation(network.config, augmentation)
  if (classWeights) assertClassWeights(network.config, classWeights)
  if (earlyStopping === null) return
  const { metric, patience, minDelta } = earlyStopping
  assertCount(patience, 'earlyStopping.patience', 'invalid_options')
  if (!(minDelta >= 0)) throw new EngineError('invalid_options', 'minDelta must not be negative')
  if (metric.startsWith('val_') && validation === null) {
    throw new EngineError('invalid_options', `${metric} needs validation data`)
  }
  if (metric.endsWith('_accuracy') && isRegression(network.config.loss)) {
    throw new EngineError('invalid_options', `${metric} is not defined for ${network.config.loss}`)
  }
}

function toTrainingJob({ config }: Network, options: TrainingOptions): TrainingJob {
  const { training, validation, optimizer, shuffle, seed, onBatch, classWeights } = options
  return {
    training: classWeights ? weighClasses(config, training, classWeights) : training,
    validation,
    optimizer,
    regularization: options.regularization ?? null,
    gradientClip: options.gradientClip ?? null,
    augmentation: options.augmentation ?? null,
    batchSize: effectiveBatchSize(options),
    shuffle,
    seed,
    onBatch: onBatch ?? null,
    // One thread alone is not asked about before every batch.
    team: (options.team?.size ?? 1) > 1 ? (options.team ?? null) : null,
    observes: options.observes ?? null,
  }
}

/**
 * A batch larger than the data is the full batch, as buffers are sized by what can occur; the
 * perceptron learns row by row.
 */
function effectiveBatchSize({ optimizer, batchSize, training }: TrainingOptions): number {
  return optimizer.type === 'perceptron' ? 1 : Math.min(batchSize, training.rows)
}

/** Takes an epoch's metrics into the state and says whether patience has run out. */
function watchStaleness(
  { metric, patience, minDelta }: EarlyStopping,
  state: StoppingState,
  training: Metrics,
  validation: Metrics | null,
): boolean {
  // Larger is better for both once a loss is negated.
  const metrics = metric.startsWith('val_') ? validation : training
  const value = metric.endsWith('_accuracy') ? metrics?.accuracy : -(metrics?.loss ?? Number.NaN)
  if (value !== undefined && value !== null && value > state.bestScore + minDelta) {
    state.bestScore = value
    state.epochsWithout = 0
  } else {
    state.epochsWithout++
  }
  return state.epochsWithout >= patience
}
