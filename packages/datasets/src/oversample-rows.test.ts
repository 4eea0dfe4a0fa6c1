import fc from 'fast-check'
import { expect, it } from 'vitest'
import { oversampleRows } from './oversample-rows.ts'

it('repeats every row of a small class alike, but for a draw that is the same for the same seed', () => {
  const rows = Uint32Array.from([2, 3, 5, 8, 9, 11, 12, 20, 21])
  const classes = Int32Array.from([0, 1, 0, 0, 1, 0, 0, 0, 0])

  const repeated = [1n, 1n, 2n, 3n, 4n, 5n].map((seed) => oversampleRows({ rows, classes, seed }))

  for (const drawn of repeated) {
    const small = [...drawn].filter((row) => row === 3 || row === 9)
    expect(drawn.length).toBe(14)
    // Seven of two rows: three times each, and one of them once more.
    expect([3, 4]).toContain(small.filter((row) => row === 3).length)
    expect(small.length).toBe(7)
  }
  expect(repeated[0]).toEqual(repeated[1])
  expect(new Set(repeated.map(String)).size).toBe(2)
})

it('leaves no row out, adds none, and makes all classes as large as the largest was', () => {
  const labels = fc.array(fc.nat(4), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(labels, fc.bigInt(0n, 1n << 50n), (given, seed) => {
      const rows = Uint32Array.from(given, (_, i) => 3 * i)
      const repeated = oversampleRows({ rows, classes: Int32Array.from(given), seed })

      const count = (label: number, of: readonly number[]) => of.filter((x) => x === label).length
      const drawn = [...repeated].map((row) => given[row / 3] ?? -1)
      const largest = Math.max(...given.map((label) => count(label, given)))
      expect(new Set(repeated)).toEqual(new Set(rows))
      expect([...repeated]).toEqual([...repeated].sort((a, b) => a - b))
      for (const label of given) expect(count(label, drawn)).toBe(largest)
    }),
  )
})
