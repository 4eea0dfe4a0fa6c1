import type { ScoredTrialRow } from '@trainyard/domain'
import { expect, it } from 'vitest'
import { leftInRound, nextRound, roomFor } from './choose-trials.ts'
import type { Search } from './load-search.ts'
import { LEARNING_RATE, makeResolvedSweep, makeRunningSweep } from './running-sweep.fixture.ts'

const searchOf = (overrides: Parameters<typeof makeResolvedSweep>[0] = {}): Search =>
  ({ sweep: makeResolvedSweep(overrides) }) as Search
const COARSE = searchOf({
  method: 'coarse_to_fine',
  max_trials: undefined,
  rounds: [{ trials: 4 }, { trials: 3, shrink: 0.3, top: 2 }],
})
const rowOf = (trialIndex: number, rate: number, objective: number): ScoredTrialRow => ({
  trialIndex,
  params: { [LEARNING_RATE]: rate },
  objective,
  status: 'complete',
  finishedOrder: trialIndex + 1,
})

it('keeps random trials ready for every slot, and no more than the sweep still has', () => {
  const many = makeRunningSweep({ maxTrials: 10_000 })

  expect(roomFor(searchOf({ max_trials: 10_000 }), many, 0, 1)).toBe(192)
  expect(roomFor(searchOf({ max_trials: 10_000 }), many, 0, 100)).toBe(256)
  expect(roomFor(searchOf(), makeRunningSweep({ chosen: 18 }), 0, 2)).toBe(2)
})

it('chooses by tpe only for slots that are free, so that each choice has seen as much as it can', () => {
  const search = searchOf({ method: 'tpe' })

  expect(roomFor(search, makeRunningSweep(), 0, 2)).toBe(2)
  expect(roomFor(search, makeRunningSweep({ chosen: 2 }), 2, 2)).toBe(0)
})

it('keeps within max_parallel', () => {
  expect(roomFor(searchOf({ max_parallel: 3 }), makeRunningSweep(), 1, 8)).toBe(2)
})

it('opens the first round with the whole ranges, and lets it choose its trials', () => {
  const round = nextRound(COARSE, makeRunningSweep(), 0, [])

  expect(round).toMatchObject({ round: 1, first_trial_index: 0, trials: 4, from_trials: [] })
  const opened = makeRunningSweep({ rounds: round === null ? [] : [round] })
  expect(leftInRound(COARSE, opened)).toBe(4)
  expect(leftInRound(COARSE, { ...opened, chosen: 4 })).toBe(0)
})

it('opens a round when the one before has ended, around its best', () => {
  const first = nextRound(COARSE, makeRunningSweep(), 0, [])
  const ended = makeRunningSweep({ chosen: 4, rounds: first === null ? [] : [first] })
  const rows = [rowOf(0, 1e-4, 9), rowOf(1, 1e-2, 1), rowOf(2, 2e-2, 2), rowOf(3, 1e-1, 8)]

  expect(nextRound(COARSE, ended, 1, rows.slice(0, 3))).toBeNull()
  const round = nextRound(COARSE, ended, 0, rows)

  expect(round).toMatchObject({ round: 2, first_trial_index: 4, from_trials: [1, 2] })
  expect(round?.ranges[0]?.min).toBeLessThanOrEqual(1e-2)
  expect(round?.ranges[0]?.max).toBeGreaterThanOrEqual(2e-2)
  expect(round?.ranges[0]?.min).toBeGreaterThan(1e-4)
})
