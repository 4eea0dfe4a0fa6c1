import { JOB_STATUSES, type JobStatus } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import { assertDeletable, decideCancel, isTerminal, progressOf } from './job-lifecycle.ts'

/** What a caller meets in each state; a new state needs a row here. */
const STATES: Record<JobStatus, { cancel: string; isTerminal: boolean }> = {
  queued: { cancel: 'cancel_now', isTerminal: false },
  running: { cancel: 'ask_worker', isTerminal: false },
  cancelling: { cancel: 'already', isTerminal: false },
  cancelled: { cancel: 'already', isTerminal: true },
  succeeded: { cancel: 'illegal_transition', isTerminal: true },
  failed: { cancel: 'illegal_transition', isTerminal: true },
}

describe.each(JOB_STATUSES)('a %s job', (status) => {
  const { cancel, isTerminal: isEnd } = STATES[status]

  it(`answers a cancel with ${cancel}`, () => {
    expect(codeOf(() => decideCancel(status))).toBe(cancel)
  })

  it(isEnd ? 'has ended and may be deleted' : 'has not ended and may not be deleted', () => {
    expect(isTerminal(status)).toBe(isEnd)
    expect(codeOf(() => assertDeletable(status))).toBe(isEnd ? undefined : 'illegal_transition')
  })
})

it('says what is allowed instead of a delete', () => {
  expect(() => assertDeletable('running')).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ allowed: ['cancel'] }) }),
  )
})

it.each([
  ['running', 0, 0],
  ['running', 5, 0.5],
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
