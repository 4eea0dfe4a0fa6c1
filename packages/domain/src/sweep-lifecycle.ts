/** The states of a sweep, and what each command does in each. */
import type { SweepStatus } from '@trainyard/contracts'
import { DomainError } from './errors.ts'
import type { SweepCommand } from './sweep-ports.ts'

/** The status that a command leads to; the same one where it changes nothing. Throws `illegal_transition`. */
export function decideSweep(status: SweepStatus, command: SweepCommand): SweepStatus {
  const next = NEXT[command][status]
  if (next !== undefined) return next
  throw new DomainError('illegal_transition', {
    detail: `The sweep is ${status}; ${command} is not possible then.`,
    status,
    allowed: (Object.keys(NEXT) as SweepCommand[]).filter((one) => NEXT[one][status] !== undefined),
  })
}

/** An ended sweep may be extended, but nothing else changes it. */
export function isSweepEnded(status: SweepStatus): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'cancelled'
}

const NEXT: Record<SweepCommand, Partial<Record<SweepStatus, SweepStatus>>> = {
  cancel: {
    queued: 'cancelled',
    running: 'cancelling',
    pausing: 'cancelling',
    paused: 'cancelling',
    cancelling: 'cancelling',
    cancelled: 'cancelled',
  },
  pause: { queued: 'paused', running: 'pausing', pausing: 'pausing', paused: 'paused' },
  resume: { queued: 'queued', running: 'running', pausing: 'running', paused: 'running' },
}
