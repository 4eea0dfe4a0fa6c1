import { describe, expect, it } from 'vitest'
import {
  createNetwork,
  type LossName,
  type Network,
  resolveInitializer,
  type TrainingData,
  train,
} from '../src/index.ts'
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

describe('a perceptron', () => {
  const learn = (targets: number[]) =>
    perceptronAccuracies({ ...CORNERS, targets: Float32Array.from(targets) })

  it('learns AND and OR within ten passes', async () => {
    expect((await learn([0, 0, 0, 1])).at(-1)).toBe(1)
    expect((await learn([0, 1, 1, 1])).at(-1)).toBe(1)
  })

  it('makes mistakes on XOR in every pass', async () => {
    const accuracies = await learn([0, 1, 1, 0])

    expect(accuracies.every((accuracy) => accuracy < 1)).toBe(true)
  })

  it('follows w += η(y - ŷ)x by hand', async () => {
    const network = await openPerceptron()
    const data = { rows: 2, inputs: Float32Array.of(1, 2, 3, 1), targets: Float32Array.of(0, 1) }

    const [epoch] = [...runPerceptron(network, data, 1)]

    // ŷ = 1 for y = 0: w = -0.5 · (1, 2), b = -0.5. Then -1.5 - 1 - 0.5 < 0 for y = 1: w += 0.5 · (3, 1).
    expect(network.weights()).toEqual([
      { weight: Float32Array.of(1, -0.5), bias: Float32Array.of(0) },
    ])
    expect(epoch?.trainLoss).toBe(1)
    expect(epoch?.trainAccuracy).toBe(0)
  })
})

function openPerceptron() {
  const unit = { units: 1, activation: 'linear', initializer: { type: 'zeros' } } as const
  return createNetwork({ inputs: 2, layers: [unit], loss: 'perceptron' }, { seed: 1n })
}

function runPerceptron(network: Network, training: TrainingData, epochs: number) {
  return train(network, {
    training,
    validation: null,
    optimizer: { type: 'perceptron', learningRate: 0.5 },
    batchSize: 4,
    epochs,
    shuffle: false,
    seed: 1n,
    earlyStopping: null,
  })
}

async function perceptronAccuracies(data: TrainingData): Promise<number[]> {
  const run = runPerceptron(await openPerceptron(), data, 10)
  return [...run].map(({ trainAccuracy }) => trainAccuracy ?? Number.NaN)
}

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
