/**
 * The states of a job and the moves between them:
 *
 *   queued → running → succeeded | failed
 *   queued → cancelled, running → cancelling → cancelled
 *   running → queued when its worker is lost or drains
 *
 * A terminal state never changes; a trigger in the database holds the same line.
 */
import type { JobStatus, StopReason } from '@trainyard/contracts'
import { DomainError } from './errors.ts'

const TERMINAL: readonly JobStatus[] = ['succeeded', 'failed', 'cancelled']

export function isTerminal(status: JobStatus): boolean {
  return TERMINAL.includes(status)
}

/** What `cancel` does to a job in this state. Repeating it is harmless; a job that ended otherwise cannot be cancelled. */
export function decideCancel(status: JobStatus): 'cancel_now' | 'ask_worker' | 'already' {
  switch (status) {
    case 'queued':
      return 'cancel_now'
    case 'running':
      return 'ask_worker'
    case 'cancelling':
    case 'cancelled':
      return 'already'
    case 'succeeded':
    case 'failed':
      throw new DomainError('illegal_transition', {
        detail: `The job has already ${status}; only a queued or running job can be cancelled.`,
        status,
        allowed: [],
      })
    default:
      return assertNever(status)
  }
}

/** A job may be deleted only when nothing works on it. */
export function assertDeletable(status: JobStatus): void {
  if (isTerminal(status)) return
  throw new DomainError('illegal_transition', {
    detail: `The job is ${status}; cancel it first, then delete it.`,
    status,
    allowed: ['cancel'],
  })
}

/** Share of the work that is done, 0 to 1. An early stop is the end of the work. */
export function progressOf(
  status: JobStatus,
  epoch: number,
  epochs: number,
  /** Trainings before the one that `epoch` counts in; each is as much as that one. */
  folds: { done: number; of: number } = { done: 0, of: 0 },
): number {
  if (status === 'succeeded') return 1
  return (folds.done + Math.min(1, epoch / epochs)) / (folds.of + 1)
}

/** What a worker reports at the end of its part. */
export type TrainingOutcome =
  | { kind: 'succeeded'; stopReason: Exclude<StopReason, 'cancelled'> }
  | { kind: 'cancelled' }
  | { kind: 'failed' }

function assertNever(value: never): never {
  throw new Error(`unreachable: ${String(value)}`)
}
