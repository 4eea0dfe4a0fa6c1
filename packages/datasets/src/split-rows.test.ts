import { describe, expect, it } from 'vitest'
import { splitRows } from './split-rows.ts'

const HALF = { fraction: 0.5, stratify: true }
const FIFTH = { fraction: 0.2, stratify: true }

function classCounts(classes: Int32Array, rows: Uint32Array): number[] {
  const counts = Array(Math.max(...classes) + 1).fill(0)
  for (const row of rows) counts[classes[row] ?? 0] += 1
  return counts
}

describe('splitRows', () => {
  it('puts every row into exactly one part, both ascending', () => {
    const { training, validation } = splitRows({
      rows: 101,
      classes: null,
      validation: FIFTH,
      shuffle: true,
      seed: 3n,
    })

    expect(validation.length).toBe(20)
    expect([...training, ...validation].sort((a, b) => a - b)).toEqual([...Array(101).keys()])
    expect(training.toSorted()).toEqual(training)
    expect(validation.toSorted()).toEqual(validation)
  })

  it('draws the same rows for the same seed and others for another', () => {
    const draw = (seed: bigint) =>
      splitRows({ rows: 50, classes: null, validation: FIFTH, shuffle: true, seed }).validation

    expect(draw(1n)).toEqual(draw(1n))
    expect(draw(1n)).not.toEqual(draw(2n))
  })

  it('keeps the shares of classes by largest remainder', () => {
    const classes = Int32Array.from({ length: 100 }, (_, i) => (i < 58 ? 0 : i < 91 ? 1 : 2))

    const { validation, training } = splitRows({
      rows: 100,
      classes,
      validation: FIFTH,
      shuffle: true,
      seed: 1n,
    })

    // Shares 11.6, 6.6 and 1.8; of equal remainders the lower class goes first.
    expect(classCounts(classes, validation)).toEqual([12, 6, 2])
    expect(classCounts(classes, training)).toEqual([46, 27, 7])
  })

  it('leaves every class of two rows or more a row to train on, and classes of one row too when it can', () => {
    const classes = Int32Array.of(0, 0, 1, 1, 2, 2, 2, 3)

    const { training, validation } = splitRows({
      rows: 8,
      classes,
      validation: HALF,
      shuffle: true,
      seed: 9n,
    })

    expect(classCounts(classes, training)).toEqual([1, 1, 1, 1])
    expect(classCounts(classes, validation)).toEqual([1, 1, 2, 0])
  })

  it('takes the last rows in order when nothing is shuffled, classes or not', () => {
    const { training, validation } = splitRows({
      rows: 10,
      classes: Int32Array.of(0, 0, 0, 0, 0, 1, 1, 1, 1, 1),
      validation: { fraction: 0.3, stratify: true },
      shuffle: false,
      seed: 1n,
    })

    expect([...training]).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect([...validation]).toEqual([7, 8, 9])
  })

  it('keeps at least one row on each side, and all rows in training without validation', () => {
    const split = (fraction: number | null) => {
      const validation = fraction === null ? null : { fraction, stratify: false }
      const parts = splitRows({ rows: 4, classes: null, validation, shuffle: true, seed: 1n })
      return [parts.training.length, parts.validation.length]
    }

    expect([split(0.01), split(0.99), split(null)]).toEqual([
      [3, 1],
      [1, 3],
      [4, 0],
    ])
  })
})
