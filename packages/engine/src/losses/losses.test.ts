import { describe, expect, it } from 'vitest'
import { binaryCrossEntropy } from './binary-cross-entropy.ts'
import { crossEntropy } from './cross-entropy.ts'
import type { Loss } from './loss.ts'
import { mse } from './mse.ts'

const STEP = 1e-5

describe('every loss', () => {
  it.each([
    ['cross_entropy', crossEntropy, [6.5, 2, 3.3], [1]],
    ['binary_cross_entropy', binaryCrossEntropy, [-0.7], [1]],
    ['binary_cross_entropy', binaryCrossEntropy, [1.3], [0]],
    ['mse', mse, [1, -2, 0.5], [0.3, 0.4, 0.5]],
  ] as [string, Loss, number[], number[]][])(
    'has the gradient of its value: %s',
    (_name, loss, scores, target) => {
      const logits = Float64Array.from(scores)
      const gradient = new Float64Array(scores.length)
      loss.gradient(logits, Float64Array.from(target), gradient)

      for (const [j, score] of scores.entries()) {
        const at = (value: number) => loss.value(logits.with(j, value), Float64Array.from(target))
        const numeric = (at(score + STEP) - at(score - STEP)) / (2 * STEP)
        expect(Math.abs((gradient[j] as number) - numeric)).toBeLessThan(1e-9)
      }
    },
  )
})

describe('crossEntropy', () => {
  it('is 0.0513 where the softmax gives 0.95', () => {
    const score = Math.log(0.95 / 0.05)

    expect(crossEntropy.value(Float64Array.of(score, 0), Float64Array.of(0))).toBeCloseTo(0.0513, 4)
  })

  it('stays finite where the probability underflows', () => {
    expect(crossEntropy.value(Float64Array.of(1e5, 0), Float64Array.of(1))).toBe(1e5)
  })

  it('takes the first of equal scores as the prediction', () => {
    const isCorrect = (label: number) =>
      crossEntropy.isCorrect?.(Float64Array.of(1, 3, 3), Float64Array.of(label))

    expect([0, 1, 2].map(isCorrect)).toEqual([false, true, false])
  })

  it('is NaN for a NaN score', () => {
    expect(crossEntropy.value(Float64Array.of(Number.NaN, 1), Float64Array.of(1))).toBeNaN()
  })
})

describe('binaryCrossEntropy', () => {
  it('is ln 2 at zero and linear where the sigmoid saturates', () => {
    const value = (score: number, label: number) =>
      binaryCrossEntropy.value(Float64Array.of(score), Float64Array.of(label))

    expect(value(0, 1)).toBe(Math.LN2)
    expect([value(1000, 0), value(-1000, 1), value(1000, 1)]).toEqual([1000, 1000, 0])
  })
})

describe('mse', () => {
  it('is the mean over the outputs', () => {
    expect(mse.value(Float64Array.of(1, 5), Float64Array.of(3, 4))).toBe(2.5)
  })
})
