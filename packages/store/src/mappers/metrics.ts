/** Epochs between the wire and their table: JSON has no NaN and no infinity, Postgres' `float8` has both. */
import type { EpochMetrics } from '@trainyard/contracts'

export interface MetricsRow {
  epoch: number
  step: number
  train_loss: number
  train_penalty: number
  train_accuracy: number | null
  val_loss: number | null
  val_accuracy: number | null
  learning_rate: number
  gradient_norm: number
  examples_per_second: number
  duration_ms: number
}

type NonFinite = NonNullable<EpochMetrics['non_finite']>

export function toEpochMetrics(row: MetricsRow): EpochMetrics {
  const nonFinite: NonFinite = {}
  const finite = (name: string, value: number | null): number | null => {
    if (value === null || Number.isFinite(value)) return value
    nonFinite[name] = Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
    return null
  }
  const metrics: EpochMetrics = {
    epoch: row.epoch,
    step: row.step,
    train_loss: finite('train_loss', row.train_loss),
    train_penalty: finite('train_penalty', row.train_penalty),
    train_accuracy: row.train_accuracy,
    val_loss: finite('val_loss', row.val_loss),
    val_accuracy: row.val_accuracy,
    learning_rate: row.learning_rate,
    gradient_norm: finite('gradient_norm', row.gradient_norm),
    examples_per_second: row.examples_per_second,
    duration_ms: row.duration_ms,
  }
  return Object.keys(nonFinite).length === 0 ? metrics : { ...metrics, non_finite: nonFinite }
}

/** The number that `name` stands for: null comes back as the NaN or infinity it was. */
export function fromEpochMetrics(metrics: EpochMetrics, name: keyof MetricsRow): number | null {
  const value = metrics[name]
  if (value !== null) return value
  switch (metrics.non_finite?.[name]) {
    case 'nan':
      return Number.NaN
    case 'inf':
      return Number.POSITIVE_INFINITY
    case '-inf':
      return Number.NEGATIVE_INFINITY
    default:
      return null
  }
}
