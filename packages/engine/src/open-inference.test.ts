import { describe, expect, it } from 'vitest'
import { drain, makeConfig, makeData, makeOptions } from '../test/fixtures.ts'
import { forward } from './inference.ts'
import { createNetwork } from './network.ts'
import { openInference } from './open-inference.ts'
import { train } from './train.ts'
import { liveArenaBytes } from './wasm/arena.ts'
import { compileBuild } from './wasm/load.ts'

const BUILDS = [
  { build: 'fused', module: await compileBuild('fused') },
  { build: 'unfused', module: await compileBuild('unfused') },
] as const
const MODULE = BUILDS[0].module

const SMALL = makeConfig({ inputs: 5, hidden: [17, 6], outputs: 3, activation: 'gelu' })
/** The first two products are packed, over several blocks of depth and of columns, with narrow tiles at both edges. */
const LARGE = makeConfig({ inputs: 301, hidden: [1060, 270], outputs: 3, batchNorm: true })

describe.each(BUILDS)('an opened inference of the $build kernels', ({ module }) => {
  it.each([
    ['a small network', SMALL],
    ['packed products', LARGE],
  ])('gives a row the same bits alone and among any others: %s', async (_name, config) => {
    const network = await createNetwork(config, { seed: 1n, module })
    const rows = 150
    const { inputs } = makeData(config, rows)
    const inference = openInference(module, config, network.weights())

    const together = inference.predict(inputs, rows)

    expect(new Set(together).size).toBeGreaterThan(rows)
    for (const count of [1, 2, 5, 7, 9, 128]) {
      const last = inputs.subarray((rows - count) * config.inputs)
      expect(inference.predict(last, count)).toEqual(together.subarray((rows - count) * 3))
    }
    expect(network.predict(inputs, rows)).toEqual(together)
    const plain = forward(config, network.weights(), inputs, rows)
    for (const [i, value] of together.entries()) {
      expect(Math.abs(value - (plain[i] ?? 0))).toBeLessThan(1e-5)
    }
    inference.close()
  })

  it('gives the bits of the product that packs for itself', async () => {
    // One layer, so that the validation loss of a row is its squared logit and shows every bit of it.
    const config = makeConfig({ inputs: 600, hidden: [], outputs: 300, loss: 'mse' })
    const network = await createNetwork(config, { seed: 1n, module })
    const { inputs } = makeData(config, 128)
    const targets = openInference(module, config, network.weights()).predict(inputs, 128)
    const validation = { rows: 128, inputs, targets }
    const training = { rows: 1, inputs: new Float32Array(600), targets: new Float32Array(300) }

    // A zero input and a zero bias train nothing.
    const { yielded } = drain(train(network, makeOptions(training, { validation, epochs: 1 })))

    expect(yielded[0]?.validationLoss).toBe(0)
  })
})

describe('an opened inference', () => {
  it('holds its memory until it is closed, and refuses predictions after', async () => {
    const network = await createNetwork(SMALL, { seed: 1n })
    const before = liveArenaBytes()
    const inference = openInference(MODULE, SMALL, network.weights())
    expect(liveArenaBytes()).toBeGreaterThan(before)

    inference.close()
    inference.close()

    expect(liveArenaBytes()).toBe(before)
    expect(() => inference.predict(new Float32Array(5), 1)).toThrow(
      expect.objectContaining({ code: 'inference_closed' }),
    )
  })

  it('refuses rows and weights of another shape', async () => {
    const weights = (await createNetwork(SMALL, { seed: 1n })).weights()
    const inference = openInference(MODULE, SMALL, weights)

    expect(() => inference.predict(new Float32Array(9), 2)).toThrow(
      expect.objectContaining({ code: 'invalid_data' }),
    )
    expect(() => openInference(MODULE, SMALL, weights.slice(1))).toThrow(
      expect.objectContaining({ code: 'invalid_weights' }),
    )
    inference.close()
  })
})

it('a network predicts with the weights of the moment, before, during and after training', async () => {
  const network = await createNetwork(SMALL, { seed: 1n, module: MODULE })
  const data = makeData(SMALL, 20)
  const predictAnew = () => {
    const inference = openInference(MODULE, SMALL, network.weights())
    const logits = inference.predict(data.inputs, 20)
    inference.close()
    return logits
  }
  const seen = [network.predict(data.inputs, 20)]
  const run = train(network, makeOptions(data, { epochs: 2 }))

  expect(seen[0]).toEqual(predictAnew())
  for (const _epoch of run) {
    seen.push(network.predict(data.inputs, 20))
    expect(seen.at(-1)).toEqual(predictAnew())
  }
  seen.push(network.predict(data.inputs, 20))
  expect(seen[3]).toEqual(seen[2])
  expect(new Set(seen.map(String)).size).toBe(3)
  network.dispose()
})
