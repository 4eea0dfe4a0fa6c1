import { expect, it } from 'vitest'
import { makeOpenTrial, makeTrialJob, OBJECTIVE } from './running-sweep.fixture.ts'
import { settleTrials } from './settle-trials.ts'

const FAILED = {
  status: 'failed',
  error: { code: 'diverged', message: 'the loss is infinite' },
} as never

it('settles trials in the order in which their last training ended, ties by index', () => {
  const at = (ms: number) => makeTrialJob({ loss: 1, finishedAt: new Date(ms) })

  const { settled } = settleTrials(OBJECTIVE, 1, [
    makeOpenTrial(0, [at(30)]),
    makeOpenTrial(2, [at(10)]),
    makeOpenTrial(1, [at(10)]),
  ])

  expect(settled.map(({ trialIndex }) => trialIndex)).toEqual([1, 2, 0])
})

it('leaves a trial open until all its repeats have ended, and says that it has started', () => {
  const trial = makeOpenTrial(4, [
    makeTrialJob({ loss: 1 }),
    makeTrialJob({ repeat: 1, status: 'running', finishedAt: null }),
  ])

  expect(settleTrials(OBJECTIVE, 2, [trial])).toEqual({ started: [4], settled: [] })
})

it('takes the mean of the repeats that have a value, and the epochs of all', () => {
  const trial = makeOpenTrial(0, [
    makeTrialJob({ loss: 1 }),
    makeTrialJob({ loss: 3, repeat: 1 }),
    makeTrialJob({ repeat: 2, ...(FAILED as object) }),
  ])

  const [settled] = settleTrials(OBJECTIVE, 3, [trial]).settled

  expect(settled).toMatchObject({ status: 'complete', objective: { mean: 2 }, epochs: 9 })
})

it.each([
  ['pruned', [makeTrialJob({ loss: 1, stopReason: 'pruned' as never })], null],
  ['failed', [makeTrialJob(FAILED)], 'diverged'],
  ['cancelled', [makeTrialJob({ status: 'cancelled' })], null],
  ['failed', [makeTrialJob({})], 'no_objective'],
  ['failed', [], 'deleted'],
] as const)('calls a trial %s by what became of its trainings', (status, jobs, code) => {
  const [settled] = settleTrials(OBJECTIVE, 1, [makeOpenTrial(0, [...jobs])]).settled

  expect([settled?.status, settled?.error?.code ?? null]).toEqual([status, code])
})
