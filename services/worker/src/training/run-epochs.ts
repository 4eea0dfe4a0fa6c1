import type { EpochLayers, EpochMetrics, ResolvedConfig } from '@trainyard/contracts'
import {
  type EpochMetrics as EngineMetrics,
  inspectCheckpoint,
  type Network,
  type Team,
  type TrainingOptions,
  train,
} from '@trainyard/engine'
import { type PreparedTraining, toTrainingOptions } from '@trainyard/model'
import type { TrainingReport } from './thread-protocol.ts'
import { toEpochLayers } from './to-epoch-layers.ts'
import { toEpochMetrics } from './to-epoch-metrics.ts'

export interface EpochsRun {
  end: TrainingReport['end']
  /** Completed epochs; 0 when the first was cut short. */
  lastEpoch: number
  /** 0 when no epoch was completed. */
  bestEpoch: number
  /** Most threads that trained an epoch together. */
  threads: number
}

export interface RunHooks {
  shouldStop: () => boolean
  onEpoch: (metrics: EpochMetrics, layers: EpochLayers[]) => void
  /** Asked before each batch, after `shouldStop` and before its answer counts. Absent: no checkpoints are taken. */
  wantsCheckpoint?: () => boolean
  /** With the seconds trained so far, over all attempts. */
  onCheckpoint?: (bytes: Uint8Array<ArrayBuffer>, seconds: number) => void
  /** Of the end, unless it diverged. Absent: none is taken. */
  onEnd?: (bytes: Uint8Array<ArrayBuffer>, seconds: number) => void
  /** A checkpoint to go on from, the seconds trained before it, and whether it may be of a training with other settings. */
  resume?: { bytes: Uint8Array; seconds: number; continues: boolean } | null
  /** null or absent: the calling thread trains alone. */
  team?: Team | null
  /** Absent: no layers are observed. */
  observes?: NonNullable<TrainingOptions['observes']>
  /** Asked after each epoch but the last; true ends the training as `pruned`. */
  isPruned?: (epoch: number) => boolean
  /** Default: the seed of the specification. */
  seed?: bigint
  /** Ends as if the epochs were completed; a schedule still spans those of the specification. */
  epochs?: number
}

/** Trains until the epochs, the patience, a limit of the specification or `shouldStop` (asked before each batch) ends it. */
export function runEpochs(
  network: Network,
  data: PreparedTraining,
  resolved: ResolvedConfig,
  hooks: RunHooks,
): EpochsRun {
  const { target, max_seconds: maxSeconds } = resolved.limits
  const resume = hooks.resume ?? null
  const startedMs = performance.now() - (resume?.seconds ?? 0) * 1000
  const trainedSeconds = () => (performance.now() - startedMs) / 1000
  const endsAtMs = maxSeconds === null ? null : startedMs + maxSeconds * 1000
  let isOutOfTime = false
  const epochs = train(network, {
    training: data.training,
    validation: data.validation,
    ...toTrainingOptions(resolved),
    team: hooks.team ?? null,
    ...(hooks.observes !== undefined && { observes: hooks.observes }),
    ...(hooks.seed !== undefined && { seed: hooks.seed }),
    onBatch: () => {
      isOutOfTime = endsAtMs !== null && performance.now() >= endsAtMs
      const stops = isOutOfTime || hooks.shouldStop()
      return hooks.wantsCheckpoint?.() ? 'checkpoint' : stops
    },
    onCheckpoint: (bytes) => hooks.onCheckpoint?.(bytes, trainedSeconds()),
    ...(hooks.onEnd !== undefined && {
      onEnd: (bytes: Uint8Array<ArrayBuffer>) => hooks.onEnd?.(bytes, trainedSeconds()),
    }),
    resume: resume?.bytes ?? null,
    continues: resume?.continues ?? false,
  })
  const from = resume === null ? null : inspectCheckpoint(resume.bytes)
  let lastEpoch = from === null ? 0 : from.epoch - 1
  let bestEpoch = from?.best?.epoch ?? 0
  let threads = 1
  for (;;) {
    const step = epochs.next()
    if (step.done) {
      const { stopReason, divergence } = step.value
      if (stopReason === 'diverged' && divergence !== undefined) {
        return { end: { kind: 'diverged', at: divergence }, lastEpoch, bestEpoch, threads }
      }
      if (stopReason === 'epochs_completed' || stopReason === 'early_stopping') {
        return { end: { kind: 'succeeded', stopReason }, lastEpoch, bestEpoch, threads }
      }
      const end = isOutOfTime
        ? ({ kind: 'succeeded', stopReason: 'max_seconds' } as const)
        : ({ kind: 'stopped' } as const)
      return { end, lastEpoch, bestEpoch, threads }
    }
    lastEpoch = step.value.epoch
    if (step.value.isBest) bestEpoch = lastEpoch
    threads = Math.max(threads, step.value.threads)
    hooks.onEpoch(toEpochMetrics(step.value), step.value.observations.map(toEpochLayers))
    if (lastEpoch === resolved.training.epochs) continue
    const stopReason =
      lastEpoch === hooks.epochs
        ? 'epochs_completed'
        : target !== null && isReached(step.value, target)
          ? 'target_reached'
          : hooks.isPruned?.(lastEpoch)
            ? 'pruned'
            : null
    if (stopReason !== null) {
      // Frees the run of the engine, which an iteration left early keeps open.
      epochs.return({ stopReason: 'stopped', epochs: lastEpoch, best: null })
      return { end: { kind: 'succeeded', stopReason }, lastEpoch, bestEpoch, threads }
    }
  }
}

function isReached(
  metrics: EngineMetrics,
  target: NonNullable<ResolvedConfig['limits']['target']>,
): boolean {
  const value = {
    train_loss: metrics.trainLoss,
    train_accuracy: metrics.trainAccuracy,
    val_loss: metrics.validationLoss,
    val_accuracy: metrics.validationAccuracy,
  }[target.metric]
  if (value === null) return false
  return target.goal === 'minimize' ? value <= target.value : value >= target.value
}
