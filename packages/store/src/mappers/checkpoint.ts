import type { Checkpoint, EpochMetrics, MetricsSummary } from '@trainyard/contracts'
import type { CheckpointProgress } from '@trainyard/domain'

export function toCheckpoint(row: {
  id: string
  jobId: string
  step: number
  progress: unknown
  sha256: string
  bytes: bigint
  createdAt: Date
}): Checkpoint {
  const { epoch, seconds, best, last } = row.progress as CheckpointProgress
  return {
    object: 'training.checkpoint',
    id: row.id as Checkpoint['id'],
    job_id: row.jobId as Checkpoint['job_id'],
    step_number: row.step,
    epoch,
    metrics: last === null ? null : summarize(last),
    best: best === null ? null : { epoch: best.epoch, metrics: summarize(best) },
    seconds,
    sha256: row.sha256,
    bytes: Number(row.bytes),
    created_at: row.createdAt.toISOString(),
  }
}

function summarize(row: EpochMetrics): MetricsSummary {
  const { train_loss, train_accuracy, val_loss, val_accuracy } = row
  return { train_loss, train_accuracy, val_loss, val_accuracy }
}
