import { describe, expect, it } from 'vitest'
import { createAdam } from './adam.ts'
import { createMomentum } from './momentum.ts'
import type { Optimizer } from './optimizer.ts'
import { createSgd } from './sgd.ts'

/** Minimises ½x² from x = 1, whose gradient is x, and returns x after each step. */
function descend(optimize: Optimizer, steps: number): number[] {
  const x = Float64Array.of(1)
  return Array.from({ length: steps }, () => {
    optimize(x, x.slice())
    return x[0] as number
  })
}

describe('sgd', () => {
  it('multiplies the distance by 1 - η', () => {
    const path = descend(createSgd({ type: 'sgd', learningRate: 0.5 }), 3)

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

describe('adam', () => {
  const config = { type: 'adam', learningRate: 0.1, beta1: 0.9, beta2: 0.999 } as const

  it('moves by the learning rate in the first step, whatever the gradient', () => {
    const optimize = createAdam({ ...config, epsilon: 1e-12, biasCorrection: true }, 2)
    const x = Float64Array.of(1, 1)

    optimize(x, Float64Array.of(1e-3, -1e3))

    expect(x[0]).toBeCloseTo(0.9, 8)
    expect(x[1]).toBeCloseTo(1.1, 8)
  })

  it('moves by η(1 − β1)/√(1 − β2) in the first step without bias correction', () => {
    const optimize = createAdam({ ...config, epsilon: 1e-12, biasCorrection: false }, 1)

    const [first] = descend(optimize, 1)

    expect(first).toBeCloseTo(1 - (0.1 * 0.1) / Math.sqrt(0.001), 8)
  })

  it('follows the recurrences of the paper over ten steps', () => {
    const path = descend(createAdam({ ...config, epsilon: 1e-8, biasCorrection: true }, 1), 10)

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
