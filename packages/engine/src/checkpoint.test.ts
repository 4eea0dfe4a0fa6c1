import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { drain, makeConfig, makeData, makeOptions, OPTIMIZERS } from '../test/fixtures.ts'
import { openTeam } from '../test/open-team.ts'
import type { BatchAnswer } from './backend.ts'
import { checkpointWeights, inspectCheckpoint } from './checkpoint.ts'
import type { NetworkConfig } from './config.ts'
import { EngineError } from './errors.ts'
import { createNetwork } from './network.ts'
import { planNetwork } from './plan.ts'
import { type EpochMetrics, type TrainingOptions, train } from './train.ts'
import { compileBuild } from './wasm/load.ts'
import { mapMemory } from './wasm/memory-map.ts'
import type { LayerWeights } from './weights.ts'

const { team, close } = openTeam(2)
afterAll(close)

const SHAPE = { inputs: 5, hidden: [17, 6], outputs: 3, loss: 'cross_entropy' } as const
const PLAIN = makeConfig(SHAPE)
const REGRESSION = makeConfig({ ...SHAPE, loss: 'mse' })
const PERCEPTRON = makeConfig({ inputs: 5, hidden: [], outputs: 1, loss: 'perceptron' })

interface Case {
  name: string
  config: NetworkConfig
  options: Partial<TrainingOptions>
}

const CASES: Case[] = [
  {
    name: 'Adam, dropout, a rate reduced on plateaus and early stopping',
    config: makeConfig({ ...SHAPE, dropout: 0.3, inputDropout: 0.1 }),
    options: {
      optimizer: OPTIMIZERS.adam,
      schedule: { type: 'reduce_on_plateau', patience: 1, cooldown: 1 },
      earlyStopping: { metric: 'val_loss', patience: 5, minDelta: 0 },
      validation: makeData(PLAIN, 21, 5n),
      epochs: 60,
    },
  },
  {
    name: 'normalization, momentum and a rate that falls with each step',
    config: makeConfig({ ...SHAPE, batchNorm: true }),
    options: {
      optimizer: OPTIMIZERS.momentum,
      schedule: { type: 'per_step', factor: 0.97 },
      validation: makeData(PLAIN, 21, 5n),
    },
  },
  {
    name: 'clipping, both penalties and class weights',
    config: PLAIN,
    options: {
      optimizer: OPTIMIZERS.adamw,
      gradientClip: { norm: 0.5 },
      regularization: { l1: 0.01, l2: 0.02 },
      classWeights: [1, 2.5, 0.25],
    },
  },
  {
    name: 'weights of rows',
    config: REGRESSION,
    options: { optimizer: OPTIMIZERS.rmsprop, training: weighted(makeData(REGRESSION, 50)) },
  },
  {
    name: 'two threads and normalization',
    config: makeConfig({ ...SHAPE, batchNorm: true, dropout: 0.2 }),
    options: { optimizer: OPTIMIZERS.adam, batchSize: 32, training: makeData(PLAIN, 200), team },
  },
  { name: 'the perceptron', config: PERCEPTRON, options: { optimizer: perceptron() } },
  {
    name: 'the order of the data',
    config: PLAIN,
    options: { optimizer: OPTIMIZERS.adagrad, shuffle: false, schedule: { type: 'cosine' } },
  },
]

describe.each(CASES)('a checkpoint with $name', ({ config, options }) => {
  const given = makeOptions(options.training ?? makeData(config, 50), {
    batchSize: 8,
    epochs: 6,
    ...options,
  })

  it('resumes in a new network at any batch, to the same weights and metrics', async () => {
    const undisturbed = await run(config, given)
    const steps = undisturbed.batches

    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: steps - 1 }), async (batch) => {
        const checkpoint = await takeAt(config, given, batch)
        const resumed = await run(config, { ...given, resume: checkpoint })

        const { epoch } = inspectCheckpoint(checkpoint)
        expect(resumed.epochs).toEqual(undisturbed.epochs.slice(epoch - 1))
        expect(resumed.weights).toEqual(undisturbed.weights)
        expect(resumed.result).toEqual(undisturbed.result)
      }),
      { numRuns: 12, seed: 5, examples: [[0], [1], [steps - 1]] },
    )
  })

  it('resumes from a checkpoint of a resumed run', async () => {
    const undisturbed = await run(config, given)

    const first = await takeAt(config, given, Math.floor(undisturbed.batches / 3))
    const second = await takeAt(config, { ...given, resume: first }, 5)
    const resumed = await run(config, { ...given, resume: second })

    expect(resumed.weights).toEqual(undisturbed.weights)
  })

  it('is taken of a stop at any batch, and resumes there', async () => {
    const undisturbed = await run(config, given)
    const at = Math.floor(undisturbed.batches / 2)

    let batches = 0
    const stopped = await run(config, { ...given, onBatch: () => batches++ === at })
    const resumed = await run(config, { ...given, resume: stopped.end })

    expect(inspectCheckpoint(stopped.end).step).toBe(at)
    expect(checkpointWeights(stopped.end)).toEqual({
      last: stopped.weights[0],
      best: stopped.weights[1],
    })
    expect([...stopped.epochs, ...resumed.epochs]).toEqual(undisturbed.epochs)
    expect(resumed.weights).toEqual(undisturbed.weights)
    expect(resumed.result).toEqual(undisturbed.result)
  })

  it('is taken of the end, and goes on to the epochs that a longer training has', async () => {
    // A rate that falls over all epochs has fallen further in the shorter one.
    const schedule = given.schedule?.type === 'cosine' ? null : (given.schedule ?? null)
    const longer = await run(config, { ...given, schedule })
    const epochs = longer.epochs.length - 2

    const shorter = await run(config, { ...given, schedule, epochs })
    const continued = { ...given, schedule, resume: shorter.end, continues: true }
    const rest = await run(config, continued)

    const { step } = longer.epochs[epochs - 1] ?? expect.fail('there is no such epoch')
    expect(inspectCheckpoint(shorter.end)).toMatchObject({ epoch: epochs + 1, batch: 0, step })
    expect(rest.epochs).toEqual(longer.epochs.slice(epochs))
    expect(rest.weights).toEqual(longer.weights)
    expect(rest.result).toEqual(longer.result)
  })
})

describe('a training that continues another', () => {
  const config = makeConfig({ ...SHAPE, batchNorm: true })
  const options = makeOptions(makeData(config, 50), {
    optimizer: OPTIMIZERS.adam,
    batchSize: 8,
    epochs: 4,
    validation: makeData(config, 21, 5n),
  })
  const continueWith = async (changes: Partial<TrainingOptions>, at = 10, other = config) => {
    const resume = await takeAt(config, options, at)
    return await run(other, { ...options, ...changes, resume, continues: true })
  }

  it('goes on with other rates from the very batch', async () => {
    const [same, slower] = [
      await continueWith({}),
      await continueWith({ optimizer: { ...OPTIMIZERS.adam, learningRate: 1e-30 } as never }),
    ]
    const undisturbed = await run(config, options)

    expect(same.weights).toEqual(undisturbed.weights)
    // At a rate of nothing the parameters stay where the checkpoint has them.
    const kept = checkpointWeights(await takeAt(config, options, 10)).last
    expect(slower.weights[0]?.map(({ weight }) => weight)).toEqual(kept.map(({ weight }) => weight))
    expect(slower.epochs[0]?.learningRate).toBe(1e-30)
  })

  it('takes the rate of a new schedule where it stands in the epoch', async () => {
    const { epochs } = await continueWith({ schedule: { type: 'per_step', factor: 0.5 } }, 7 + 2)
    const rate = (options.optimizer as { learningRate: number }).learningRate

    expect(epochs.map(({ epoch }) => epoch)).toEqual([2, 3, 4])
    expect(epochs[1]?.learningRate).toBe(rate * 0.5 ** 14)
  })

  it('begins a patience anew that was changed', async () => {
    const patient = { metric: 'val_loss', patience: 2, minDelta: 0 } as const
    const waiting = { ...options, earlyStopping: { ...patient, minDelta: 1e9 } }
    // The first epoch improves on nothing, the second and third wait.
    const stopped = await run(config, { ...waiting, epochs: 10 })

    const longer = { ...waiting, epochs: 20, earlyStopping: { ...patient, minDelta: 1e8 } }
    const continued = await run(config, { ...longer, resume: stopped.end, continues: true })

    expect(stopped.result).toMatchObject({ stopReason: 'early_stopping', epochs: 3 })
    expect(continued.result).toMatchObject({ stopReason: 'early_stopping', epochs: 6 })
  })

  it.each<[string, Partial<TrainingOptions>, NetworkConfig?]>([
    ['regularization', { regularization: { l1: 0, l2: 0.1 } }],
    ['clipping', { gradientClip: { value: 0.1 } }],
    ['class weights', { classWeights: 'balanced' }],
    [
      'augmentation',
      {
        augmentation: {
          operations: [{ type: 'gaussian_noise', std: 1 }],
          image: null,
          mixup: null,
        },
      },
    ],
    ['dropout', {}, makeConfig({ ...SHAPE, batchNorm: true, dropout: 0.4, inputDropout: 0.2 })],
  ])('may have other %s', async (_, changes, other = config) => {
    const continued = await continueWith(changes, 10, other)
    const undisturbed = await run(config, options)

    expect(continued.epochs.map(({ epoch }) => epoch)).toEqual([2, 3, 4])
    expect(continued.weights).not.toEqual(undisturbed.weights)
  })

  it.each<[string, Partial<TrainingOptions>, NetworkConfig?]>([
    ['batchSize', { batchSize: 9 }],
    ['seed', { seed: 8n }],
    ['shuffle', { shuffle: false }],
    ['optimizer', { optimizer: OPTIMIZERS.rmsprop }],
    ['training', { training: makeData(config, 51) }],
    ['network', {}, makeConfig({ ...SHAPE, hidden: [17, 7], batchNorm: true })],
  ])('must have the same %s', async (name, changes, other = config) => {
    await expect(continueWith(changes, 10, other)).rejects.toThrow(new RegExp(`${name} differ`))
  })
})

describe('a checkpoint', () => {
  const config = makeConfig({ ...SHAPE, batchNorm: true })
  const options = makeOptions(makeData(config, 50), { optimizer: OPTIMIZERS.adam, batchSize: 8 })

  it('changes nothing of the training it is taken from', async () => {
    const undisturbed = await run(config, options)

    const disturbed = await run(config, { ...options, onBatch: () => 'checkpoint' })

    expect(disturbed.weights).toEqual(undisturbed.weights)
    expect(disturbed.epochs).toEqual(undisturbed.epochs)
  })

  it('says where it was taken', async () => {
    const checkpoint = await takeAt(config, options, 7 + 3)

    expect(inspectCheckpoint(checkpoint)).toEqual({
      epoch: 2,
      batch: 3,
      step: 10,
      best: { epoch: 1 },
    })
  })

  it('holds the range of memory from the parameters to the gradient, and little else', async () => {
    const map = mapMemory({
      network: config,
      optimizer: 'adam',
      batchSize: 8,
      trainingRows: 50,
      validationRows: 0,
    })
    const stateBytes = map.gradient - map.parameters

    const checkpoint = await takeAt(config, options, 3)

    const sizes = { batchSize: 8, trainingRows: 50, validationRows: 0 }
    const plan = planNetwork({ network: config, optimizer: 'adam', ...sizes })
    expect(plan.checkpointBytes).toBe(stateBytes)
    expect(stateBytes).toBeGreaterThanOrEqual(2 * map.stateBytes + 2 * map.parameterBytes)
    expect(checkpoint.length - stateBytes).toBeGreaterThan(0)
    expect(checkpoint.length - stateBytes).toBeLessThan(2000)
  })

  it('is read at any alignment of its bytes', async () => {
    const checkpoint = await takeAt(config, options, 10)
    const shifted = new Uint8Array(checkpoint.length + 1).subarray(1)
    shifted.set(checkpoint)

    const [aligned, other] = [
      await run(config, { ...options, resume: checkpoint }),
      await run(config, { ...options, resume: shifted }),
    ]

    expect(other.weights).toEqual(aligned.weights)
  })

  it('is refused when any byte is changed or missing', async () => {
    const checkpoint = await takeAt(config, options, 10)

    await fc.assert(
      fc.asyncProperty(
        fc.nat(checkpoint.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const damaged = checkpoint.slice()
          damaged[at] = (damaged[at] ?? 0) ^ change
          await expectRefused({ ...options, resume: damaged }, /something else|damaged/)
          await expectRefused({ ...options, resume: checkpoint.slice(0, at) }, /cut off/)
        },
      ),
      { numRuns: 30, seed: 1 },
    )
  })

  it.each<[string, Partial<TrainingOptions>]>([
    ['training', { training: makeData(config, 51) }],
    ['validation', { validation: makeData(config, 5) }],
    ['optimizer', { optimizer: OPTIMIZERS.sgd }],
    ['batchSize', { batchSize: 9 }],
    ['epochs', { epochs: 4 }],
    ['seed', { seed: 8n }],
    ['schedule', { schedule: { type: 'cosine' } }],
  ])('is refused by a training with another %s', async (name, change) => {
    const checkpoint = await takeAt(config, options, 10)

    await expectRefused({ ...options, ...change, resume: checkpoint }, new RegExp(`${name} differ`))
  })

  it('is refused by another network, and by kernels that round otherwise', async () => {
    const checkpoint = await takeAt(config, options, 10)
    const resume = { ...options, resume: checkpoint }
    const unfused = await createNetwork(config, {
      seed: 1n,
      module: await compileBuild('unfused'),
    })

    expect(() => drain(train(unfused, resume))).toThrow(/fused differ/)
    await expectRefused(resume, /network differ/, makeConfig({ ...SHAPE, dropout: 0.1 }))
  })

  it('is neither taken nor resumed by the reference', async () => {
    const checkpoint = await takeAt(config, options, 10)
    const open = () => createNetwork(config, { seed: 1n, backend: 'reference' })
    const taking = { ...options, onBatch: (): BatchAnswer => 'checkpoint' }

    const [one, two] = [await open(), await open()]
    expect(() => drain(train(one, taking))).toThrow('no checkpoints')
    expect(() => drain(train(two, { ...options, resume: checkpoint }))).toThrow(EngineError)
  })

  it('leaves out what was observed of an epoch only where it was taken within', async () => {
    const observing = { ...options, observes: () => 'statistics' as const }
    const undisturbed = await run(config, observing)
    const observed = (epochs: EpochMetrics[]) =>
      epochs.flatMap(({ observations }) => observations.map(({ epoch }) => epoch))

    const between = await run(config, { ...observing, resume: await takeAt(config, observing, 7) })
    const within = await run(config, { ...observing, resume: await takeAt(config, observing, 13) })

    expect(observed(undisturbed.epochs)).toEqual([0, 1, 2, 3])
    expect(observed(between.epochs)).toEqual([2, 3])
    expect(observed(within.epochs)).toEqual([3])
    expect(within.weights).toEqual(undisturbed.weights)
  })

  async function expectRefused(given: TrainingOptions, message: RegExp, other = config) {
    const network = await createNetwork(other, { seed: 1n })
    const attempt = () => drain(train(network, given))
    expect(attempt).toThrow(message)
    expect(attempt).toThrow(expect.objectContaining({ code: 'invalid_checkpoint' }))
  }
})

/** Metrics without what a clock measured; `end` is the checkpoint of its end. */
async function run(config: NetworkConfig, options: TrainingOptions) {
  const network = await createNetwork(config, { seed: 1n })
  let batches = 0
  let end = new Uint8Array()
  const { yielded, result } = drain(
    train(network, {
      ...options,
      onBatch() {
        batches++
        return options.onBatch?.() ?? false
      },
      onEnd: (checkpoint) => {
        end = checkpoint
      },
    }),
  )
  const epochs = yielded.map((metrics) => ({ ...metrics, durationMs: 0, examplesPerSecond: 0 }))
  const weights: LayerWeights[][] = [network.weights('last'), network.weights('best')]
  network.dispose()
  return { epochs, result, weights, batches, end }
}

/** Stops right after it was taken, at a batch counted from 0 over all epochs of the run. */
async function takeAt(
  config: NetworkConfig,
  options: TrainingOptions,
  batch: number,
): Promise<Uint8Array> {
  const network = await createNetwork(config, { seed: 1n })
  const taken: Uint8Array[] = []
  let batches = 0
  drain(
    train(network, {
      ...options,
      onBatch: () => (taken.length > 0 ? true : batches++ === batch ? 'checkpoint' : false),
      onCheckpoint: (bytes) => taken.push(bytes),
    }),
  )
  network.dispose()
  return taken[0] ?? expect.fail('no checkpoint was taken')
}

function weighted(data: ReturnType<typeof makeData>): ReturnType<typeof makeData> {
  // The last batch of an order may well be without weight.
  return { ...data, weights: Float32Array.from({ length: data.rows }, (_, i) => (i % 7) / 2) }
}

function perceptron() {
  return { type: 'perceptron', learningRate: 1 } as const
}
