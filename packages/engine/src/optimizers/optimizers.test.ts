import { describe, expect, it } from 'vitest'
import { createAdagrad } from './adagrad.ts'
import { createAdam } from './adam.ts'
import { createAdamw } from './adamw.ts'
import { createMomentum } from './momentum.ts'
import type { Optimizer } from './optimizer.ts'
import { createRmsprop } from './rmsprop.ts'
import { sgd } from './sgd.ts'

/** Minimises ½x² from x = 1, whose gradient is x, and returns x after each step. */
function descend(optimize: Optimizer, steps: number, learningRate = 0.5): number[] {
  const x = Float64Array.of(1)
  return Array.from({ length: steps }, () => {
    optimize(x, x.slice(), learningRate)
    return x[0] as number
  })
}

describe('sgd', () => {
  it('multiplies the distance by 1 - η', () => {
    const path = descend(sgd, 3)

    expect(path).toEqual([0.5, 0.25, 0.125])
  })
})

describe('momentum', () => {
  it('adds the velocity, which keeps μ of itself', () => {
    const config = { type: 'momentum', learningRate: 0.5, momentum: 0.5, nesterov: false } as const

    // v: -0.5, -0.25 - 0.25 = -0.5, -0.25 - 0 = -0.25
    expect(descend(createMomentum(config, 1), 3)).toEqual([0.5, 0, -0.25])
  })

  it('looks ahead with Nesterov by μ·v − η·g of the new velocity', () => {
    const config = { type: 'momentum', learningRate: 0.5, momentum: 0.5, nesterov: true } as const

    // v: -0.5, then -0.25 - 0.125 = -0.375; steps: -0.25 - 0.5, then -0.1875 - 0.125
    expect(descend(createMomentum(config, 1), 2)).toEqual([0.25, -0.0625])
  })
})

describe('rmsprop', () => {
  it('divides by the root of the running mean of squares, ε inside the root', () => {
    const config = { type: 'rmsprop', learningRate: 0.1, rho: 0.75, epsilon: 0.75 } as const

    // a = 0.25, √(0.25 + 0.75) = 1; then x = 0.9, a = 0.1875 + 0.2025 = 0.39.
    const [first, second] = descend(createRmsprop(config, 1), 2, 0.1)

    expect(first).toBeCloseTo(0.9, 12)
    expect(second).toBeCloseTo(0.9 - 0.09 / Math.sqrt(0.39 + 0.75), 12)
  })
})

describe('adagrad', () => {
  it('divides by the root of the sum of all squares', () => {
    const [first, second] = descend(createAdagrad(1), 2, 0.1)

    expect(first).toBeCloseTo(0.9, 9)
    expect(second).toBeCloseTo(0.9 - 0.09 / Math.sqrt(1.81), 9)
  })

  it('leaves a parameter without gradient where it is', () => {
    const x = Float64Array.of(1)

    createAdagrad(1)(x, Float64Array.of(0), 0.1)

    expect(x[0]).toBe(1)
  })
})

describe('adamw', () => {
  it('decays weights and nothing else, apart from the gradient', () => {
    const config = { beta1: 0.9, beta2: 0.999, epsilon: 1e-12, biasCorrection: true } as const
    const decaying = { ...config, type: 'adamw', learningRate: 0.1, weightDecay: 0.5 } as const
    const x = Float64Array.of(1, 1)

    createAdamw(decaying, [true, false])(x, Float64Array.of(3, 3), 0.1)

    expect(x[0]).toBeCloseTo(0.95 - 0.1, 9)
    expect(x[1]).toBeCloseTo(0.9, 9)
  })
})

describe('adam', () => {
  const config = { type: 'adam', learningRate: 0.1, beta1: 0.9, beta2: 0.999 } as const

  it('moves by the learning rate in the first step, whatever the gradient', () => {
    const optimize = createAdam({ ...config, epsilon: 1e-12, biasCorrection: true }, 2)
    const x = Float64Array.of(1, 1)

    optimize(x, Float64Array.of(1e-3, -1e3), 0.1)

    expect(x[0]).toBeCloseTo(0.9, 8)
    expect(x[1]).toBeCloseTo(1.1, 8)
  })

  it('moves by η(1 − β1)/√(1 − β2) in the first step without bias correction', () => {
    const optimize = createAdam({ ...config, epsilon: 1e-12, biasCorrection: false }, 1)

    const [first] = descend(optimize, 1, 0.1)

    expect(first).toBeCloseTo(1 - (0.1 * 0.1) / Math.sqrt(0.001), 8)
  })

  it('follows the recurrences of the paper over ten steps', () => {
    const path = descend(createAdam({ ...config, epsilon: 1e-8, biasCorrection: true }, 1), 10, 0.1)

    let [x, m, v] = [1, 0, 0]
    for (const [index, actual] of path.entries()) {
      const t = index + 1
      m = 0.9 * m + 0.1 * x
      v = 0.999 * v + 0.001 * x * x
      x -= (0.1 * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8)
      expect(actual).toBeCloseTo(x, 12)
    }
  })
})
