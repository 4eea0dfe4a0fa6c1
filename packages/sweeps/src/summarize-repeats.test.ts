import { expect, it } from 'vitest'
import { summarizeRepeats } from './summarize-repeats.ts'

it('gives mean, spread and the 95 % interval of Student’s t', () => {
  const { mean, std, confidence } = summarizeRepeats([1, 2, 3, 4, 5]) ?? {}

  expect(mean).toBe(3)
  expect(std).toBeCloseTo(1.5811, 4)
  // 2.776 · 1.5811 / √5.
  expect(confidence?.low).toBeCloseTo(3 - 1.9629, 3)
  expect(confidence?.high).toBeCloseTo(3 + 1.9629, 3)
})

it('claims no spread for one value, and nothing for none', () => {
  expect(summarizeRepeats([2])).toEqual({ mean: 2, std: null, confidence: null, values: [2] })
  expect(summarizeRepeats([])).toBeNull()
})

// t at 97.5 % with 31, 40 and 99 degrees of freedom: 2.0395, 2.0211, 1.9842.
it.each([
  [32, 2.0395],
  [41, 2.0211],
  [100, 1.9842],
])('widens the interval of %i repeats by the t of its degrees of freedom', (count, t) => {
  const values = Array.from({ length: count }, (_, i) => i % 7)
  const { mean = 0, std, confidence } = summarizeRepeats(values) ?? {}

  expect((((confidence?.high ?? 0) - mean) * Math.sqrt(count)) / (std ?? 1)).toBeCloseTo(t, 3)
})
