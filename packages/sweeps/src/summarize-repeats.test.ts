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
