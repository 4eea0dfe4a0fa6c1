import { expect, it } from 'vitest'
import { findLayerFaults, toLayerWeights } from './layer-documents.ts'

const NETWORK = {
  inputs: 2,
  hidden: [{ units: 1, activation: 'relu' as const, batch_norm: true }],
  outputs: 2,
}
const NORMALIZED = {
  ...{ weight: [[1, 2]], bias: [0], gamma: [1], beta: [0] },
  ...{ running_mean: [0.5], running_var: [1] },
}
const OUTPUT = { weight: [[0.1], [0.2]], bias: [0, 0] }

const faults = (...layers: Parameters<typeof findLayerFaults>[0]) =>
  findLayerFaults(layers, NETWORK, '#/layers').map(({ pointer }) => pointer)

it('accepts layers of the shapes of the network', () => {
  expect(faults(NORMALIZED, OUTPUT)).toEqual([])
})

it('names every part that does not fit', () => {
  const { gamma, running_mean, ...rest } = NORMALIZED

  expect(faults(NORMALIZED)).toEqual(['#/layers'])
  expect(faults({ ...rest, beta: [1, 2], running_var: [-1] }, { ...OUTPUT, gamma })).toEqual([
    '#/layers/0/gamma',
    '#/layers/0/beta',
    '#/layers/0/running_mean',
    '#/layers/0/running_var/0',
    '#/layers/1/gamma',
  ])
  expect(faults(NORMALIZED, { weight: [[1, 2]], bias: running_mean })).toEqual([
    '#/layers/1/weight',
    '#/layers/1/weight/0',
    '#/layers/1/bias',
  ])
})

it('keeps every number as it is', () => {
  expect(toLayerWeights(OUTPUT)).toEqual({
    weight: Float64Array.of(0.1, 0.2),
    bias: Float64Array.of(0, 0),
  })
  expect(toLayerWeights(NORMALIZED).runningVariance).toEqual(Float64Array.of(1))
})
