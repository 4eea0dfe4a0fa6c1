import { describe, expect, it } from 'vitest'
import { ACTIVATION_NAMES, LOSS_NAMES, makeConfig, makeData } from '../../test/fixtures.ts'
import type { NetworkConfig } from '../config.ts'
import { targetWidth } from '../config.ts'
import { initializeLayer } from '../initializers/initialize.ts'
import { createRandom } from '../random.ts'
import { Matrix } from '../tensor.ts'
import { layerShapes } from '../weights.ts'
import { ReferenceNetwork } from './reference-network.ts'

const STEP = 1e-5

describe.each(ACTIVATION_NAMES)('gradient of a network with %s units', (activation) => {
  it.each(LOSS_NAMES)('agrees with central differences under %s', (loss) => {
    const config = makeConfig({ inputs: 3, hidden: [5, 7], outputs: 3, activation, loss })
    const { network, inputs, targets } = makeNetwork(config, 5)
    network.backward(network.forward(inputs), targets)
    const analytic = Float64Array.from(network.gradient)

    for (const [i, gradient] of analytic.entries()) {
      const value = network.parameters[i] as number
      network.parameters[i] = value + STEP
      const above = meanLoss(network, inputs, targets)
      network.parameters[i] = value - STEP
      const below = meanLoss(network, inputs, targets)
      network.parameters[i] = value
      const numeric = (above - below) / (2 * STEP)
      const scale = Math.max(1e-3, Math.abs(gradient) + Math.abs(numeric))
      expect(Math.abs(gradient - numeric) / scale).toBeLessThan(1e-6)
    }
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
  }))
  const data = makeData(config, rows)
  return {
    network: new ReferenceNetwork(config, weights),
    inputs: new Matrix(rows, config.inputs, Float64Array.from(data.inputs)),
    targets: new Matrix(rows, targetWidth(config), Float64Array.from(data.targets)),
  }
}

function meanLoss(network: ReferenceNetwork, inputs: Matrix, targets: Matrix): number {
  const logits = network.forward(inputs).at(-1) as Matrix
  let sum = 0
  for (let row = 0; row < logits.rows; row++) {
    sum += network.loss.value(logits.row(row), targets.row(row))
  }
  return sum / logits.rows
}
