import { expect, it } from 'vitest'
import { createNetwork, type NetworkConfig, train } from '../src/index.ts'

it('learns y = 2x + 1 with two parameters in under a second', async () => {
  const config: NetworkConfig = {
    inputs: 1,
    layers: [{ units: 1, activation: 'linear', initializer: { type: 'zeros' } }],
    loss: 'mse',
  }
  const startedMs = performance.now()
  const network = await createNetwork(config, { seed: 1n })
  const run = train(network, {
    training: {
      rows: 4,
      inputs: Float32Array.of(-1, 0, 1, 2),
      targets: Float32Array.of(-1, 1, 3, 5),
    },
    validation: null,
    optimizer: { type: 'sgd', learningRate: 0.1 },
    batchSize: 2,
    epochs: 200,
    shuffle: true,
    seed: 1n,
    earlyStopping: null,
  })

  let loss = Number.NaN
  for (const { trainLoss } of run) loss = trainLoss

  const [layer] = network.weights()
  expect(layer?.weight[0]).toBeCloseTo(2, 5)
  expect(layer?.bias[0]).toBeCloseTo(1, 5)
  expect(loss).toBeLessThan(1e-10)
  expect(performance.now() - startedMs).toBeLessThan(1000)
})
