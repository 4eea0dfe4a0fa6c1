import { describe, expect, it } from 'vitest'
import { DataError } from './data-error.ts'
import { type FoldOptions, foldRows } from './fold-rows.ts'

const rows = Uint32Array.from({ length: 23 }, (_, i) => 2 * i)
const deal = (options: Partial<FoldOptions> = {}) =>
  foldRows({ rows, classes: null, groups: null, folds: 4, shuffle: true, seed: 1n, ...options })

describe('foldRows', () => {
  it('lets every row validate once and train in all other folds', () => {
    const folds = deal()

    const validated = folds.flatMap(({ validation }) => [...validation])
    expect(validated.sort((a, b) => a - b)).toEqual([...rows])
    expect(folds.map(({ validation }) => validation.length).sort()).toEqual([5, 6, 6, 6])
    for (const { training, validation } of folds) {
      expect([...training, ...validation].sort((a, b) => a - b)).toEqual([...rows])
    }
  })

  it('deals the same folds for the same seed, and others for another', () => {
    expect(deal()).toEqual(deal())
    expect(deal({ seed: 2n })).not.toEqual(deal())
  })

  it('gives every fold its share of each class', () => {
    const classes = Int32Array.from(rows, (_, i) => (i < 4 ? 0 : i < 12 ? 1 : 2))

    for (const { validation } of deal({ classes })) {
      const counts = [0, 0, 0]
      for (const row of validation) {
        const label = classes[row / 2] ?? 0
        counts[label] = (counts[label] ?? 0) + 1
      }
      expect(counts.slice(0, 2)).toEqual([1, 2])
      expect([2, 3]).toContain(counts[2])
    }
  })

  it('keeps groups whole, in folds as equal as they allow', () => {
    // 9, 5, 4, 3 and 2 rows.
    const groups = Int32Array.from(rows, (_, i) => [9, 14, 18, 21].filter((end) => i >= end).length)

    for (const shuffle of [true, false]) {
      const folds = deal({ groups, folds: 3, shuffle })
      const inFolds = folds.map(({ validation }) =>
        [...new Set([...validation].map((row) => groups[row / 2]))].join(),
      )
      expect(inFolds).toEqual(['0', '1,4', '2,3'])
      expect(folds.map(({ validation }) => validation.length)).toEqual([9, 7, 7])
    }
    expect(() => deal({ groups, folds: 6 })).toThrow('5 groups cannot be dealt to 6 folds')
  })

  it('takes stretches of the data set where nothing is shuffled', () => {
    const [first, second] = deal({ shuffle: false, folds: 2 })

    expect([...(first?.validation ?? [])]).toEqual([...rows.subarray(0, 12)])
    expect([...(second?.validation ?? [])]).toEqual([...rows.subarray(12)])
  })

  it('refuses fewer rows than folds', () => {
    expect(() => deal({ rows: rows.subarray(0, 3) })).toThrow(DataError)
  })
})
