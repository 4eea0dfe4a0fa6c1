import { describe, expect, it } from 'vitest'
import { drain, makeConfig, makeData, makeOptions } from '../test/fixtures.ts'
import { EngineError } from './errors.ts'
import { type BackendName, createNetwork, type Network } from './network.ts'
import { type TrainingOptions, train } from './train.ts'

const BACKENDS: BackendName[] = ['wasm', 'reference']
const CONFIG = makeConfig({ inputs: 3, hidden: [5], outputs: 2, loss: 'cross_entropy' })
const DATA = makeData(CONFIG, 23)
const openNoisy = (backend: BackendName) => {
  const noise = { dropout: 0.4, inputDropout: 0.2, batchNorm: true }
  const shape = { inputs: 3, hidden: [5], outputs: 2, loss: 'cross_entropy' } as const
  return createNetwork(makeConfig({ ...shape, ...noise }), { backend, seed: 1n })
}
const openWasm = () => createNetwork(CONFIG, { seed: 1n })

describe.each(BACKENDS)('train on the %s backend', (backend) => {
  const open = (seed = 1n) => createNetwork(CONFIG, { backend, seed })

  it('gives bit-identical weights and losses for the same seed', async () => {
    const [first, second] = [await open(), await open()]

    const runs = [first, second].map((network) => drain(train(network, makeOptions(DATA))))

    expect(second.weights()).toEqual(first.weights())
    const losses = runs.map(({ yielded }) => yielded.map(({ trainLoss }) => trainLoss))
    expect(losses[1]).toEqual(losses[0])
  })

  it('gives other weights for another seed of the weights or of the order', async () => {
    const networks = [await open(1n), await open(2n), await open(1n)]

    for (const [index, network] of networks.entries()) {
      drain(train(network, makeOptions(DATA, { seed: index === 2 ? 8n : 7n })))
    }

    const [first, otherWeights, otherOrder] = networks.map((network) => network.weights())
    expect(otherWeights).not.toEqual(first)
    expect(otherOrder).not.toEqual(first)
  })

  it('counts epochs from one and steps over short last batches', async () => {
    const { yielded, result } = drain(train(await open(), makeOptions(DATA, { batchSize: 10 })))

    expect(yielded.map(({ epoch, step }) => [epoch, step])).toEqual([
      [1, 3],
      [2, 6],
      [3, 9],
    ])
    expect(result.stopReason).toBe('epochs_completed')
    expect(result.epochs).toBe(3)
  })

  it('takes a batch larger than the data as the full batch', async () => {
    const [clipped, full] = [await open(), await open()]

    drain(train(clipped, makeOptions(DATA, { batchSize: 1000 })))
    drain(train(full, makeOptions(DATA, { batchSize: 23 })))

    expect(clipped.weights()).toEqual(full.weights())
  })

  it('stops before a batch with the weights after the one before', async () => {
    const [stopped, short] = [await open(), await open()]
    let batches = 0
    const onBatch = () => batches++ === 2

    const { yielded, result } = drain(
      train(stopped, makeOptions(DATA, { shuffle: false, onBatch })),
    )
    const firstTwo = {
      rows: 8,
      inputs: DATA.inputs.subarray(0, 24),
      targets: DATA.targets.subarray(0, 8),
    }
    drain(train(short, makeOptions(firstTwo, { shuffle: false, epochs: 1 })))

    expect(yielded).toEqual([])
    expect(result).toEqual({ stopReason: 'stopped', epochs: 0, best: null })
    expect(stopped.weights()).toEqual(short.weights())
  })

  it('stops early once the metric has not improved for `patience` epochs', async () => {
    const options = makeOptions(DATA, {
      epochs: 50,
      earlyStopping: { metric: 'train_loss', patience: 3, minDelta: 1e9 },
    })

    const { result } = drain(train(await open(), options))

    expect(result.stopReason).toBe('early_stopping')
    expect(result.epochs).toBe(4)
  })

  it('judges by validation loss and keeps the best weights beside the last', async () => {
    const network = await open()
    const options = makeOptions(DATA, {
      validation: makeData(CONFIG, 9, 5n),
      optimizer: { type: 'sgd', learningRate: 3 },
      epochs: 20,
    })
    const snapshots = new Map<number, ReturnType<Network['weights']>>()
    const losses: number[] = []

    const run = train(network, options)
    let next = run.next()
    for (; next.done !== true; next = run.next()) {
      snapshots.set(next.value.epoch, network.weights('last'))
      losses.push(next.value.validationLoss ?? Number.NaN)
      expect(next.value.isBest).toBe(next.value.validationLoss === Math.min(...losses))
    }

    const bestEpoch = losses.indexOf(Math.min(...losses)) + 1
    expect(next.value.best).toEqual({ epoch: bestEpoch })
    expect(network.weights('best')).toEqual(snapshots.get(bestEpoch))
    expect(network.weights('last')).toEqual(snapshots.get(20))
    expect(bestEpoch).toBeLessThan(20)
  })

  it('reports the penalty apart from the loss, and the learning rate of each epoch', async () => {
    const options = makeOptions(DATA, {
      batchSize: 23,
      epochs: 1,
      optimizer: { type: 'sgd', learningRate: 0.1 },
      regularization: { l1: 0.5, l2: 0.25 },
      schedule: { type: 'linear', warmupEpochs: 4 },
    })
    const [network, plain] = [await open(), await open()]
    const weights = network.weights().flatMap(({ weight }) => [...weight])
    const expected = weights.reduce((sum, w) => sum + 0.5 * Math.abs(w) + 0.25 * w * w, 0)

    const [epoch] = drain(train(network, options)).yielded
    const [without] = drain(train(plain, { ...options, regularization: null })).yielded

    expect((epoch?.trainPenalty ?? 0) / expected).toBeCloseTo(1, 6)
    expect(epoch?.trainLoss).toBe(without?.trainLoss)
    expect(without?.trainPenalty).toBe(0)
    expect(epoch?.learningRate).toBeCloseTo(0.025, 14)
  })

  it('never touches biases by a penalty', async () => {
    const [network, plain] = [await open(), await open()]
    const options = makeOptions(DATA, { batchSize: 23, epochs: 1 })

    drain(train(network, { ...options, regularization: { l1: 0.1, l2: 0.1 } }))
    drain(train(plain, options))

    const biases = [network, plain].map((each) => each.weights().map(({ bias }) => bias))
    expect(biases[0]).toEqual(biases[1])
  })

  it('takes a step of no more than the learning rate times the norm it clips at', async () => {
    const network = await open()
    const before = network.weights()
    const optimizer = { type: 'sgd', learningRate: 1 } as const
    const changes = { optimizer, batchSize: 23, epochs: 1, gradientClip: { norm: 0.01 } }

    const [epoch] = drain(train(network, makeOptions(DATA, changes))).yielded

    const after = network.weights()
    const squares = before.flatMap(({ weight, bias }, layer) => [
      ...weight.map((w, i) => (w - (after[layer]?.weight[i] as number)) ** 2),
      ...bias.map((b, i) => (b - (after[layer]?.bias[i] as number)) ** 2),
    ])
    expect(Math.sqrt(squares.reduce((sum, s) => sum + s, 0)) / 0.01).toBeCloseTo(1, 3)
    expect(epoch?.gradientNorm).toBeGreaterThan(0.1)
  })

  it('gives bit-identical weights with normalization and dropout, others for another seed', async () => {
    const noisy = await Promise.all([1, 2, 3].map(() => openNoisy(backend)))

    for (const [index, network] of noisy.entries()) {
      drain(train(network, makeOptions(DATA, { seed: index === 2 ? 8n : 7n, shuffle: false })))
    }

    const [first, same, other] = noisy.map((network) => network.weights())
    expect(same).toEqual(first)
    expect(other).not.toEqual(first)
  })

  it('keeps the running statistics of the best epoch with its weights', async () => {
    const network = await openNoisy(backend)
    const validation = makeData(CONFIG, 9, 5n)
    const snapshots = new Map<number, ReturnType<Network['weights']>>()

    const run = train(network, makeOptions(DATA, { validation, epochs: 6 }))
    let next = run.next()
    for (; next.done !== true; next = run.next()) snapshots.set(next.value.epoch, network.weights())

    expect(network.weights('best')).toEqual(snapshots.get(next.value.best?.epoch ?? 0))
  })

  it('moves running statistics by a tenth of each batch, and not for a batch of one', async () => {
    const layer = { units: 1, activation: 'linear', initializer: { type: 'zeros' } } as const
    const config = {
      inputs: 1,
      layers: [{ ...layer, batchNorm: true }, layer],
      loss: 'mse',
    } as const
    const initialWeights = [
      {
        weight: Float32Array.of(1),
        bias: Float32Array.of(0.5),
        gamma: Float32Array.of(1),
        beta: Float32Array.of(0),
        runningMean: Float32Array.of(0),
        runningVariance: Float32Array.of(1),
      },
      { weight: Float32Array.of(0), bias: Float32Array.of(0) },
    ]
    const network = await createNetwork(config, { backend, seed: 1n, initialWeights })
    const data = {
      rows: 5,
      inputs: Float32Array.of(1, 2, 3, 6, 1000),
      targets: Float32Array.of(0, 0, 0, 0, 0),
    }

    drain(train(network, makeOptions(data, { batchSize: 4, epochs: 1, shuffle: false })))

    const [normalized] = network.weights()
    // z = 1.5, 2.5, 3.5, 6.5: mean 3.5, squared distances 4 + 1 + 0 + 9 over 3.
    expect(normalized?.runningMean?.[0]).toBeCloseTo(0.35, 6)
    expect(normalized?.runningVariance?.[0]).toBeCloseTo(0.9 + 0.1 * (14 / 3), 6)
    expect(normalized?.bias[0]).toBe(0.5)
  })

  it('keeps running statistics finite when a batch diverges', async () => {
    const network = await openNoisy(backend)
    const inputs = DATA.inputs.slice()
    inputs.fill(1e30, 3 * 12, 3 * 13)
    const training = { ...DATA, inputs }

    const { result } = drain(train(network, makeOptions(training, { shuffle: false })))

    // The reference has room for 1e60 and trains on.
    expect(result.stopReason).toBe(backend === 'wasm' ? 'diverged' : 'epochs_completed')
    if (backend === 'wasm') expect(isFiniteEverywhere(network)).toBe(true)
  })

  it('weighs classes like rows', async () => {
    const [byClass, byRow] = [await open(), await open()]
    const weights = Float32Array.from(DATA.targets, (y) => (y === 0 ? 0.5 : 3))

    drain(train(byClass, makeOptions(DATA, { classWeights: [0.5, 3] })))
    drain(train(byRow, makeOptions({ ...DATA, weights })))

    expect(byClass.weights()).toEqual(byRow.weights())
  })

  it('gives every class the same say when balanced', async () => {
    const [balanced, byHand] = [await open(), await open()]
    const ones = DATA.targets.reduce((sum, y) => sum + y, 0)

    drain(train(balanced, makeOptions(DATA, { classWeights: 'balanced' })))
    drain(
      train(byHand, makeOptions(DATA, { classWeights: [23 / (2 * (23 - ones)), 23 / (2 * ones)] })),
    )

    expect(balanced.weights()).toEqual(byHand.weights())
  })

  it('judges by training loss without validation', async () => {
    const { yielded, result } = drain(train(await open(), makeOptions(DATA, { epochs: 5 })))

    const losses = yielded.map(({ trainLoss }) => trainLoss)
    expect(result.best).toEqual({ epoch: losses.indexOf(Math.min(...losses)) + 1 })
    expect(yielded.map(({ validationLoss }) => validationLoss)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ])
  })

  it('ends as diverged at the bad row and keeps the last finite weights', async () => {
    const network = await open()
    const inputs = DATA.inputs.slice()
    inputs[3 * 9 + 1] = Number.NaN
    const data = { ...DATA, inputs }

    const { yielded, result } = drain(train(network, makeOptions(data, { shuffle: false })))

    expect(yielded).toEqual([])
    expect(result.stopReason).toBe('diverged')
    expect(result.divergence).toEqual({ epoch: 1, batch: 2, layer: null, row: 9 })
    expect(isFiniteEverywhere(network)).toBe(true)
  })

  it('blames no layer for a target that is not a number', async () => {
    const config = makeConfig({ inputs: 3, hidden: [5], outputs: 2 })
    const network = await createNetwork(config, { backend, seed: 1n })
    const data = makeData(config, 23)
    data.targets[2 * 6] = Number.NaN

    const { result } = drain(train(network, makeOptions(data, { shuffle: false })))

    expect(result.divergence).toEqual({ epoch: 1, batch: 1, layer: null, row: 6 })
  })

  it('ends as diverged when a learning rate blows up, with finite weights', async () => {
    const config = makeConfig({ inputs: 3, hidden: [5], outputs: 2, activation: 'relu' })
    const network = await createNetwork(config, { backend, seed: 1n })
    const optimizer = { type: 'sgd', learningRate: 1e4 } as const

    const { result } = drain(train(network, makeOptions(makeData(config, 23), { optimizer })))

    expect(result.stopReason).toBe('diverged')
    expect(isFiniteEverywhere(network)).toBe(true)
  })

  it('frees the network when the caller stops iterating', async () => {
    const network = await open()

    for (const { epoch } of train(network, makeOptions(DATA))) if (epoch === 1) break

    expect(drain(train(network, makeOptions(DATA))).result.epochs).toBe(3)
  })

  it('refuses a second run at the same time and any after disposal', async () => {
    const network = await open()
    const running = train(network, makeOptions(DATA))
    running.next()

    expect(() => train(network, makeOptions(DATA)).next()).toThrow(
      expect.objectContaining({ code: 'network_busy' }),
    )
    network.dispose()
    network.dispose()
    expect(() => network.weights()).toThrow(expect.objectContaining({ code: 'network_disposed' }))
  })
})

describe('train on the wasm backend only', () => {
  it('continues from the last weights in a second run', async () => {
    const [twice, once] = [await openWasm(), await openWasm()]
    const options = makeOptions(DATA, { shuffle: false, epochs: 2 })

    drain(train(twice, options))
    drain(train(twice, options))
    drain(train(once, { ...options, epochs: 4 }))

    expect(twice.weights()).toEqual(once.weights())
  })

  it('names the layer and the row whose output left float32', async () => {
    const config = makeConfig({ inputs: 1, hidden: [1], outputs: 1, activation: 'relu' })
    const initialWeights = [
      { weight: Float32Array.of(3e38), bias: Float32Array.of(0) },
      { weight: Float32Array.of(1), bias: Float32Array.of(0) },
    ]
    const network = await createNetwork(config, { seed: 1n, initialWeights })
    const data = { rows: 2, inputs: Float32Array.of(0, 3e38), targets: Float32Array.of(0, 0) }

    const { result } = drain(train(network, makeOptions(data, { shuffle: false })))

    expect(result.divergence).toEqual({ epoch: 1, batch: 0, layer: 0, row: 1 })
    expect(network.weights()).toEqual(initialWeights)
  })

  it('reads data from shared memory', async () => {
    const [shared, plain] = [await openWasm(), await openWasm()]
    const inputs = new Float32Array(new SharedArrayBuffer(DATA.inputs.byteLength))
    inputs.set(DATA.inputs)

    drain(train(shared, makeOptions({ ...DATA, inputs })))
    drain(train(plain, makeOptions(DATA)))

    expect(shared.weights()).toEqual(plain.weights())
  })
})

describe('train refuses', () => {
  const refuse = async (changes: Partial<TrainingOptions>) => {
    const network = await createNetwork(CONFIG, { backend: 'reference', seed: 1n })
    try {
      train(network, makeOptions(DATA, changes)).next()
    } catch (error) {
      return error instanceof EngineError ? error.code : error
    }
    return null
  }
  const earlyStopping = { metric: 'val_loss', patience: 1, minDelta: 0 } as const

  it.each([
    [
      'a class the network does not have',
      { training: { ...DATA, targets: new Float32Array(23).fill(2) } },
      'invalid_data',
    ],
    [
      'a fractional class',
      { training: { ...DATA, targets: new Float32Array(23).fill(0.5) } },
      'invalid_data',
    ],
    [
      'inputs of another width',
      { training: { ...DATA, inputs: new Float32Array(5) } },
      'invalid_data',
    ],
    ['no rows', { training: { ...DATA, rows: 0 } }, 'invalid_data'],
    ['a batch size of zero', { batchSize: 0 }, 'invalid_options'],
    ['half an epoch', { epochs: 0.5 }, 'invalid_options'],
    [
      'weights that are negative',
      { training: { ...DATA, weights: new Float32Array(23).fill(-1) } },
      'invalid_data',
    ],
    [
      'the perceptron optimizer for another loss',
      { optimizer: { type: 'perceptron', learningRate: 1 } },
      'invalid_options',
    ],
    ['a rising learning rate', { schedule: { type: 'exponential', factor: 2 } }, 'invalid_options'],
    ['a negative penalty', { regularization: { l2: -1 } }, 'invalid_options'],
    ['clipping at zero', { gradientClip: { norm: 0 } }, 'invalid_options'],
    ['weights for other classes', { classWeights: [1] }, 'invalid_options'],
    ['a learning rate of zero', { optimizer: { type: 'sgd', learningRate: 0 } }, 'invalid_options'],
    ['a validation metric without validation', { earlyStopping }, 'invalid_options'],
  ] as const)('%s', async (_name, changes, code) => {
    expect(await refuse(changes as Partial<TrainingOptions>)).toBe(code)
  })
})

function isFiniteEverywhere(network: Network): boolean {
  const parts = network.weights().flatMap((layer) => Object.values(layer) as Float32Array[])
  return parts.every((values) => values.every(Number.isFinite))
}
