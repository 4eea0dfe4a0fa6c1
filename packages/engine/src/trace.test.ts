import { describe, expect, it } from 'vitest'
import { makeConfig, makeData, makeWeights } from '../test/fixtures.ts'
import type { LossName } from './config.ts'
import { gradientCheck } from './gradient-check.ts'
import { trace } from './trace.ts'

const layer = (weight: number[], bias: number[]) => ({
  weight: Float64Array.from(weight),
  bias: Float64Array.from(bias),
})
const tensors = ({ weight, bias }: { weight: Float64Array; bias: Float64Array }) => [
  ...weight,
  ...bias,
]

describe('the worked example W2(W1 X + b1) + b2 with X = 1', () => {
  const config = makeConfig({ inputs: 1, hidden: [1], outputs: 1, activation: 'linear' })
  const weights = [layer([2], [3]), layer([4], [5])]
  const { loss, layers } = trace(config, weights, { inputs: [1], upstreamGradient: [2] }, 0.1)

  it('computes 25 and sends the gradient 2 back through it', () => {
    expect(loss).toBeNull()
    expect(layers.map(({ a }) => [...a])).toEqual([[5], [25]])
    expect(layers.map(({ delta }) => [...delta])).toEqual([[8], [2]])
    expect(layers.map(({ gradient }) => tensors(gradient))).toEqual([
      [8, 8],
      [10, 2],
    ])
  })

  it('has the parameters of the slide after one step', () => {
    expect(layers.map(({ afterStep }) => afterStep && tensors(afterStep))).toEqual([
      [1.2, 2.2],
      [3, 4.8],
    ])
  })

  it('is the gradient of mse where that is 2', () => {
    const traced = trace(config, weights, { inputs: [1], target: [24] })

    expect(traced.loss).toBe(1)
    expect(traced.layers.map(({ gradient }) => tensors(gradient))).toEqual([
      [8, 8],
      [10, 2],
    ])
    expect(traced.layers[0]?.afterStep).toBeNull()
  })
})

it('gives softmax, and softmax minus one-hot, at the scores 6.5, 2.0, 3.3', () => {
  const config = makeConfig({ inputs: 1, hidden: [], outputs: 3, loss: 'cross_entropy' })

  const weights = [layer([6.5, 2, 3.3], [0, 0, 0])]
  const { loss, probabilities, layers } = trace(config, weights, { inputs: [1], target: [0] })

  expect([...(probabilities ?? [])].map((p) => Math.round(p * 100) / 100)).toEqual([
    0.95, 0.01, 0.04,
  ])
  expect(loss).toBeCloseTo(0.0506, 4)
  expect([...(layers[0]?.delta ?? [])].map((d) => Math.round(d * 100) / 100)).toEqual([
    -0.05, 0.01, 0.04,
  ])
})

it('stays finite where a probability underflows to zero', () => {
  const config = makeConfig({ inputs: 1, hidden: [], outputs: 2, loss: 'cross_entropy' })

  const { loss, layers } = trace(config, [layer([1e5, 0], [0, 0])], { inputs: [1], target: [1] })

  expect(loss).toBe(1e5)
  expect([...(layers[0]?.delta ?? [])]).toEqual([1, -1])
})

it('shows what batch normalization makes of z by its running statistics', () => {
  const config = makeConfig({ inputs: 2, hidden: [2], outputs: 1, batchNorm: true })
  const [hidden, output] = makeWeights(config)
  const whole = {
    ...{ weight: Float64Array.of(1, 0, 0, 1), bias: Float64Array.of(0, 0) },
    ...{ gamma: Float64Array.of(2, 1), beta: Float64Array.of(0.5, 0) },
    ...{ runningMean: Float64Array.of(1, 0), runningVariance: Float64Array.of(4 - 1e-5, 1 - 1e-5) },
  }

  const { layers } = trace(config, [whole, output ?? whole], { inputs: [3, -1], target: [0] })

  expect(hidden?.gamma).toHaveLength(2)
  expect([...(layers[0]?.z ?? [])]).toEqual([3, -1])
  // γ(z - mean)/√(variance + ε) + β = 2·(3 - 1)/2 + 0.5
  expect(layers[0]?.normalized?.[0]).toBeCloseTo(2.5, 12)
  expect(layers[0]?.a[0]).toBeCloseTo(Math.tanh(2.5), 12)
  expect([...(layers[0]?.gradient.bias ?? [])]).toEqual([0, 0])
  expect(layers[0]?.gradient.gamma?.[1]).not.toBe(0)
  expect(layers[1]?.normalized).toBeNull()
})

it('drops no unit', () => {
  const shape = { inputs: 2, hidden: [8], outputs: 1 }
  const plain = makeConfig(shape)
  const sample = { inputs: [0.3, -0.4], target: [1] }

  const dropping = trace(makeConfig({ ...shape, dropout: 0.5 }), makeWeights(plain), sample)

  expect(dropping).toEqual(trace(plain, makeWeights(plain), sample))
})

it('agrees with central differences, as the gradient check of the same row sees them', () => {
  const config = makeConfig({ inputs: 3, hidden: [4], outputs: 3, loss: 'cross_entropy' })
  const training = makeData(config, 1)
  const sample = { inputs: [...training.inputs], target: [...training.targets] }

  const { layers } = trace(config, makeWeights(config), sample)

  const checks = gradientCheck(config, makeWeights(config), {
    ...{ training, rows: 1, shuffle: false, seed: 1n },
  })
  for (const { layer: index, tensor, worst } of checks) {
    const gradient = layers[index]?.gradient[tensor]
    expect(gradient?.[worst?.index ?? -1]).toBeCloseTo(worst?.numeric ?? Number.NaN, 9)
  }
})

describe('refuses', () => {
  const make = (loss: LossName) => makeConfig({ inputs: 2, hidden: [], outputs: 3, loss })

  it.each([
    ['inputs of another width', { inputs: [1], target: [0] }],
    ['a class that is not there', { inputs: [1, 2], target: [3] }],
    ['a target of another width', { inputs: [1, 2], target: [0, 1] }],
    ['an upstream gradient of another width', { inputs: [1, 2], upstreamGradient: [1] }],
  ])('%s', (_what, sample) => {
    const config = make('cross_entropy')

    expect(() => trace(config, makeWeights(config), sample)).toThrow(
      expect.objectContaining({ code: 'invalid_data' }),
    )
  })
})
