/**
 * The states of a job and the moves between them:
 *
 *   queued → running → succeeded | failed
 *   queued | paused → cancelled, running | pausing → cancelling → cancelled
 *   queued → paused, running → pausing → paused → queued
 *   running → queued when its worker is lost or drains
 *
 * A terminal state never changes; a trigger in the database holds the same line.
 */
import type { CancelMode, JobStatus } from '@trainyard/contracts'
import { DomainError } from './errors.ts'

const TERMINAL: readonly JobStatus[] = ['succeeded', 'failed', 'cancelled']

export type JobAction =
  | 'cancel'
  | 'pause'
  | 'resume'
  | 'retry'
  | 'clone'
  | 'fork'
  | 'verify'
  | 'delete'

/** What a caller can do with a job in each state. A fork needs a checkpoint as well. */
const ALLOWED: Record<JobStatus, readonly JobAction[]> = {
  queued: ['cancel', 'pause', 'clone'],
  running: ['cancel', 'pause', 'clone', 'fork'],
  pausing: ['cancel', 'clone', 'fork'],
  paused: ['cancel', 'resume', 'clone', 'fork'],
  cancelling: ['cancel', 'clone', 'fork'],
  succeeded: ['clone', 'fork', 'verify', 'delete'],
  failed: ['retry', 'clone', 'fork', 'delete'],
  cancelled: ['retry', 'clone', 'fork', 'delete'],
}

export function isTerminal(status: JobStatus): boolean {
  return TERMINAL.includes(status)
}

/**
 * What `cancel` does to a job in this state. Repeating it is harmless; a job that ended otherwise cannot be cancelled.
 * By `force` nobody is waited for.
 */
export function decideCancel(
  status: JobStatus,
  mode: CancelMode,
): 'cancel_now' | 'ask_worker' | 'already' {
  switch (status) {
    case 'queued':
    case 'paused':
      return 'cancel_now'
    case 'running':
    case 'pausing':
      return mode === 'force' ? 'cancel_now' : 'ask_worker'
    case 'cancelling':
      return mode === 'force' ? 'cancel_now' : 'already'
    case 'cancelled':
      return 'already'
    case 'succeeded':
    case 'failed':
      throw refuse('cancelled', status)
    default:
      return assertNever(status)
  }
}

/** What `pause` does: a queued job waits at once, a running one after its next batch. */
export function decidePause(status: JobStatus): 'pause_now' | 'ask_worker' | 'already' {
  switch (status) {
    case 'queued':
      return 'pause_now'
    case 'running':
      return 'ask_worker'
    case 'pausing':
    case 'paused':
      return 'already'
    case 'cancelling':
    case 'cancelled':
    case 'succeeded':
    case 'failed':
      throw refuse('paused', status)
    default:
      return assertNever(status)
  }
}

/** What `resume` does. A job that is on its way already need not be; one that still pauses has to be waited for. */
export function decideResume(status: JobStatus): 'queue' | 'already' {
  switch (status) {
    case 'paused':
      return 'queue'
    case 'queued':
    case 'running':
      return 'already'
    case 'pausing':
    case 'cancelling':
    case 'cancelled':
    case 'succeeded':
    case 'failed':
      throw refuse('resumed', status)
    default:
      return assertNever(status)
  }
}

/** Throws `illegal_transition` unless a job in this state may be retried, verified or deleted. */
export function assertAllowed(action: JobAction, status: JobStatus): void {
  if (!ALLOWED[status].includes(action)) throw refuse(PARTICIPLES[action], status)
}

const PARTICIPLES: Record<JobAction, string> = {
  cancel: 'cancelled',
  pause: 'paused',
  resume: 'resumed',
  retry: 'retried',
  clone: 'cloned',
  fork: 'forked',
  verify: 'verified',
  delete: 'deleted',
}

function refuse(participle: string, status: JobStatus): DomainError {
  const state = status === 'succeeded' || status === 'failed' ? `has ${status}` : `is ${status}`
  return new DomainError('illegal_transition', {
    detail: `The job ${state} and cannot be ${participle}.`,
    status,
    allowed: ALLOWED[status],
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

function assertNever(value: never): never {
  throw new Error(`unreachable: ${String(value)}`)
}
