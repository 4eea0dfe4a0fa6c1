import type { EpochMetrics, ResolvedConfig } from '@trainyard/contracts'
import {
  type EpochMetrics as EngineMetrics,
  type Network,
  type Team,
  train,
} from '@trainyard/engine'
import { type PreparedTraining, toTrainingOptions } from '@trainyard/model'
import type { TrainingReport } from './thread-protocol.ts'
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

/** Trains until the epochs, the patience, a limit of the specification or `shouldStop` (asked before each batch) ends it. */
export function runEpochs(
  network: Network,
  data: PreparedTraining,
  resolved: ResolvedConfig,
  hooks: {
    shouldStop: () => boolean
    onEpoch: (metrics: EpochMetrics) => void
    /** null or absent: the calling thread trains alone. */
    team?: Team | null
  },
): EpochsRun {
  const { target, max_seconds: maxSeconds } = resolved.limits
  const endsAtMs = maxSeconds === null ? null : performance.now() + maxSeconds * 1000
  let isOutOfTime = false
  const epochs = train(network, {
    training: data.training,
    validation: data.validation,
    ...toTrainingOptions(resolved),
    team: hooks.team ?? null,
    onBatch: () => {
      isOutOfTime = endsAtMs !== null && performance.now() >= endsAtMs
      return isOutOfTime || hooks.shouldStop()
    },
  })
  let lastEpoch = 0
  let bestEpoch = 0
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
    hooks.onEpoch(toEpochMetrics(step.value))
    const isLast = lastEpoch === resolved.training.epochs
    if (!isLast && target !== null && isReached(step.value, target)) {
      // Frees the run of the engine, which an iteration left early keeps open.
      epochs.return({ stopReason: 'stopped', epochs: lastEpoch, best: null })
      return {
        end: { kind: 'succeeded', stopReason: 'target_reached' },
        lastEpoch,
        bestEpoch,
        threads,
      }
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
