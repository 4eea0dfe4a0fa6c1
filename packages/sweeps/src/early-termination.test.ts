import { expect, it } from 'vitest'
import {
  bracketOf,
  decideStop,
  expectPruning,
  type RungRecord,
  rungsOf,
} from './early-termination.ts'
import type { EarlyTermination } from './resolve-sweep.ts'

const ASHA: EarlyTermination = { type: 'asha', min_epochs: 3, max_epochs: 81, reduction: 3 }
const HYPERBAND: EarlyTermination = {
  type: 'hyperband',
  min_epochs: 3,
  max_epochs: 81,
  reduction: 3,
}
const MEDIAN: EarlyTermination = {
  type: 'median',
  startup_trials: 3,
  warmup_epochs: 1,
  interval_epochs: 2,
  min_trials: 1,
}

const MINIMIZE = { goal: 'minimize' } as const
const MAXIMIZE = { goal: 'maximize' } as const

it('asks at min · η^k', () => {
  expect(rungsOf(ASHA, 0, 81)).toEqual([3, 9, 27])
  expect(rungsOf(ASHA, 0, 20)).toEqual([3, 9])
  expect(rungsOf(MEDIAN, 0, 8)).toEqual([2, 4, 6])
})

it('lets the best third of what has reached a rung go on', () => {
  const said: RungRecord[] = []
  const stops = [5, 6, 4, 9, 3, 8].map((value, trialIndex) => {
    const record = { trialIndex, epoch: 3, value }
    const decision = decideStop(ASHA, said, record, MINIMIZE)
    said.push(record)
    return decision.stops
  })

  expect(stops).toEqual([false, true, false, true, false, true])
})

it('says rung, cut-off, rank and why', () => {
  const said = [1, 2, 3, 4, 5].map((value, trialIndex) => ({ trialIndex, epoch: 9, value }))

  expect(decideStop(ASHA, said, { trialIndex: 9, epoch: 9, value: 2.5 }, MINIMIZE)).toEqual({
    stops: true,
    rung: 1,
    cutoff: 2,
    rank: 3,
    reached: 6,
    reason: 'rank 3 of 6 at epoch 9, the best 2 (1/3) train on',
  })
})

it('stops a trial whose value is no number', () => {
  const said = [{ trialIndex: 0, epoch: 3, value: 1 }]

  expect(
    decideStop(ASHA, said, { trialIndex: 1, epoch: 3, value: Number.NaN }, MINIMIZE).stops,
  ).toBe(true)
})

it('gives the same answers to the same values in the same order', () => {
  const values = Array.from({ length: 60 }, (_, i) => (Math.sin(i * 12.9898) * 43758.5453) % 1)
  const run = () => {
    const said: RungRecord[] = []
    return values.map((value, trialIndex) => {
      const record = { trialIndex, epoch: 3, value }
      const decision = decideStop(ASHA, said, record, MINIMIZE)
      said.push(record)
      return decision
    })
  }

  expect(run()).toEqual(run())
})

it('stops what is worse than the median of the others so far', () => {
  const said = [1, 2, 3].flatMap((value, trialIndex) => [
    { trialIndex, epoch: 2, value },
    { trialIndex, epoch: 4, value: value / 2 },
  ])

  expect(decideStop(MEDIAN, said, { trialIndex: 9, epoch: 2, value: 2.5 }, MINIMIZE)).toMatchObject(
    {
      stops: true,
      cutoff: 2,
    },
  )
  expect(decideStop(MEDIAN, said, { trialIndex: 9, epoch: 2, value: 1.5 }, MINIMIZE).stops).toBe(
    false,
  )
  expect(
    decideStop(MEDIAN, said.slice(0, 2), { trialIndex: 9, epoch: 2, value: 9 }, MINIMIZE),
  ).toMatchObject({ stops: false, cutoff: null })
})

it('says values as the goal has them, and none for what is no number', () => {
  const said = [-0.9, -0.8, -0.7, -0.6].map((value, trialIndex) => ({
    trialIndex,
    epoch: 2,
    value,
  }))
  const own = { trialIndex: 9, epoch: 2, value: -0.5 }
  const diverged = { ...own, value: Number.NaN }

  expect(decideStop(MEDIAN, said, own, MAXIMIZE)).toMatchObject({
    stops: true,
    cutoff: 0.75,
    reason: 'its best 0.5 at epoch 2 is worse than the median 0.75 of 4 others',
  })
  expect(decideStop(ASHA, said, own, MAXIMIZE)).toMatchObject({ stops: true, cutoff: 0.9 })
  expect(decideStop(MEDIAN, said, diverged, MAXIMIZE).reason).toMatch(/^its best \(no number\)/)
})

it('spreads hyperband over brackets by the index alone, each with rungs of its own', () => {
  const brackets = Array.from({ length: 200 }, (_, i) => bracketOf(HYPERBAND, i))

  expect(new Set(brackets)).toEqual(new Set([0, 1, 2, 3]))
  expect(brackets.filter((bracket) => bracket === 0).length).toBeGreaterThan(
    brackets.filter((bracket) => bracket === 3).length,
  )
  const third = brackets.indexOf(2)
  expect(rungsOf(HYPERBAND, third, 81)).toEqual([27])
})

it('expects a third to reach each next rung', () => {
  const expected = expectPruning(ASHA, 60, 81)

  expect(
    expected?.rungs.map(({ epochs, trials_reaching }) => [epochs, Math.round(trials_reaching)]),
  ).toEqual([
    [3, 60],
    [9, 20],
    [27, 7],
  ])
  expect(expected?.epochs).toBeLessThan(0.5 * 60 * 81)
})
