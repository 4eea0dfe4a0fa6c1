import { compileKernels, createNetwork, train } from '@trainyard/engine'
import { describe, expect, it } from 'vitest'
import { packLayers } from './layer-bytes.ts'
import { measureTest } from './measure-test.ts'
import { toNetworkConfig, toTrainingOptions } from './network-config.ts'
import { makeResolved } from './resolved-config.fixture.ts'

const WIDTH = 3

/** `seed` moves the rows; every third row counts twice. */
function makeRows(rows: number, seed: number, targetOf: (sum: number) => number) {
  const inputs = Float32Array.from({ length: rows * WIDTH }, (_, i) => Math.sin(seed + i * 1.7))
  const targets = Float32Array.from({ length: rows }, (_, row) =>
    targetOf(inputs.subarray(row * WIDTH, (row + 1) * WIDTH).reduce((a, b) => a + b, 0)),
  )
  const weights = Float32Array.from({ length: rows }, (_, row) => (row % 3 === 0 ? 2 : 1))
  return { rows, inputs, targets, weights }
}

describe.each([
  ['two classes', 'classification', 1, (sum: number) => Number(sum > 0)],
  ['three classes', 'classification', 3, (sum: number) => Math.floor(Math.abs(sum)) % 3],
  ['numbers', 'regression', 1, (sum: number) => sum ** 2],
] as const)('of %s', (_, task, outputs, targetOf) => {
  it.each([1, 7, 500])(
    '%i rows have the loss and accuracy, bit for bit, that they would have if they validated',
    async (rows) => {
      const { module } = await compileKernels()
      const resolved = makeResolved({ inputs: WIDTH, outputs, task, epochs: 3 })
      const [layer] = resolved.model.hidden
      if (layer === undefined) throw new Error('no hidden layer')
      Object.assign(layer, { batch_norm: true, dropout: 0.3 })
      const training = makeRows(64, 1, targetOf)
      const test = makeRows(rows, 2, targetOf)
      const network = await createNetwork(toNetworkConfig(resolved), { seed: 1n, module })
      let last = null
      for (const epoch of train(network, {
        ...toTrainingOptions(resolved),
        training,
        validation: test,
      })) {
        last = epoch
      }
      const architecture = {
        ...{ inputs: WIDTH, outputs, task, classes: null, target: 'y' },
        hidden: [{ units: layer.units, activation: layer.activation, batch_norm: true }],
        output_activation: resolved.model.output.activation,
      }

      const measured = await measureTest({
        ...{ test, resolved, architecture, module },
        weights: packLayers(network.weights('last')),
      })

      expect(measured).toEqual({ loss: last?.validationLoss, accuracy: last?.validationAccuracy })
    },
  )
})
