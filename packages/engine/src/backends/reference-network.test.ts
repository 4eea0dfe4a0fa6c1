import { expect, it } from 'vitest'
import { makeConfig, makeData, makeWeights } from '../../test/fixtures.ts'
import { targetWidth } from '../config.ts'
import { Matrix } from '../tensor.ts'
import { ReferenceNetwork } from './reference-network.ts'

it('has gradient exactly zero for the bias of a normalized layer', () => {
  const config = makeConfig({ inputs: 3, hidden: [5], outputs: 2, batchNorm: true })
  const network = new ReferenceNetwork(config, makeWeights(config))
  const { inputs, targets } = makeData(config, 9)

  network.backward(
    network.forward(new Matrix(9, 3, Float64Array.from(inputs)), { seed: 5n, step: 3 }),
    new Matrix(9, targetWidth(config), Float64Array.from(targets)),
  )

  expect([...network.gradient.subarray(15, 20)]).toEqual([0, 0, 0, 0, 0])
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
