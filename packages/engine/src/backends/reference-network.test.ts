import { describe, expect, it } from 'vitest'
import { ACTIVATION_NAMES, LOSS_NAMES, makeConfig, makeData } from '../../test/fixtures.ts'
import type { NetworkConfig } from '../config.ts'
import { targetWidth } from '../config.ts'
import { initializeLayer } from '../initializers/initialize.ts'
import type { Regularization } from '../penalty.ts'
import { createRandom } from '../random.ts'
import { Matrix } from '../tensor.ts'
import { layerShapes } from '../weights.ts'
import { ReferenceNetwork } from './reference-network.ts'

const STEP = 1e-5
const PASS = { seed: 5n, step: 3 }

describe.each(ACTIVATION_NAMES)('gradient of a network with %s units', (activation) => {
  it.each(LOSS_NAMES)('agrees with central differences under %s', (loss) => {
    expectGradient(makeConfig({ inputs: 3, hidden: [5, 7], outputs: 3, activation, loss }), {})
  })

  it.each(LOSS_NAMES)('does so with batch normalization under %s', (loss) => {
    const shape = { inputs: 3, hidden: [5, 7], outputs: 3, activation, loss }

    expectGradient(makeConfig({ ...shape, batchNorm: true }), { rows: 9 })
  })

  it.each(LOSS_NAMES)('does so with dropout, penalties and weighted rows under %s', (loss) => {
    const shape = { inputs: 5, hidden: [9, 7], outputs: 3, activation, loss }
    const isSoft = loss === 'cross_entropy' || loss === 'binary_cross_entropy'
    const noise = { dropout: 0.3, inputDropout: 0.2, labelSmoothing: isSoft ? 0.1 : 0 }
    const weights = Float64Array.from({ length: 9 }, (_, row) => row % 4)
    const regularization = { l1: 0.03, l2: 0.2 }

    for (const batchNorm of [false, true]) {
      expectGradient(makeConfig({ ...shape, ...noise, batchNorm }), {
        rows: 9,
        weights,
        regularization,
      })
    }
  })
})

describe('the gradient of a normalized layer', () => {
  const config = makeConfig({ inputs: 3, hidden: [5], outputs: 2, batchNorm: true })

  // The bias, which would then matter, stays where it is all the same.
  it('takes the running statistics of a batch of one row as constants', () => {
    expectGradient(config, { rows: 1, skips: (i) => i >= 15 && i < 20 })
  })

  it('is exactly zero for the bias', () => {
    const { network, inputs, targets } = makeNetwork(config, 9)

    network.backward(network.forward(inputs, PASS), targets)

    expect([...network.gradient.subarray(15, 20)]).toEqual([0, 0, 0, 0, 0])
  })
})

it('has the gradient of a layer alone, without hidden units', () => {
  const config = makeConfig({ inputs: 1, hidden: [], outputs: 1, loss: 'mse' })
  const network = new ReferenceNetwork(config, [
    { weight: Float32Array.of(2), bias: Float32Array.of(3) },
  ])

  network.backward(
    network.forward(new Matrix(1, 1, Float64Array.of(4))),
    new Matrix(1, 1, Float64Array.of(1)),
  )

  // ŷ = 2·4 + 3 = 11, ∂L/∂ŷ = 2(11 - 1) = 20.
  expect([...network.gradient]).toEqual([80, 20])
})

it('passes no gradient through a rectifier at exactly zero', () => {
  const config = makeConfig({ inputs: 1, hidden: [1], outputs: 1, activation: 'relu' })
  const network = new ReferenceNetwork(config, [
    { weight: Float32Array.of(1), bias: Float32Array.of(0) },
    { weight: Float32Array.of(1), bias: Float32Array.of(1) },
  ])

  network.backward(network.forward(new Matrix(1, 1)), new Matrix(1, 1))

  expect([...network.gradient]).toEqual([0, 0, 0, 2])
})

/** Random weights and biases, so that no unit sits on a kink. */
function makeNetwork(config: NetworkConfig, rows: number) {
  const biases = createRandom(4n, 'biases')
  const weights = layerShapes(config).map(({ inputs, units }, index) => ({
    ...initializeLayer({ type: 'glorot_uniform' }, inputs, units, 2n, index),
    bias: Float32Array.from({ length: units }, (_, i) => 0.3 * biases.normal(10 * index + i)),
    ...(config.layers[index]?.batchNorm ? makeBatchNorm(units) : {}),
  }))
  const data = makeData(config, rows)
  return {
    network: new ReferenceNetwork(config, weights),
    inputs: new Matrix(rows, config.inputs, Float64Array.from(data.inputs)),
    targets: new Matrix(rows, targetWidth(config), Float64Array.from(data.targets)),
  }
}

/** None of its values such that it could be left out unseen. */
function makeBatchNorm(units: number) {
  const draw = (first: number, scale: number) =>
    Float32Array.from({ length: units }, (_, i) => first + scale * Math.sin(i + first))
  return {
    gamma: draw(1, 0.5),
    beta: draw(0.1, 0.3),
    runningMean: draw(-0.2, 0.4),
    runningVariance: draw(0.8, 0.3),
  }
}

interface Batch {
  rows?: number
  weights?: Float64Array
  regularization?: Regularization
  /** Parameters that are not checked. */
  skips?: (index: number) => boolean
}

/** Every parameter's gradient within 1e-6 of central differences of the weighted mean loss and penalty. */
function expectGradient(config: NetworkConfig, batch: Batch): void {
  const { rows = 5, weights = new Float64Array(rows).fill(1), regularization = {} } = batch
  const { skips = () => false } = batch
  const { network, inputs, targets } = makeNetwork(config, rows)
  const cost = () => {
    const penalty = network.addPenalty(regularization)
    return meanLoss(network, inputs, targets, weights) + penalty
  }
  network.backward(network.forward(inputs, PASS), targets, weights)
  network.addPenalty(regularization)
  const analytic = Float64Array.from(network.gradient)

  let worst = 0
  for (const [i, gradient] of analytic.entries()) {
    if (skips(i)) continue
    const value = network.parameters[i] as number
    network.parameters[i] = value + STEP
    const above = cost()
    network.parameters[i] = value - STEP
    const below = cost()
    network.parameters[i] = value
    const numeric = (above - below) / (2 * STEP)
    const scale = Math.max(1e-3, Math.abs(gradient) + Math.abs(numeric))
    worst = Math.max(worst, Math.abs(gradient - numeric) / scale)
  }
  expect(worst).toBeLessThan(1e-6)
}

function meanLoss(
  network: ReferenceNetwork,
  inputs: Matrix,
  targets: Matrix,
  weights: Float64Array,
): number {
  const logits = network.forward(inputs, PASS).at(-1) as Matrix
  let [sum, weightSum] = [0, 0]
  for (const [row, weight] of weights.entries()) {
    sum += weight * network.loss.value(logits.row(row), targets.row(row))
    weightSum += weight
  }
  return sum / weightSum
}
