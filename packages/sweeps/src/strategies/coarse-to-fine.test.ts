import { expect, it } from 'vitest'
import { findBoundaryWarnings } from '../boundary-warnings.ts'
import { makeSuggest } from '../suggest.ts'
import { BASE, LEARNING_RATE, resolved } from '../sweep-spec.fixture.ts'
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
  expect(findBoundaryWarnings(sweep, { [LEARNING_RATE]: 0.09 })).toMatchObject([
    { parameter: LEARNING_RATE, bound: 'max', value: 0.09, limit: 0.1, suggested_min: 1e-4 },
  ])
  expect(findBoundaryWarnings(sweep, { [LEARNING_RATE]: 0.003 })).toEqual([])
})

it('suggests no range that a job refuses or that is no wider, and steps for steps', () => {
  const suggestionFor = (parameter: object, value: number) => {
    const name = 'training.batch_size'
    const searched = resolved({ parameters: { [name]: parameter as never } })
    return findBoundaryWarnings(searched, { [name]: value }).map((one) => [
      one.suggested_min,
      one.suggested_max,
    ])
  }
  const dropout = resolved({
    base: { ...BASE, model: { hidden: [] } },
    parameters: { 'model.input_dropout': { distribution: 'uniform', min: 0, max: 0.9 } },
  })
  const l2 = resolved({
    parameters: {
      'training.regularization.l2': { distribution: 'q_uniform', min: 0, max: 0.2, q: 0.1 },
    },
  })

  expect(suggestionFor({ min: 1, max: 8 }, 1)).toEqual([])
  expect(suggestionFor({ min: 2, max: 3 }, 2)).toEqual([[1, 3]])
  expect(suggestionFor({ distribution: 'int_log_uniform', min: 1, max: 8 }, 1)).toEqual([])
  expect(findBoundaryWarnings(dropout, { 'model.input_dropout': 0.01 })).toEqual([])
  expect(findBoundaryWarnings(l2, { 'training.regularization.l2': 0.2 })).toMatchObject([
    { suggested_min: 0, suggested_max: 0.3 },
  ])
})

it('says what is true of whole numbers that come down to one', () => {
  const name = 'training.batch_size'
  const { space } = resolved({ parameters: { [name]: { min: 1, max: 3 } } })
  const best = [{ trialIndex: 0, params: { [name]: 2 }, loss: 0 }]

  const second = shrinkRanges({ whole: space, space }, best, 0.3)
  const third = shrinkRanges({ whole: space, space: narrowSpace(space, second) }, best, 0.3)

  for (const [range] of [second, third]) {
    expect(range?.explanation).toBe(
      `${name}: the best 1 trials lie from 2 to 2; 2 alone is searched`,
    )
  }
})
