import { describe, expect, it } from 'vitest'
import { createBinaryCrossEntropy } from './binary-cross-entropy.ts'
import { createCrossEntropy } from './cross-entropy.ts'
import { hinge } from './hinge.ts'
import { createHuber } from './huber.ts'
import type { Loss } from './loss.ts'
import { mae } from './mae.ts'
import { mse } from './mse.ts'
import { perceptron } from './perceptron.ts'

const STEP = 1e-5
const crossEntropy = createCrossEntropy(0)
const binaryCrossEntropy = createBinaryCrossEntropy(0)
const huber = createHuber(1)

describe('every loss', () => {
  it.each([
    ['cross_entropy', crossEntropy, [6.5, 2, 3.3], [1]],
    ['binary_cross_entropy', binaryCrossEntropy, [-0.7], [1]],
    ['binary_cross_entropy', binaryCrossEntropy, [1.3], [0]],
    ['smoothed cross_entropy', createCrossEntropy(0.1), [6.5, 2, 3.3], [1]],
    ['smoothed binary_cross_entropy', createBinaryCrossEntropy(0.2), [-0.7], [1]],
    ['hinge', hinge, [1, 0.7, -3, 1.2], [0]],
    ['mse', mse, [1, -2, 0.5], [0.3, 0.4, 0.5]],
    ['mae', mae, [1, -2, 0.5], [0.3, 0.4, 0.6]],
    ['huber', huber, [1, -2, 0.5], [0.3, 0.4, 0.5]],
    ['huber', createHuber(0.3), [1, -2, 0.5], [0.3, 0.4, 0.4]],
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

describe('label smoothing', () => {
  it('takes a share of the target and spreads it over the classes', () => {
    const [logits, label] = [Float64Array.of(2, 0, -1), Float64Array.of(0)]
    const each = [0, 1, 2].map((y) => crossEntropy.value(logits, Float64Array.of(y)))

    // t = (0.8, 0.1, 0.1)
    expect(createCrossEntropy(0.3).value(logits, label)).toBeCloseTo(
      0.8 * (each[0] ?? 0) + 0.1 * (each[1] ?? 0) + 0.1 * (each[2] ?? 0),
      12,
    )
  })

  it('moves a binary target towards one half', () => {
    const [logit, label] = [Float64Array.of(3), Float64Array.of(1)]

    expect(createBinaryCrossEntropy(0.2).value(logit, label)).toBeCloseTo(
      0.9 * binaryCrossEntropy.value(logit, label) +
        0.1 * binaryCrossEntropy.value(logit, Float64Array.of(0)),
      12,
    )
  })
})

describe('hinge', () => {
  it('adds what each other class lacks to the margin', () => {
    // 3.2 - 5.1 + 1 < 0 is no loss; 5.1 - 3.2 + 1 = 2.9.
    expect(hinge.value(Float64Array.of(3.2, 5.1, -1.7), Float64Array.of(0))).toBeCloseTo(2.9, 12)
    expect(hinge.value(Float64Array.of(3.2, 5.1, -1.7), Float64Array.of(1))).toBe(0)
  })
})

describe('mae and huber', () => {
  it('are means over the outputs, huber a parabola within δ', () => {
    const [prediction, target] = [Float64Array.of(0.5, 3), Float64Array.of(0, 0)]

    expect(mae.value(prediction, target)).toBe(1.75)
    expect(huber.value(prediction, target)).toBe((0.125 + 2.5) / 2)
    expect(createHuber(2).value(prediction, target)).toBe((0.125 + 4) / 2)
  })
})

describe('perceptron', () => {
  it('counts wrong rows, a score of zero being a one', () => {
    const value = (scores: number[], label: number) =>
      perceptron.value(Float64Array.from(scores), Float64Array.of(label))

    expect([value([0], 1), value([0], 0), value([-1], 0)]).toEqual([0, 1, 0])
    expect([value([1, 2, 2], 1), value([1, 2, 2], 2)]).toEqual([0, 1])
    expect(value([Number.NaN, 1], 1)).toBeNaN()
  })
})

describe('mse', () => {
  it('is the mean over the outputs', () => {
    expect(mse.value(Float64Array.of(1, 5), Float64Array.of(3, 4))).toBe(2.5)
  })
})
