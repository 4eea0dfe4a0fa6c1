import { describe, expect, it } from 'vitest'
import {
  ACTIVATION_NAMES,
  drain,
  LOSS_NAMES,
  makeConfig,
  makeData,
  makeOptions,
  OPTIMIZERS,
} from '../../test/fixtures.ts'
import type { Augmentation } from '../augmentation/augmentation.ts'
import type { NetworkConfig } from '../config.ts'
import { forward } from '../inference.ts'
import { createNetwork } from '../network.ts'
import { type TrainingOptions, train } from '../train.ts'
import { compileBuild } from '../wasm/load.ts'
import { mapMemory } from '../wasm/memory-map.ts'
import type { LayerWeights } from '../weights.ts'

const BUILDS = [
  { build: 'fused', module: await compileBuild('fused') },
  { build: 'unfused', module: await compileBuild('unfused') },
] as const

describe.each(BUILDS)('the $build kernels follow the reference for ten epochs', ({ module }) => {
  const optimizers = Object.entries(OPTIMIZERS)
  for (const [index, activation] of ACTIVATION_NAMES.entries()) {
    it.each(LOSS_NAMES)(`with ${activation} units and %s`, async (loss) => {
      const config = makeConfig({ inputs: 3, hidden: [7, 5], outputs: 3, activation, loss })
      // Every activation meets every loss, and all optimizers between them.
      const turn = (index + LOSS_NAMES.indexOf(loss)) % optimizers.length
      const optimizer = optimizers[turn]?.[1] ?? OPTIMIZERS.sgd

      await expectParity(config, { ...raggedRun(config, 23, 4), optimizer }, module)
    })
  }

  it.each(
    optimizers.flatMap(([name, optimizer]) =>
      LOSS_NAMES.map((loss) => [name, loss, optimizer] as const),
    ),
  )('with %s and %s', async (_name, loss, optimizer) => {
    const config = makeConfig({ inputs: 3, hidden: [7, 5], outputs: 3, activation: 'tanh', loss })

    await expectParity(config, { ...raggedRun(config, 23, 4), optimizer }, module)
  })

  it.each([1, 23])('with batches of %i', async (batchSize) => {
    const config = makeConfig({ inputs: 3, hidden: [7, 5], outputs: 3, loss: 'cross_entropy' })

    await expectParity(
      config,
      { ...raggedRun(config, 23, batchSize), optimizer: OPTIMIZERS.adam },
      module,
    )
  })

  it.each([
    ['cross_entropy', { labelSmoothing: 0.1 }],
    ['binary_cross_entropy', { labelSmoothing: 0.2 }],
    ['huber', { huberDelta: 0.3 }],
  ] as const)('with %s and %j', async (loss, parameters) => {
    const config = makeConfig({ inputs: 3, hidden: [7], outputs: 5, loss, ...parameters })

    await expectParity(config, raggedRun(config, 23, 4), module)
  })

  it.each(LOSS_NAMES)('with weighted rows, whole batches of weight zero, and %s', async (loss) => {
    const config = makeConfig({ inputs: 3, hidden: [7], outputs: 5, loss })
    const options = { ...raggedRun(config, 23, 4), shuffle: false }
    const weights = Float32Array.from({ length: 23 }, (_, row) => (row < 8 ? 0 : row % 3))
    const training = { ...options.training, weights }

    await expectParity(config, { ...options, training }, module)
    const validation = { ...makeData(config, 9, 2n), weights: weights.subarray(7, 16) }
    await expectParity(config, { ...options, validation }, module)
  })

  it.each([
    [{ schedule: { type: 'per_step', factor: 0.97 } }],
    [{ schedule: { type: 'cosine', warmupEpochs: 3 } }],
    [{ schedule: { type: 'reduce_on_plateau', patience: 1, factor: 0.3 } }],
    [{ regularization: { l2: 0.01 } }],
    [{ regularization: { l1: 0.003 } }],
    [{ regularization: { l1: 0.001, l2: 0.02 } }],
    [{ gradientClip: { norm: 0.2 } }],
    [{ gradientClip: { value: 0.02 } }],
    [{ classWeights: 'balanced' }],
    [{ classWeights: [0.5, 3, 1] }],
    [{ regularization: { l2: 0.1 }, gradientClip: { norm: 0.3 }, classWeights: [1, 0, 2] }],
  ] as Partial<TrainingOptions>[][])('with %j', async (changes) => {
    for (const optimizer of [OPTIMIZERS.momentum, OPTIMIZERS.adamw]) {
      const config = makeConfig({ inputs: 3, hidden: [7, 5], outputs: 3, loss: 'cross_entropy' })

      await expectParity(config, { ...raggedRun(config, 23, 4), optimizer, ...changes }, module)
    }
  })

  it('with augmented rows', async () => {
    const config = makeConfig({ inputs: 12, hidden: [7, 5], outputs: 3, loss: 'cross_entropy' })
    const augmentation: Augmentation = {
      operations: [
        { type: 'rotate', degrees: 20 },
        { type: 'shift', pixels: 1 },
        { type: 'feature_drop', rate: 0.1 },
        { type: 'gaussian_noise', std: 0.2 },
      ],
      image: { height: 2, width: 3, channels: 2 },
      mixup: null,
    }

    await expectParity(config, { ...raggedRun(config, 23, 4), augmentation }, module)
  })

  it.each(LOSS_NAMES)('with mixed rows, weights and %s', async (loss) => {
    const config = makeConfig({ inputs: 3, hidden: [7], outputs: 5, loss })
    const options = raggedRun(config, 23, 6)
    const weights = Float32Array.from({ length: 23 }, (_, row) => row % 3)
    const augmentation = { operations: [], image: null, mixup: 0.4 }

    await expectParity(
      config,
      { ...options, training: { ...options.training, weights }, augmentation },
      module,
    )
  })

  it.each(ACTIVATION_NAMES)(
    'with batch normalization, dropout and %s units',
    async (activation) => {
      const shape = {
        inputs: 3,
        hidden: [7, 5],
        outputs: 3,
        activation,
        loss: 'cross_entropy',
      } as const
      // Few rows make a unit's variance small, and what divides by it ill-conditioned.
      const config = makeConfig({ ...shape, batchNorm: true, dropout: 0.3, inputDropout: 0.1 })

      await expectParity(
        config,
        { ...raggedRun(config, 41, 10), optimizer: OPTIMIZERS.momentum },
        module,
      )
    },
  )

  it.each([
    ['batch normalization', { batchNorm: true }],
    ['dropout', { dropout: 0.5 }],
    ['input dropout', { inputDropout: 0.4 }],
  ] as const)('with %s, every optimizer and last batches of one row', async (_name, changes) => {
    for (const optimizer of Object.values(OPTIMIZERS)) {
      const config = makeConfig({ inputs: 5, hidden: [17, 6], outputs: 3, ...changes })

      await expectParity(config, { ...raggedRun(config, 40, 13), optimizer }, module)
    }
  })

  it('with everything at once on wide layers', async () => {
    const config = makeConfig({
      inputs: 33,
      hidden: [63, 37],
      outputs: 5,
      activation: 'relu',
      loss: 'cross_entropy',
      batchNorm: true,
      dropout: 0.25,
      inputDropout: 0.1,
      labelSmoothing: 0.05,
    })
    const options: TrainingOptions = {
      ...raggedRun(config, 103, 17),
      epochs: 5,
      optimizer: OPTIMIZERS.momentum,
      regularization: { l1: 1e-4, l2: 1e-3 },
      gradientClip: { norm: 0.5 },
      schedule: { type: 'cosine', warmupEpochs: 2 },
      classWeights: 'balanced',
    }

    await expectParity(config, options, module)
  })

  it.each([1, 3])('as a perceptron of %i units', async (units) => {
    const layer = { units, activation: 'linear', initializer: { type: 'zeros' } } as const
    const config = { inputs: 3, layers: [layer], loss: 'perceptron' } as const
    const optimizer = { type: 'perceptron', learningRate: 0.1 } as const

    await expectParity(config, { ...raggedRun(config, 23, 4), optimizer }, module)
  })
})

describe.each(BUILDS)('the packed products of the $build kernels', ({ module }) => {
  it('follow the reference in every product of a wide network', async () => {
    // No dimension is a multiple of a tile, and the last batch is short.
    const config = makeConfig({ inputs: 260, hidden: [505, 261], outputs: 3, activation: 'tanh' })
    const options = { ...raggedRun(config, 47, 40), epochs: 1 }
    const [first, second] = mapMemory({
      network: config,
      optimizer: 'sgd',
      batchSize: 40,
      trainingRows: 47,
      validationRows: 9,
    }).layers
    expect(first?.packed).toMatchObject({ forward: true, evaluation: true, weightGradient: true })
    expect(second?.packed).toMatchObject({
      forward: true,
      weightGradient: true,
      inputGradient: true,
    })

    await expectParity(config, options, module)
  })
})

describe.each(BUILDS)('prediction of the $build kernels', ({ module }) => {
  it.each([0, 1, 3, 4, 5, 17, 63, 130])('equals the reference for %i rows', async (rows) => {
    const config = makeConfig({ inputs: 5, hidden: [17, 33], outputs: 3 })
    const { inputs } = makeData(config, rows)
    const [ours, theirs] = await Promise.all([
      createNetwork(config, { seed: 1n, module }),
      createNetwork(config, { seed: 1n, backend: 'reference' }),
    ])

    expectClose(ours.predict(inputs, rows), theirs.predict(inputs, rows), 5e-6)
  })

  it('normalizes by the running statistics', async () => {
    const config = makeConfig({
      inputs: 5,
      hidden: [17, 6],
      outputs: 3,
      batchNorm: true,
      dropout: 0.5,
    })
    const trained = await createNetwork(config, { seed: 1n, module })
    drain(train(trained, raggedRun(config, 23, 4)))
    const initialWeights = trained.weights()
    const theirs = await createNetwork(config, { seed: 2n, backend: 'reference', initialWeights })
    const { inputs } = makeData(config, 9)

    const logits = trained.predict(inputs, 9)

    expectClose(logits, theirs.predict(inputs, 9), 5e-6)
    expectClose(logits, forward(config, initialWeights, inputs, 9), 5e-6)
  })

  it('keeps NaN and infinity in the row they came with', async () => {
    const config = makeConfig({ inputs: 2, hidden: [5], outputs: 2, activation: 'relu' })
    const network = await createNetwork(config, { seed: 1n, module })
    const clean = network.predict(Float32Array.of(1, 2, 0, 0, 0, 0, 3, 4), 4)

    const logits = network.predict(Float32Array.of(1, 2, Number.NaN, 0, Infinity, 0, 3, 4), 4)

    expect([...logits.subarray(0, 2), ...logits.subarray(6)]).toEqual([
      ...clean.subarray(0, 2),
      ...clean.subarray(6),
    ])
    expect([...logits.subarray(2, 4)]).toEqual([Number.NaN, Number.NaN])
    expect([...logits.subarray(4, 6)].some(Number.isFinite)).toBe(false)
  })
})

it('gives the golden weights without fused multiply-add, bit for bit', async () => {
  const config = makeConfig({ inputs: 3, hidden: [5], outputs: 2, loss: 'cross_entropy' })
  const module = await compileBuild('unfused')
  const network = await createNetwork(config, { seed: 3n, module })

  drain(train(network, { ...raggedRun(config, 23, 4), optimizer: OPTIMIZERS.adam }))

  const bits = new Uint32Array(flatten(network.weights()).buffer)
  expect([...bits.subarray(0, 4)]).toMatchInlineSnapshot(`
    [
      3213463700,
      3190333030,
      3192102862,
      1039645534,
    ]
  `)
})

function raggedRun(config: NetworkConfig, rows: number, batchSize: number): TrainingOptions {
  const validation = makeData(config, 9, 2n)
  return makeOptions(makeData(config, rows), { batchSize, epochs: 10, validation })
}

/** Losses within 1e-5 relative, weights within 1e-4 of max(0.05, |w|), the same rows right. */
async function expectParity(
  config: NetworkConfig,
  options: TrainingOptions,
  module: WebAssembly.Module,
): Promise<void> {
  const [ours, theirs] = await Promise.all([
    createNetwork(config, { seed: 3n, module }),
    createNetwork(config, { seed: 3n, backend: 'reference' }),
  ])

  const actual = drain(train(ours, options))
  const expected = drain(train(theirs, options))

  expect(actual.result).toEqual(expected.result)
  for (const [index, epoch] of expected.yielded.entries()) {
    const same = actual.yielded[index]
    expectRelative(same?.trainLoss, epoch.trainLoss)
    expectRelative(same?.validationLoss ?? undefined, epoch.validationLoss ?? Number.NaN)
    expectRelative(same?.gradientNorm, epoch.gradientNorm)
    expectRelative(same?.trainPenalty, epoch.trainPenalty)
    expect(same?.learningRate).toBe(epoch.learningRate)
    expect(same?.trainAccuracy).toBe(epoch.trainAccuracy)
    expect(same?.validationAccuracy).toBe(epoch.validationAccuracy)
    expect(same?.isBest).toBe(epoch.isBest)
  }
  for (const which of ['last', 'best'] as const) {
    expectClose(flatten(ours.weights(which)), flatten(theirs.weights(which)), 1e-4)
  }
}

function expectRelative(actual: number | undefined, expected: number): void {
  expect(Math.abs((actual ?? Number.NaN) - expected)).toBeLessThanOrEqual(1e-5 * expected)
}

function expectClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  expect(actual.length).toBe(expected.length)
  const errors = actual.map((value, i) => {
    const target = expected[i] as number
    return Math.abs(value - target) / Math.max(0.05, Math.abs(target))
  })
  expect(errors.reduce((a, b) => Math.max(a, b), 0)).toBeLessThan(tolerance)
}

function flatten(weights: readonly LayerWeights[]): Float32Array {
  return Float32Array.from(weights.flatMap((layer) => Object.values(layer).flatMap((v) => [...v])))
}
