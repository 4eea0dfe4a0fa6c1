import type { EpochMetrics, MetricsSummary } from '@trainyard/contracts'

/** The loss by which epochs are compared: the best has the lowest. */
export function judged(row: EpochMetrics): number {
  return row.val_loss ?? row.train_loss ?? Number.POSITIVE_INFINITY
}

export function summarizeEpoch(
  row: EpochMetrics | null,
): { epoch: number; metrics: MetricsSummary } | null {
  if (row === null) return null
  const { epoch, train_loss, train_accuracy, val_loss, val_accuracy } = row
  return { epoch, metrics: { train_loss, train_accuracy, val_loss, val_accuracy } }
}
