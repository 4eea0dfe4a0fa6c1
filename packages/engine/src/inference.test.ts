import { describe, expect, it } from 'vitest'
import { makeConfig, makeData } from '../test/fixtures.ts'
import { forward, sigmoid, softmax } from './inference.ts'
import { createNetwork } from './network.ts'

describe('forward', () => {
  it('computes W max(0, W x + b) + b by hand', () => {
    const config = makeConfig({ inputs: 2, hidden: [2], outputs: 1, activation: 'relu' })
    const weights = [
      { weight: Float32Array.of(1, 2, -1, 1), bias: Float32Array.of(0.5, -4) },
      { weight: Float32Array.of(3, 5), bias: Float32Array.of(-1) },
    ]

    // Hidden: 1·1 + 2·2 + 0.5 = 5.5, and -1 + 2 - 4 = -3, which the rectifier stops.
    expect([...forward(config, weights, Float32Array.of(1, 2), 1)]).toEqual([15.5])
  })

  it('normalizes by the running statistics between product and activation', () => {
    const config = makeConfig({
      inputs: 1,
      hidden: [1],
      outputs: 1,
      activation: 'relu',
      batchNorm: true,
    })
    const normalized = {
      weight: Float32Array.of(2),
      bias: Float32Array.of(1),
      gamma: Float32Array.of(3),
      beta: Float32Array.of(-1),
      runningMean: Float32Array.of(4),
      runningVariance: Float32Array.of(4 - 1e-5),
    }
    const output = { weight: Float32Array.of(1), bias: Float32Array.of(0) }

    // z = 2·2.5 + 1 = 6, (6 - 4)/2 = 1, 3·1 - 1 = 2.
    const [logit] = forward(config, [normalized, output], Float32Array.of(2.5), 1)

    expect(logit).toBeCloseTo(2, 6)
  })

  it('refuses weights without the statistics that normalization needs, and with ones it does not', () => {
    const shape = { inputs: 1, hidden: [1], outputs: 1 }
    const layer = { weight: Float32Array.of(2), bias: Float32Array.of(1) }
    const run = (batchNorm: boolean, first: object) => () =>
      forward(
        makeConfig({ ...shape, batchNorm }),
        [{ ...layer, ...first }, layer],
        Float32Array.of(1),
        1,
      )

    const refusal = expect.objectContaining({ code: 'invalid_weights' })
    expect(run(true, {})).toThrow(refusal)
    expect(run(false, { gamma: Float32Array.of(1) })).toThrow(refusal)
  })

  it('agrees with the backend that trained the weights', async () => {
    const config = makeConfig({ inputs: 5, hidden: [17], outputs: 3, activation: 'sigmoid' })
    const network = await createNetwork(config, { seed: 1n })
    const { inputs } = makeData(config, 9)

    const logits = forward(config, network.weights(), inputs, 9)

    for (const [i, value] of network.predict(inputs, 9).entries()) {
      expect(logits[i]).toBeCloseTo(value, 5)
    }
  })

  it('gives nothing for no rows and refuses another width', () => {
    const config = makeConfig({ inputs: 2, hidden: [], outputs: 1 })
    const weights = [{ weight: Float32Array.of(1, 2), bias: Float32Array.of(0) }]

    expect(forward(config, weights, new Float32Array(0), 0)).toEqual(new Float32Array(0))
    expect(() => forward(config, weights, new Float32Array(3), 1)).toThrow(
      expect.objectContaining({ code: 'invalid_data' }),
    )
    expect(() => forward(config, [], new Float32Array(2), 1)).toThrow(
      expect.objectContaining({ code: 'invalid_weights' }),
    )
  })
})

describe('softmax', () => {
  it('turns 6.5, 2.0, 3.3 into 0.95, 0.01, 0.04', () => {
    const [a, b, c] = softmax(Float32Array.of(6.5, 2, 3.3), 1, 3)

    expect([a, b, c].map((p) => Number((p as number).toFixed(2)))).toEqual([0.95, 0.01, 0.04])
  })

  it('does not overflow and adds up to one in every row', () => {
    const probabilities = softmax(Float32Array.of(1e30, 0, -1e30, -5, -5, -5), 2, 3)

    expect([...probabilities.subarray(0, 3)]).toEqual([1, 0, 0])
    expect([...probabilities.subarray(3)]).toEqual(new Array(3).fill(Math.fround(1 / 3)))
  })

  it('marks a row with NaN and no other', () => {
    const probabilities = softmax(Float32Array.of(Number.NaN, 0, 0, 0), 2, 2)

    expect([...probabilities]).toEqual([Number.NaN, Number.NaN, 0.5, 0.5])
  })
})

describe('sigmoid', () => {
  it('is symmetric, bounded and passes NaN', () => {
    const [low, zero, high, none, at2] = sigmoid(Float32Array.of(-1e9, 0, 1e9, Number.NaN, 2))

    expect([low, zero, high, none]).toEqual([0, 0.5, 1, Number.NaN])
    expect(at2).toBeCloseTo(0.8807970779778823, 6)
  })
})
