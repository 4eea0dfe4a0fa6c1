import { describe, expect, it } from 'vitest'
import { createNetwork, type LossName, resolveInitializer, train } from '../src/index.ts'
import { OPTIMIZERS } from './fixtures.ts'

const CORNERS = {
  rows: 4,
  inputs: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1),
  targets: Float32Array.of(0, 1, 1, 0),
}

describe('a 2-4-1 network of tanh units', () => {
  it('learns XOR to 100 % with each of twenty seeds', async () => {
    const accuracies = []
    for (let seed = 1n; seed <= 20n; seed++) accuracies.push(await finalAccuracy(seed, [4]))

    expect(accuracies).toEqual(new Array(20).fill(1))
  })
})

describe('a network without hidden units', () => {
  it('never learns XOR: no line separates it', async () => {
    expect(await finalAccuracy(1n, [])).toBeLessThan(1)
  })
})

async function finalAccuracy(seed: bigint, hidden: number[]): Promise<number | null> {
  const layers = [
    ...hidden.map((units) => ({ units, activation: 'tanh' as const })),
    { units: 1, activation: 'linear' as const },
  ].map((layer) => ({ ...layer, initializer: resolveInitializer(layer.activation) }))
  const loss: LossName = 'binary_cross_entropy'
  const network = await createNetwork({ inputs: 2, layers, loss }, { seed })
  let accuracy: number | null = null
  const run = train(network, {
    training: CORNERS,
    validation: null,
    optimizer: { ...OPTIMIZERS.adam, learningRate: 0.05 },
    batchSize: 4,
    epochs: 500,
    shuffle: true,
    seed,
    earlyStopping: null,
  })
  for (const { trainAccuracy } of run) accuracy = trainAccuracy
  return accuracy
}
