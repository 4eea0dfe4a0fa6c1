import { describe, expect, it } from 'vitest'
import {
  ACTIVATION_NAMES,
  LOSS_NAMES,
  makeConfig,
  makeData,
  makeWeights,
} from '../test/fixtures.ts'
import type { NetworkConfig } from './config.ts'
import {
  GRADIENT_TOLERANCE,
  type GradientCheckOptions,
  gradientCheck,
  type TensorCheck,
} from './gradient-check.ts'

describe.each(ACTIVATION_NAMES)('gradient of a network with %s units', (activation) => {
  it.each(LOSS_NAMES)('agrees with central differences under %s', (loss) => {
    expectGradient(makeConfig({ inputs: 3, hidden: [5, 7], outputs: 3, activation, loss }), 5)
  })

  it.each(LOSS_NAMES)('does so with batch normalization under %s', (loss) => {
    const shape = { inputs: 3, hidden: [5, 7], outputs: 3, activation, loss }

    expectGradient(makeConfig({ ...shape, batchNorm: true }), 9)
  })

  it.each(LOSS_NAMES)('does so with dropout, penalties and weighted rows under %s', (loss) => {
    const shape = { inputs: 5, hidden: [9, 7], outputs: 3, activation, loss }
    const isSoft = loss === 'cross_entropy' || loss === 'binary_cross_entropy'
    const noise = { dropout: 0.3, inputDropout: 0.2, labelSmoothing: isSoft ? 0.1 : 0 }
    const weights = Float32Array.from({ length: 9 }, (_, row) => row % 4)
    const regularization = { l1: 0.03, l2: 0.2 }

    for (const batchNorm of [false, true]) {
      const config = makeConfig({ ...shape, ...noise, batchNorm })
      const training = { ...makeData(config, 9), weights }
      expectGradient(config, 9, { regularization, training, entriesPerTensorMax: 12 })
    }
  })
})

it('takes the running statistics of a batch of one row as constants', () => {
  expectGradient(makeConfig({ inputs: 3, hidden: [5], outputs: 2, batchNorm: true }), 1)
})

describe('a gradient check', () => {
  const config = makeConfig({ inputs: 2, hidden: [3], outputs: 1, activation: 'relu' })
  const data = makeData(config, 6)

  it('counts what lies on a kink instead of judging it', () => {
    const zero = { weight: new Float64Array([1, 0]), bias: new Float64Array([0]) }
    const single = makeConfig({ inputs: 2, hidden: [], outputs: 1, loss: 'mae' })
    // The prediction is the target itself, where mae has gradient 0 by definition and a kink.
    const training = { rows: 1, inputs: Float32Array.of(1, 1), targets: Float32Array.of(1) }

    const [weight] = gradientCheck(single, [zero], { training, rows: 1, shuffle: false, seed: 1n })

    expect(weight).toMatchObject({ entries: 2, checked: 0, skipped: 2, worst: null })
  })

  it('lists every tensor that trains, and draws as many entries as it may', () => {
    const normalized = makeConfig({ inputs: 4, hidden: [5], outputs: 2, batchNorm: true })

    const checks = check(normalized, 6, { entriesPerTensorMax: 3 })

    expect(checks.map(({ layer, tensor, entries }) => [layer, tensor, entries])).toEqual([
      [0, 'weight', 20],
      [0, 'gamma', 5],
      [0, 'beta', 5],
      [1, 'weight', 10],
      [1, 'bias', 2],
    ])
    expect(checks.map(({ checked, skipped }) => checked + skipped)).toEqual([3, 3, 3, 3, 2])
  })

  it('takes the first rows of the first epoch, with the class weights of all rows', () => {
    const classes = makeConfig({ inputs: 2, hidden: [3], outputs: 3, loss: 'cross_entropy' })
    const training = makeData(classes, 12)
    const options = { training, rows: 4, shuffle: true, seed: 9n }
    const worst = (changes: Partial<GradientCheckOptions>) =>
      check(classes, 12, { ...options, ...changes })[0]?.worst

    expect(worst({ classWeights: 'balanced' })?.relativeError).toBeLessThan(GRADIENT_TOLERANCE)
    expect(worst({ classWeights: 'balanced' })?.analytic).not.toBe(worst({})?.analytic)
    expect(worst({ shuffle: false })?.analytic).not.toBe(worst({})?.analytic)
  })

  it('refuses what has no gradient or no finite loss', () => {
    const perceptron = makeConfig({ inputs: 2, hidden: [], outputs: 1, loss: 'perceptron' })
    const huge = { ...data, inputs: data.inputs.map(() => Number.POSITIVE_INFINITY) }
    const weightless = { ...data, weights: new Float32Array(6) }

    expect(() => check(perceptron, 6)).toThrow('no gradient')
    expect(() => check(config, 6, { training: huge })).toThrow('no finite loss')
    expect(() => check(config, 6, { training: weightless })).toThrow('no finite loss')
  })
})

function check(
  config: NetworkConfig,
  rows: number,
  options: Partial<GradientCheckOptions> = {},
): TensorCheck[] {
  const training = makeData(config, rows)
  return gradientCheck(config, makeWeights(config), {
    ...{ training, rows, shuffle: false, seed: 5n },
    ...options,
  })
}

function expectGradient(
  config: NetworkConfig,
  rows: number,
  options: Partial<GradientCheckOptions> = {},
): void {
  const { entriesPerTensorMax = Number.POSITIVE_INFINITY } = options
  for (const { worst, checked, skipped, entries } of check(config, rows, options)) {
    const drawn = Math.min(entries, entriesPerTensorMax)
    expect(checked + skipped).toBe(drawn)
    expect(checked).toBeGreaterThan(drawn / 2)
    expect(worst?.relativeError).toBeLessThan(1e-6)
  }
}
