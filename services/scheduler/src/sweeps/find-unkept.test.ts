import type { GcSpec } from '@trainyard/contracts'
import type { ScoredTrialRow } from '@trainyard/domain'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { findUnkept } from './find-unkept.ts'
import { makeResolvedSweep } from './running-sweep.fixture.ts'

const sweepOf = (gc: GcSpec | undefined, goal: 'minimize' | 'maximize' = 'minimize') =>
  makeResolvedSweep({ gc, objective: { metric: 'val_loss', goal } })
const rowOf = (trialIndex: number, objective: number | null): ScoredTrialRow => ({
  trialIndex,
  params: {},
  objective,
  status: objective === null ? 'failed' : 'complete',
  finishedOrder: null,
})

it('keeps the same trials whatever the order of finishing and the rounds it comes in, and never more than the best', () => {
  const finishing = fc
    .array(fc.option(fc.integer({ min: 0, max: 5 }), { freq: 4 }), { maxLength: 20 })
    .chain((objectives) => {
      const rows = objectives.map((objective, i) => rowOf(i, objective))
      const order = fc.shuffledSubarray(rows, { minLength: rows.length })
      return fc.tuple(fc.constant(rows), order)
    })
  fc.assert(
    fc.property(
      finishing,
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom('minimize' as const, 'maximize' as const),
      ([rows, order], best, perRound, goal) => {
        const sweep = sweepOf({ save_experiment_best: best, save_trial_best: 0 }, goal)
        const sign = goal === 'minimize' ? 1 : -1
        const stored = new Set<number>()
        for (let at = 0; at < order.length; at += perRound) {
          const settled = order.slice(at, at + perRound)
          for (const { trialIndex } of settled) stored.add(trialIndex)
          const unkept = findUnkept(sweep, order.slice(0, at), settled)
          for (const trialIndex of unkept.best) stored.delete(trialIndex)
          expect(stored.size).toBeLessThanOrEqual(best)
        }

        const scored = rows.flatMap(({ trialIndex, objective }) =>
          objective === null ? [] : [{ trialIndex, loss: sign * objective }],
        )
        const ranked = scored.toSorted((a, b) => a.loss - b.loss || a.trialIndex - b.trialIndex)
        const expected = ranked.slice(0, best).map(({ trialIndex }) => trialIndex)
        expect(stored).toEqual(new Set(expected))
      },
    ),
  )
})

it.each<[string, GcSpec | undefined, { best: number[]; last: number[] }]>([
  ['nothing without a gc', undefined, { best: [], last: [] }],
  ['nothing by the defaults of one', {}, { best: [], last: [] }],
  ['last weights alone', { save_trial_latest: 0 }, { best: [], last: [2, 3] }],
  [
    'those of the best epoch that neither are the best nor belong to every trial',
    { save_experiment_best: 1, save_trial_best: 0 },
    { best: [3, 1], last: [] },
  ],
  ['all', { save_trial_best: 0, save_trial_latest: 0 }, { best: [2, 3], last: [2, 3] }],
])('gives up %s', (_name, gc, expected) => {
  const before = [rowOf(0, 0.9), rowOf(1, 0.5)]

  expect(findUnkept(sweepOf(gc), before, [rowOf(2, 0.1), rowOf(3, null)])).toEqual(expected)
})
