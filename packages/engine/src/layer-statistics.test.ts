import { describe, expect, it } from 'vitest'
import { drain, makeConfig, makeData, makeOptions } from '../test/fixtures.ts'
import { everything, expectFigures, OBSERVED_SHAPE, observeLayers } from '../test/observe-layers.ts'
import type { ActivationName, InitializerConfig, NetworkConfig } from './config.ts'
import { histogramOf, observationWindows } from './layer-statistics.ts'
import { type BackendName, createNetwork } from './network.ts'
import { type TrainingOptions, train } from './train.ts'

const BACKENDS: BackendName[] = ['wasm', 'reference']

describe.each(BACKENDS)('layers observed on the %s backend', (backend) => {
  it('have the figures that can be reckoned by hand', async () => {
    const config = makeConfig({ inputs: 2, hidden: [2], outputs: 1, activation: 'relu' })
    const initialWeights = [
      { weight: Float32Array.of(2, 0, 0, -1), bias: new Float32Array(2) },
      { weight: Float32Array.of(1, 1), bias: new Float32Array(1) },
    ]
    const training = {
      rows: 2,
      inputs: Float32Array.of(1, 0, 0, 1),
      targets: Float32Array.of(1, 0),
    }

    const [initial] = await observeLayers(
      config,
      { training, batchSize: 2, epochs: 1 },
      { backend, initialWeights },
    )

    // Outputs [2, 0] and [0, 0], then 2 and 0; δ is 1 for the first row and reaches its first unit only.
    expect(initial).toMatchObject({ epoch: 0, rows: 2 })
    expectFigures(initial, 0, {
      gradientNorm: Math.sqrt(2),
      weightNorm: Math.sqrt(5),
      updateRatio: 0.1 / Math.sqrt(5),
      activationMean: 0.5,
      activationStd: Math.sqrt(0.75),
      deadShare: 0.5,
      saturatedShare: null,
    })
    expectFigures(initial, 1, {
      gradientNorm: Math.sqrt(5),
      weightNorm: Math.sqrt(2),
      updateRatio: 0.2 / Math.sqrt(2),
      activationMean: 1,
      activationStd: 1,
      deadShare: null,
      saturatedShare: null,
    })
    const { activations, weights, gradients } = initial?.layers[0]?.histograms ?? {}
    expect([activations, weights, gradients].map(occupied)).toEqual([
      {
        lower: 0,
        upper: 2,
        bins: [
          [0, 3],
          [29, 1],
        ],
      },
      {
        lower: -1,
        upper: 2,
        bins: [
          [0, 1],
          [10, 2],
          [29, 1],
        ],
      },
      {
        lower: 0,
        upper: 1,
        bins: [
          [0, 3],
          [29, 1],
        ],
      },
    ])
  })

  it('change no bit of the training', async () => {
    const config = makeConfig({
      ...OBSERVED_SHAPE,
      activation: 'relu',
      batchNorm: true,
      dropout: 0.3,
    })
    const run = async (observes: TrainingOptions['observes']) => {
      const network = await createNetwork(config, { seed: 3n, backend })
      const options = makeOptions(makeData(config, 203), {
        gradientClip: { norm: 0.5 },
        ...(observes === undefined ? {} : { observes }),
      })
      const { yielded } = drain(train(network, options))
      const losses = yielded.map(({ trainLoss, gradientNorm }) => [trainLoss, gradientNorm])
      return { weights: network.weights(), losses }
    }

    expect(await run(everything)).toEqual(await run(undefined))
  })

  it('come with the epochs that were asked for, histograms only where they were', async () => {
    const config = makeConfig(OBSERVED_SHAPE)
    const asked: number[] = []
    const observes = (epoch: number) => {
      asked.push(epoch)
      return epoch === 3 ? 'histograms' : epoch === 1 || epoch === 4 ? null : 'statistics'
    }

    const observations = await observeLayers(config, { epochs: 5, observes }, { backend })

    expect(asked).toEqual([0, 1, 2, 3, 4, 5])
    expect(
      observations.map(({ epoch, layers }) => [epoch, layers.map((l) => l.histograms !== null)]),
    ).toEqual([
      [0, [false, false, false]],
      [2, [false, false, false]],
      [3, [true, true, true]],
      [5, [false, false, false]],
    ])
  })

  it('have gradient norms that make up the global one', async () => {
    const config = makeConfig({ ...OBSERVED_SHAPE, batchNorm: true })
    const network = await createNetwork(config, { seed: 3n, backend })
    const options = makeOptions(makeData(config, 200), { observes: everything })

    for (const { epoch, observations, gradientNorm } of train(network, options)) {
      const observation = observations.find((each) => each.epoch === epoch)
      const squares = observation?.layers.map((layer) => layer.gradientNorm ** 2) ?? []
      expect(Math.sqrt(squares.reduce((sum, square) => sum + square, 0))).toBeCloseTo(
        gradientNorm,
        6,
      )
    }
  })

  it('tell dead units of relu and saturated outputs of tanh from live ones', async () => {
    const observeWith = async (activation: ActivationName, scale: number, bias: number) => {
      const config = makeConfig({ inputs: 1, hidden: [4], outputs: 1, activation })
      const initialWeights = [
        // The first two units see nothing but a bias that switches them off.
        { weight: Float32Array.of(0, 0, scale, -scale), bias: Float32Array.of(bias, bias, 0, 0) },
        { weight: Float32Array.of(1, 1, 1, 1), bias: new Float32Array(1) },
      ]
      const [initial] = await observeLayers(
        config,
        { batchSize: 64, epochs: 1 },
        { backend, initialWeights },
      )
      return initial?.layers[0]
    }

    expect(await observeWith('relu', 1, -1)).toMatchObject({ deadShare: 0.5, saturatedShare: null })
    expect(await observeWith('relu', 1, 1)).toMatchObject({ deadShare: 0 })
    expect(await observeWith('tanh', 1, -3)).toMatchObject({ deadShare: null, saturatedShare: 0.5 })
    expect(await observeWith('tanh', 1, 2)).toMatchObject({ saturatedShare: 0 })
    expect(await observeWith('sigmoid', 1, 5)).toMatchObject({ saturatedShare: 0.5 })
    expect(await observeWith('leaky_relu', 1, -9)).toMatchObject({
      deadShare: null,
      saturatedShare: null,
    })
  })

  it('show the gradient vanish towards the input of a deep sigmoid network', async () => {
    const config = makeConfig({
      inputs: 4,
      hidden: [8, 8, 8, 8, 8, 8],
      outputs: 2,
      activation: 'sigmoid',
    })

    const [initial] = await observeLayers(config, { batchSize: 32, epochs: 1 }, { backend })

    const norms = initial?.layers.map(({ gradientNorm }) => gradientNorm) ?? []
    expect(norms).toEqual(norms.toSorted((a, b) => a - b))
    expect((norms[0] ?? 1) / (norms.at(-1) ?? 0)).toBeLessThan(1e-3)
  })

  it('have no update ratio where all weights are zero', async () => {
    const config = withInitializer(makeConfig(OBSERVED_SHAPE), { type: 'zeros' })

    const [initial] = await observeLayers(config, { epochs: 1 }, { backend })

    expect(initial?.layers.map(({ weightNorm, updateRatio }) => [weightNorm, updateRatio])).toEqual(
      new Array(3).fill([0, null]),
    )
  })

  it('leave out an epoch whose observed rows have no weight', async () => {
    const config = makeConfig(OBSERVED_SHAPE)
    const data = makeData(config, 12)
    const weights = Float32Array.from({ length: 12 }, (_, row) => (row < 4 ? 0 : 1))
    const training = { ...data, weights }

    const observations = await observeLayers(
      config,
      { training, shuffle: false, epochs: 2 },
      { backend },
    )

    expect(observations.map(({ epoch }) => epoch)).toEqual([1, 2])
  })
})

it('show how ten tanh layers die, saturate or live by their initial weights alone', async () => {
  const hidden = new Array<number>(10).fill(100)
  const config = makeConfig({ inputs: 100, hidden, outputs: 10, loss: 'cross_entropy' })
  const lastOf = async (initializer: InitializerConfig) => {
    const [initial] = await observeLayers(
      withInitializer(config, initializer),
      { batchSize: 100, epochs: 1 },
      {},
    )
    return initial?.layers[9]
  }

  const [small, large, xavier] = await Promise.all([
    lastOf({ type: 'normal', std: 0.01 }),
    lastOf({ type: 'normal', std: 1 }),
    lastOf({ type: 'xavier_normal' }),
  ])

  expect(small?.activationStd).toBeLessThan(1e-6)
  expect(large?.activationStd).toBeGreaterThan(0.9)
  expect(large?.saturatedShare).toBeGreaterThan(0.7)
  expect(xavier?.activationStd).toBeGreaterThan(0.1)
  expect(xavier?.saturatedShare).toBeLessThan(0.05)
  const { counts = [] } = large?.histograms?.activations ?? {}
  // Both ends of the histogram hold most of what there is.
  expect((counts[0] ?? 0) + (counts[29] ?? 0)).toBeGreaterThan(0.7 * 100 * 100)
})

describe('the batches observed', () => {
  const windowsOf = (rows: number, batchSize: number, epoch: number) =>
    observationWindows(
      {
        observes: everything,
        batchSize,
        training: { rows, inputs: new Float32Array(0), targets: new Float32Array(0) },
      },
      epoch,
    ).map(({ firstBatch, lastBatch, ...window }) => [window.epoch, firstBatch, lastBatch])

  it.each([
    ['the last full one, where that is enough rows', 60_000, 128, [467, 467]],
    ['not the short one after it', 129, 128, [0, 0]],
    ['up to 128 rows', 10_000, 10, [987, 999]],
    ['at most a sixteenth of all', 500, 10, [47, 49]],
    ['at least one', 20, 10, [1, 1]],
  ])('are %s', (_name, rows, batchSize, batches) => {
    expect(windowsOf(rows, batchSize, 2)).toEqual([[2, ...batches]])
  })

  it('of the initial state are the first batch of the first epoch', () => {
    expect(windowsOf(500, 10, 1)).toEqual([
      [0, 0, 0],
      [1, 47, 49],
    ])
  })
})

describe('a histogram', () => {
  it('puts every value into one of thirty equal bins, the highest into the last', () => {
    const values = Float32Array.from({ length: 31 }, (_, i) => i - 10)

    const { lower, upper, counts } = histogramOf(values)

    expect([lower, upper]).toEqual([-10, 20])
    expect(counts).toEqual([...new Array(29).fill(1), 2])
  })

  it('of one value has it in the first bin', () => {
    expect(occupied(histogramOf(Float32Array.of(3, 3)))).toEqual({
      lower: 3,
      upper: 3,
      bins: [[0, 2]],
    })
  })
})

function withInitializer(config: NetworkConfig, initializer: InitializerConfig): NetworkConfig {
  return { ...config, layers: config.layers.map((layer) => ({ ...layer, initializer })) }
}

/** A histogram without its empty bins. */
function occupied(histogram: ReturnType<typeof histogramOf> | undefined) {
  const bins = histogram?.counts.flatMap((count, bin) => (count === 0 ? [] : [[bin, count]]))
  return { lower: histogram?.lower, upper: histogram?.upper, bins }
}
