import type { Sweep, SweepEvent, Trial, TrialObjective, TrialStatus } from '@trainyard/contracts'
import { TRIAL_STATUSES } from '@trainyard/contracts'
import { isSweepEnded } from '@trainyard/domain'
import { type EventFields, toEventFields } from './event.ts'

export interface SweepRow {
  id: string
  project_id: string
  dataset_id: string
  name: string | null
  status: string
  stop_reason: string | null
  config: unknown
  method: string
  seed: bigint
  objective: unknown
  repeats: number
  max_trials: number
  rounds: unknown
  warnings: unknown
  error: unknown
  metadata: unknown
  created_at: Date
  started_at: Date | null
  finished_at: Date | null
  /** Counts by status, failures by code; null where there are none. */
  counts: Partial<Record<TrialStatus, number>> | null
  failures: Record<string, number> | null
  epochs: number
  best: TrialRow | null
}

/** As SQL gives it, or as JSON within another row. */
export interface TrialRow {
  sweep_id: string
  trial_index: number
  status: string
  params: unknown
  round: number | null
  seen_trials: number | null
  finished_order: number | null
  objective: number | null
  summary: unknown
  epochs: number
  error: unknown
  job_ids: string[]
  rank: number | null
  /** Of the best trial; null without repeats. */
  best_low: number | null
  best_high: number | null
}

export function toSweep(row: SweepRow): Sweep {
  const status = row.status as Sweep['status']
  const counts = Object.fromEntries(
    TRIAL_STATUSES.map((one) => [one, row.counts?.[one] ?? 0]),
  ) as Sweep['trials']
  const chosen = Object.values(counts).reduce((a, b) => a + b, 0)
  // Those not chosen yet wait too, unless nothing waits for anything any more.
  if (!isSweepEnded(status)) counts.waiting += Math.max(0, row.max_trials - chosen)
  const done = chosen - (row.counts?.waiting ?? 0) - counts.running
  return {
    object: 'sweep',
    id: row.id as Sweep['id'],
    project_id: row.project_id as Sweep['project_id'],
    name: row.name,
    status,
    stop_reason: isSweepEnded(status) ? (row.stop_reason as Sweep['stop_reason']) : null,
    dataset_id: row.dataset_id as Sweep['dataset_id'],
    config: row.config as Sweep['config'],
    method: row.method as Sweep['method'],
    seed: Number(row.seed),
    objective: row.objective as Sweep['objective'],
    max_trials: row.max_trials,
    repeats: row.repeats,
    trials: counts,
    progress: status === 'succeeded' ? 1 : done / row.max_trials,
    epochs: row.epochs,
    best: row.best === null ? null : toTrial(row.best),
    rounds: row.rounds as Sweep['rounds'],
    warnings: row.warnings as Sweep['warnings'],
    failures: row.failures ?? {},
    error: row.error as Sweep['error'],
    metadata: row.metadata as Sweep['metadata'],
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
  }
}

export function toTrial(row: TrialRow): Trial {
  const objective = row.summary as TrialObjective | null
  const { best_low: low, best_high: high } = row
  const own = objective?.confidence ?? null
  return {
    object: 'sweep.trial',
    id: String(row.trial_index),
    sweep_id: row.sweep_id as Trial['sweep_id'],
    trial_index: row.trial_index,
    status: row.status as TrialStatus,
    params: row.params as Trial['params'],
    job_ids: row.job_ids as Trial['job_ids'],
    round: row.round,
    objective,
    rank: row.rank,
    ties_with_best:
      own === null || low === null || high === null ? null : own.low <= high && own.high >= low,
    epochs: row.epochs,
    seen_trials: row.seen_trials,
    finished_order: row.finished_order,
    error: row.error as Trial['error'],
  }
}

export interface SweepEventRow extends EventFields {
  sweep_id: string
}

export function toSweepEvent(row: SweepEventRow): SweepEvent {
  return { ...toEventFields<SweepEvent>(row), sweep_id: row.sweep_id as SweepEvent['sweep_id'] }
}
