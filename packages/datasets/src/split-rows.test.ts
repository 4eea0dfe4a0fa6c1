import { describe, expect, it } from 'vitest'
import { splitRows } from './split-rows.ts'

function firstRows(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, row) => row)
}

function classCounts(classes: Int32Array, rows: Uint32Array): number[] {
  const counts = Array(Math.max(...classes) + 1).fill(0)
  for (const row of rows) counts[classes[row] ?? 0] += 1
  return counts
}

describe('splitRows', () => {
  it('draws two parts of one seed independently, the second as a share of what there was before the first', () => {
    const options = { classes: null, groups: null, shuffle: true, seed: 5n }
    const first = splitRows({ ...options, rows: firstRows(100), fraction: 0.2, draw: 1 })
    const other = splitRows({ ...options, rows: firstRows(100), fraction: 0.2 })

    const second = splitRows({ ...options, rows: first.training, of: 100, fraction: 0.2 })

    expect([first.validation.length, second.validation.length, second.training.length]).toEqual([
      20, 20, 60,
    ])
    expect(first.validation).not.toEqual(other.validation)
    expect(
      [...first.validation, ...second.validation, ...second.training].sort((a, b) => a - b),
    ).toEqual([...firstRows(100)])
  })

  it('puts every row into exactly one part, both ascending', () => {
    const { training, validation } = splitRows({
      rows: firstRows(101),
      classes: null,
      fraction: 0.2,
      groups: null,
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
      splitRows({
        rows: firstRows(50),
        classes: null,
        fraction: 0.2,
        groups: null,
        shuffle: true,
        seed,
      }).validation

    expect(draw(1n)).toEqual(draw(1n))
    expect(draw(1n)).not.toEqual(draw(2n))
  })

  it('keeps the shares of classes by largest remainder', () => {
    const classes = Int32Array.from({ length: 100 }, (_, i) => (i < 58 ? 0 : i < 91 ? 1 : 2))

    const { validation, training } = splitRows({
      rows: firstRows(100),
      classes,
      fraction: 0.2,
      groups: null,
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
      rows: firstRows(8),
      classes,
      fraction: 0.5,
      groups: null,
      shuffle: true,
      seed: 9n,
    })

    expect(classCounts(classes, training)).toEqual([1, 1, 1, 1])
    expect(classCounts(classes, validation)).toEqual([1, 1, 2, 0])
  })

  it('takes the last rows in order when nothing is shuffled, classes or not', () => {
    const { training, validation } = splitRows({
      rows: firstRows(10),
      classes: Int32Array.of(0, 0, 0, 0, 0, 1, 1, 1, 1, 1),
      fraction: 0.3,
      groups: null,
      shuffle: false,
      seed: 1n,
    })

    expect([...training]).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect([...validation]).toEqual([7, 8, 9])
  })

  it('keeps at least one row on each side, and all rows in training without validation', () => {
    const split = (fraction: number | null) => {
      const parts = splitRows({
        rows: firstRows(4),
        classes: null,
        fraction,
        groups: null,
        shuffle: true,
        seed: 1n,
      })
      return [parts.training.length, parts.validation.length]
    }

    expect([split(0.01), split(0.99), split(null)]).toEqual([
      [3, 1],
      [1, 3],
      [4, 0],
    ])
  })

  it('splits the listed rows alone', () => {
    const rows = Uint32Array.of(3, 5, 8, 13, 21)

    const { training, validation } = splitRows({
      rows,
      classes: null,
      groups: null,
      fraction: 0.4,
      shuffle: true,
      seed: 2n,
    })

    expect(validation.length).toBe(2)
    expect([...training, ...validation].sort((a, b) => a - b)).toEqual([...rows])
  })

  it('keeps every group on one side, as near to the share as whole groups come', () => {
    const groups = Int32Array.from({ length: 100 }, (_, row) => Math.floor(row / 10))

    for (const seed of [1n, 2n, 3n]) {
      const { training, validation } = splitRows({
        rows: firstRows(100),
        classes: null,
        groups,
        fraction: 0.25,
        shuffle: true,
        seed,
      })

      const inTraining = new Set([...training].map((row) => groups[row]))
      const inValidation = new Set([...validation].map((row) => groups[row]))
      expect(inTraining.size + inValidation.size).toBe(10)
      expect([20, 30]).toContain(validation.length)
    }
  })

  it('takes the last groups in order when nothing is shuffled', () => {
    const { validation } = splitRows({
      rows: firstRows(6),
      classes: null,
      groups: Int32Array.of(0, 0, 1, 1, 2, 2),
      fraction: 0.3,
      shuffle: false,
      seed: 1n,
    })

    expect([...validation]).toEqual([4, 5])
  })

  it('takes the smallest group where each is far above the share, and refuses a single one', () => {
    const split = (...sizes: number[]) =>
      splitRows({
        rows: firstRows(sizes.reduce((sum, size) => sum + size, 0)),
        classes: null,
        groups: Int32Array.from(sizes.flatMap((size, i) => Array<number>(size).fill(i))),
        fraction: 0.1,
        shuffle: true,
        seed: 1n,
      })

    expect([...split(30, 20, 50).validation]).toEqual([...firstRows(50).subarray(30)])
    expect(() => split(10)).toThrow('at least two groups')
  })
})
