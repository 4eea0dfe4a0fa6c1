import { expect, it } from 'vitest'
import { findBoundaryWarnings } from '../boundary-warnings.ts'
import { makeSuggest } from '../suggest.ts'
import { LEARNING_RATE, resolved } from '../sweep-spec.fixture.ts'
import { narrowSpace, pickBest, shrinkRanges, wholeRanges } from './coarse-to-fine.ts'

const ROUNDS = [{ trials: 40 }, { trials: 20, shrink: 0.3, top: 5 }]
const sweep = resolved({ method: 'coarse_to_fine', max_trials: undefined, rounds: ROUNDS })
const suggest = makeSuggest(sweep)

/** Good at 0.01 with the first hidden layers. */
const trials = Array.from({ length: 40 }, (_, trialIndex) => {
  const params = suggest(trialIndex, { ranges: wholeRanges(sweep.space) }) ?? {}
  const off = Math.log10((params[LEARNING_RATE] as number) / 0.01)
  return { trialIndex, params, loss: off * off + (params['model.hidden'] as unknown[]).length / 10 }
})

it('searches what the best trials enclose, and says so in words and numbers', () => {
  const best = pickBest(trials, 5)

  const ranges = shrinkRanges({ whole: sweep.space, space: sweep.space }, best, 0.3)

  const rate = ranges.find(({ parameter }) => parameter === LEARNING_RATE)
  const found = best.map(({ params }) => params[LEARNING_RATE] as number)
  expect(rate?.min).toBeLessThanOrEqual(Math.min(...found))
  expect(rate?.max).toBeGreaterThanOrEqual(Math.max(...found))
  // 0.3 of three decades.
  expect(Math.log10((rate?.max ?? 0) / (rate?.min ?? 1))).toBeCloseTo(0.9, 5)
  expect(rate?.explanation).toMatch(
    /the best 5 trials lie from .* to .*; searched from .* 30 % of the width before on the log scale/,
  )
})

it('does not depend on the order in which trials finished', () => {
  const shuffled = trials.toSorted((a, b) => Math.sin(a.trialIndex) - Math.sin(b.trialIndex))

  expect(pickBest(shuffled, 5)).toEqual(pickBest(trials, 5))
})

it('draws the trials of a round within its ranges', () => {
  const ranges = shrinkRanges({ whole: sweep.space, space: sweep.space }, pickBest(trials, 5), 0.3)
  const { min, max } = ranges.find(({ parameter }) => parameter === LEARNING_RATE) ?? {}
  const hidden = ranges.find(({ parameter }) => parameter === 'model.hidden')?.values

  for (let i = 40; i < 60; i++) {
    const params = suggest(i, { ranges }) ?? {}
    expect(params[LEARNING_RATE]).toBeGreaterThanOrEqual(min as number)
    expect(params[LEARNING_RATE]).toBeLessThanOrEqual(max as number)
    expect(hidden).toContainEqual(params['model.hidden'])
  }
})

it('keeps a range within its bounds, however close to one the best lie', () => {
  const edge = [{ trialIndex: 0, params: { [LEARNING_RATE]: 1e-4 }, loss: 0 }]

  const ranges = shrinkRanges({ whole: sweep.space, space: sweep.space }, edge, 0.3)

  expect(ranges.find(({ parameter }) => parameter === LEARNING_RATE)?.min).toBeCloseTo(1e-4, 12)
  expect(narrowSpace(sweep.space, ranges).dimensions).toHaveLength(3)
})

it('warns where the best lies within 10 % of a bound, and not elsewhere', () => {
  expect(findBoundaryWarnings(sweep.space, { [LEARNING_RATE]: 0.09 })).toMatchObject([
    { parameter: LEARNING_RATE, bound: 'max', value: 0.09, limit: 0.1, suggested_min: 1e-4 },
  ])
  expect(findBoundaryWarnings(sweep.space, { [LEARNING_RATE]: 0.003 })).toEqual([])
})
