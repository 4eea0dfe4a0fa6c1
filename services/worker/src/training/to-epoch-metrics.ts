import type { EpochMetrics } from '@trainyard/contracts'
import type { EpochMetrics as EngineMetrics } from '@trainyard/engine'

/** The engine's numbers under the contract's names. Completed epochs are finite: a non-finite batch ends the training. */
export function toEpochMetrics(metrics: EngineMetrics): EpochMetrics {
  return {
    epoch: metrics.epoch,
    step: metrics.step,
    train_loss: metrics.trainLoss,
    train_penalty: metrics.trainPenalty,
    train_accuracy: metrics.trainAccuracy,
    val_loss: metrics.validationLoss,
    val_accuracy: metrics.validationAccuracy,
    learning_rate: metrics.learningRate,
    gradient_norm: metrics.gradientNorm,
    examples_per_second: metrics.examplesPerSecond,
    duration_ms: metrics.durationMs,
  }
}
