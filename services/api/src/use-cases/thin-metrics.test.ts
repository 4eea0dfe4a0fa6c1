import type { EpochMetrics } from '@trainyard/contracts'
import { expect, it } from 'vitest'
import { makeEpochMetrics } from '../../../../test/support/factories.ts'
import { thinMetrics } from './thin-metrics.ts'

const history = (epochs: number, change: (epoch: number) => Partial<EpochMetrics> = () => ({})) =>
  Array.from({ length: epochs }, (_, i) => makeEpochMetrics(i + 1, change(i + 1)))

it.each([3, 4, 7, 100, 999])(
  'keeps the first, the last and the best within %i points',
  (maxPoints) => {
    const thinned = thinMetrics(history(10_000), maxPoints, 4321).map(({ epoch }) => epoch)

    expect(thinned.length).toBeLessThanOrEqual(maxPoints)
    expect(thinned).toEqual(expect.arrayContaining([1, 4321, 10_000]))
    expect(thinned).toEqual(thinned.toSorted((a, b) => a - b))
  },
)

it('keeps a spike of one epoch', () => {
  const rows = history(10_000, (epoch) => (epoch === 7777 ? { val_loss: 50 } : { val_loss: 1 }))

  expect(thinMetrics(rows, 100, null).some(({ epoch }) => epoch === 7777)).toBe(true)
})

it('returns a short history as it is', () => {
  const rows = history(10)

  expect(thinMetrics(rows, 10, 5)).toEqual(rows)
})
