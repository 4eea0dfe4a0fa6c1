import type {
  CrossValidation,
  Event,
  Fold,
  Job,
  JobStatus,
  WeightsInfo,
} from '@trainyard/contracts'
import { isTerminal, progressOf, summarizeFolds } from '@trainyard/domain'
import { type EventFields, toEventFields } from './event.ts'

/** A row of `jobs` with what its object needs from elsewhere; every query that makes a `Job` selects `jobColumns`. */
export interface JobRow {
  id: string
  project_id: string
  dataset_id: string
  name: string | null
  status: string
  stop_reason: string | null
  config: unknown
  resolved_config: unknown
  parameter_count: number
  engine_version: string
  sweep_id: string | null
  trial_index: number | null
  priority: number
  metadata: unknown
  error: unknown
  epoch: number
  best: unknown
  final: unknown
  folds: unknown
  baselines: unknown
  test: unknown
  manifest: unknown
  attempt: number
  parent_job_id: string | null
  origin: string | null
  verification: unknown
  /** Of the job that verifies; null when there is none, or not any more. */
  verifier_status: string | null
  created_at: Date
  started_at: Date | null
  finished_at: Date | null
  now: Date
  /** Queued jobs of the same project before it; null when it is not queued. */
  ahead: number | null
  best_weights: WeightsInfo | null
  last_weights: WeightsInfo | null
}

export function toJob(row: JobRow): Job {
  const resolved = row.resolved_config as Job['resolved_config']
  const status = row.status as JobStatus
  const crossValidation = toCrossValidation(row, resolved)
  const { validation, training } = resolved
  const progress = progressOf(status, row.epoch, crossValidation?.epochs ?? training.epochs, {
    done: crossValidation?.folds.length ?? 0,
    of: validation !== null && 'folds' in validation ? validation.folds : 0,
  })
  return {
    object: 'training.job',
    id: row.id as Job['id'],
    project_id: row.project_id as Job['project_id'],
    name: row.name,
    status,
    stop_reason: row.stop_reason as Job['stop_reason'],
    dataset_id: row.dataset_id as Job['dataset_id'],
    config: row.config as Job['config'],
    resolved_config: resolved,
    seed: resolved.seed,
    parameter_count: row.parameter_count,
    engine_version: row.engine_version,
    attempt: row.attempt,
    progress,
    epoch: row.epoch,
    best: row.best as Job['best'],
    final: row.final as Job['final'],
    cross_validation: crossValidation,
    parent_job_id: row.parent_job_id as Job['parent_job_id'],
    origin: row.origin as Job['origin'],
    verification: toVerification(row),
    manifest: row.manifest as Job['manifest'],
    weights:
      row.best_weights !== null && row.last_weights !== null
        ? { best: row.best_weights, last: row.last_weights }
        : null,
    baselines: row.baselines as Job['baselines'],
    test: row.test as Job['test'],
    queue: row.ahead === null ? null : { position: row.ahead + 1 },
    error: row.error as Job['error'],
    sweep_id: row.sweep_id as Job['sweep_id'],
    trial_index: row.trial_index,
    priority: row.priority,
    metadata: row.metadata as Job['metadata'],
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
    estimated_finish_at: estimateFinish(row, status, progress),
  }
}

/** A second training that ended without a result never says so itself. */
function toVerification({ verification, verifier_status: status }: JobRow): Job['verification'] {
  const stored = verification as Job['verification']
  if (stored?.outcome !== 'pending') return stored
  const isUnderWay = status !== null && !isTerminal(status as JobStatus)
  return isUnderWay ? stored : { ...stored, outcome: 'unfinished' }
}

function toCrossValidation(
  { folds }: JobRow,
  { validation }: Job['resolved_config'],
): CrossValidation | null {
  if (validation === null || !('folds' in validation)) return null
  return summarizeFolds((folds ?? []) as Fold[], validation.folds)
}

function estimateFinish(row: JobRow, status: JobStatus, progress: number): string | null {
  if (status !== 'running' || row.started_at === null || progress === 0) return null
  const elapsedMs = row.now.getTime() - row.started_at.getTime()
  return new Date(row.now.getTime() + (elapsedMs * (1 - progress)) / progress).toISOString()
}

export interface EventRow extends EventFields {
  job_id: string
}

export function toEvent(row: EventRow): Event {
  return { ...toEventFields<Event>(row), job_id: row.job_id as Event['job_id'] }
}
