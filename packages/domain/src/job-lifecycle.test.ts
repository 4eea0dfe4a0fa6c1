import { JOB_STATUSES, type JobStatus } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import {
  assertAllowed,
  decideCancel,
  decidePause,
  decideResume,
  isTerminal,
  type JobAction,
  progressOf,
} from './job-lifecycle.ts'

const REFUSED = 'illegal_transition'

/** What a caller meets in each state; a new state needs a row here. */
const STATES: Record<
  JobStatus,
  {
    cancel: string
    force: string
    pause: string
    resume: string
    allowed: JobAction[]
    isTerminal: boolean
  }
> = {
  queued: {
    ...{ cancel: 'cancel_now', force: 'cancel_now', pause: 'pause_now', resume: 'already' },
    allowed: ['cancel', 'pause', 'clone'],
    isTerminal: false,
  },
  running: {
    ...{ cancel: 'ask_worker', force: 'cancel_now', pause: 'ask_worker', resume: 'already' },
    allowed: ['cancel', 'pause', 'clone', 'fork'],
    isTerminal: false,
  },
  pausing: {
    ...{ cancel: 'ask_worker', force: 'cancel_now', pause: 'already', resume: REFUSED },
    allowed: ['cancel', 'clone', 'fork'],
    isTerminal: false,
  },
  paused: {
    ...{ cancel: 'cancel_now', force: 'cancel_now', pause: 'already', resume: 'queue' },
    allowed: ['cancel', 'resume', 'clone', 'fork'],
    isTerminal: false,
  },
  cancelling: {
    ...{ cancel: 'already', force: 'cancel_now', pause: REFUSED, resume: REFUSED },
    allowed: ['cancel', 'clone', 'fork'],
    isTerminal: false,
  },
  cancelled: {
    ...{ cancel: 'already', force: 'already', pause: REFUSED, resume: REFUSED },
    allowed: ['retry', 'clone', 'fork', 'delete'],
    isTerminal: true,
  },
  succeeded: {
    ...{ cancel: REFUSED, force: REFUSED, pause: REFUSED, resume: REFUSED },
    allowed: ['clone', 'fork', 'verify', 'delete'],
    isTerminal: true,
  },
  failed: {
    ...{ cancel: REFUSED, force: REFUSED, pause: REFUSED, resume: REFUSED },
    allowed: ['retry', 'clone', 'fork', 'delete'],
    isTerminal: true,
  },
}

const OTHERS = ['retry', 'clone', 'fork', 'verify', 'delete'] as const

describe.each(JOB_STATUSES)('a %s job', (status) => {
  const expected = STATES[status]

  it(`answers a cancel with ${expected.cancel}, and a forced one with ${expected.force}`, () => {
    expect(codeOf(() => decideCancel(status, 'graceful'))).toBe(expected.cancel)
    expect(codeOf(() => decideCancel(status, 'force'))).toBe(expected.force)
  })

  it(`answers a pause with ${expected.pause}, and a resume with ${expected.resume}`, () => {
    expect(codeOf(() => decidePause(status))).toBe(expected.pause)
    expect(codeOf(() => decideResume(status))).toBe(expected.resume)
  })

  it(`allows ${expected.allowed.join(', ')}, and says so where it refuses`, () => {
    for (const action of OTHERS) {
      const isAllowed = expected.allowed.includes(action)
      expect(codeOf(() => assertAllowed(action, status))).toBe(isAllowed ? undefined : REFUSED)
      if (isAllowed) continue
      expect(() => assertAllowed(action, status)).toThrow(
        expect.objectContaining({
          details: expect.objectContaining({ status, allowed: expected.allowed }),
        }),
      )
    }
  })

  it(expected.isTerminal ? 'has ended' : 'has not ended', () => {
    expect(isTerminal(status)).toBe(expected.isTerminal)
  })
})

it.each([
  ['running', 0, 0],
  ['running', 5, 0.5],
  ['paused', 5, 0.5],
  ['running', 11, 1],
  ['cancelled', 5, 0.5],
  ['succeeded', 5, 1],
] as const)('counts a %s job after %d of 10 epochs as %d done', (status, epoch, share) => {
  expect(progressOf(status, epoch, 10)).toBe(share)
})

it('counts every fold as much as the final model', () => {
  expect(progressOf('running', 0, 10, { done: 2, of: 4 })).toBe(2 / 5)
  expect(progressOf('running', 5, 10, { done: 4, of: 4 })).toBe(4.5 / 5)
  expect(progressOf('succeeded', 7, 10, { done: 4, of: 4 })).toBe(1)
})

/** What it returns, or the code of what it throws. */
function codeOf(decide: () => unknown): unknown {
  try {
    return decide()
  } catch (error) {
    return (error as { code?: string }).code
  }
}
