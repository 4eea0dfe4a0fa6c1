import { expect, it } from 'vitest'
import { clipWorst } from './clip-worst.ts'

const GOOD = Array.from({ length: 19 }, (_, i) => 0.1 + i / 100)

it('ends the axis at the 90 % quantile where one bad trial would press all others together', () => {
  const { clip, clipped } = clipWorst([...GOOD, 50], 'minimize')

  expect(clipped).toBe(2)
  expect(clip(50)).toBeCloseTo(0.27)
  expect(clip(0.1)).toBe(0.1)
})

it('leaves results alone that lie beside each other', () => {
  const { clip, clipped } = clipWorst(GOOD, 'minimize')

  expect([clipped, clip(0.28)]).toEqual([0, 0.28])
})

it('clips low values where high ones are wanted', () => {
  const { clip } = clipWorst([...GOOD.map((loss) => 1 - loss), -20], 'maximize')

  expect(clip(-20)).toBeCloseTo(0.73)
  expect(clip(0.9)).toBe(0.9)
})

it('takes no and equal results as they are', () => {
  expect(clipWorst([], 'minimize').clipped).toBe(0)
  expect(clipWorst([1, 1, 1, 9], 'minimize').clipped).toBe(0)
})
