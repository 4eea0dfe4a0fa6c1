import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, it } from 'vitest'
import { drain, makeConfig, makeData, makeOptions, OPTIMIZERS } from '../../test/fixtures.ts'
import { openTeam } from '../../test/open-team.ts'
import type { EpochMetrics, NetworkConfig, TrainingOptions } from '../index.ts'
import { createNetwork } from '../network.ts'
import { planNetwork } from '../plan.ts'
import { type TrainingResult, train } from '../train.ts'
import type { LayerWeights } from '../weights.ts'
import { liveArenaBytes } from './arena.ts'
import { compileBuild } from './load.ts'
import { type Assignment, disband, type Team } from './team.ts'

const BUILDS = [
  { build: 'fused', module: await compileBuild('fused') },
  { build: 'unfused', module: await compileBuild('unfused') },
] as const
const MODULE = BUILDS[0].module

const teams = [2, 3].map((size) => openTeam(size))
const [two, three] = teams.map(({ team }) => team) as [Team, Team]

afterAll(() => Promise.all(teams.map((team) => team.close())))

interface Case {
  name: string
  config: NetworkConfig
  rows: number
  options: Partial<TrainingOptions>
}

const SMALL = makeConfig({ inputs: 5, hidden: [17, 6], outputs: 3, loss: 'cross_entropy' })

const CASES: Case[] = [
  {
    name: 'Adam and dropout',
    config: { ...makeNoisy({ dropout: 0.3 }), inputDropout: 0.1 },
    rows: 70,
    options: { optimizer: OPTIMIZERS.adam, batchSize: 16 },
  },
  {
    name: 'normalization, momentum and a ragged batch',
    config: makeNoisy({ batchNorm: true }),
    rows: 151,
    options: { optimizer: OPTIMIZERS.momentum, batchSize: 50 },
  },
  {
    name: 'normalization of a single row',
    config: makeNoisy({ batchNorm: true }),
    rows: 33,
    options: { optimizer: OPTIMIZERS.adam, batchSize: 32 },
  },
  {
    name: 'clipping by norm, both penalties and class weights',
    config: SMALL,
    rows: 70,
    options: {
      optimizer: OPTIMIZERS.sgd,
      batchSize: 24,
      gradientClip: { norm: 0.05 },
      regularization: { l1: 1e-3, l2: 1e-2 },
      classWeights: [0.5, 1, 3],
    },
  },
  {
    name: 'clipping by value and decay',
    config: SMALL,
    rows: 70,
    options: { optimizer: OPTIMIZERS.adamw, batchSize: 24, gradientClip: { value: 1e-3 } },
  },
  {
    name: 'packed products',
    config: makeConfig({
      inputs: 300,
      hidden: [500, 270],
      outputs: 3,
      loss: 'cross_entropy',
      batchNorm: true,
      dropout: 0.2,
    }),
    rows: 150,
    options: { optimizer: OPTIMIZERS.adam, batchSize: 100, epochs: 1 },
  },
  {
    name: 'a batch smaller than the team',
    config: SMALL,
    rows: 9,
    options: { optimizer: OPTIMIZERS.rmsprop, batchSize: 2 },
  },
  {
    name: 'single rows and a rate that changes with each step',
    config: SMALL,
    rows: 9,
    options: { batchSize: 1, schedule: { type: 'per_step', factor: 0.9 } },
  },
  {
    name: 'a single output and smoothed labels',
    config: makeConfig({
      inputs: 3,
      hidden: [9],
      outputs: 1,
      loss: 'binary_cross_entropy',
      labelSmoothing: 0.1,
    }),
    rows: 50,
    options: { optimizer: OPTIMIZERS.adagrad, batchSize: 11 },
  },
  {
    name: 'numbers as targets',
    config: makeConfig({ inputs: 4, hidden: [12], outputs: 5, activation: 'gelu', loss: 'huber' }),
    rows: 50,
    options: { optimizer: OPTIMIZERS.nesterov, batchSize: 13 },
  },
  {
    name: 'augmented rows',
    config: makeConfig({ inputs: 30, hidden: [9], outputs: 3, loss: 'cross_entropy' }),
    rows: 50,
    options: {
      optimizer: OPTIMIZERS.adam,
      batchSize: 13,
      augmentation: {
        operations: [
          { type: 'flip', axis: 'horizontal' },
          { type: 'crop', pixels: 2 },
          { type: 'rotate', degrees: 15 },
          { type: 'gaussian_noise', std: 0.1 },
        ],
        image: { height: 5, width: 6, channels: 1 },
        mixup: 0.5,
      },
    },
  },
  {
    name: 'the perceptron',
    config: makeConfig({ inputs: 4, hidden: [], outputs: 3, loss: 'perceptron' }),
    rows: 40,
    options: { optimizer: { type: 'perceptron', learningRate: 0.1 } },
  },
]

describe.each(BUILDS)(
  'any number of threads gives the same bits and observations with the $build kernels',
  ({ module }) => {
    it.each(CASES)('$name', async ({ config, rows, options }) => {
      const data = makeData(config, rows)
      const observes = () => 'histograms' as const
      const validation = makeData(config, 37, 2n)
      const given = makeOptions(data, { validation, observes, ...options })

      const one = await run(module, config, given, null)
      const others = [
        await run(module, config, given, two),
        await run(module, config, given, three),
      ]

      expect(one.metrics.map(({ threads }) => threads)).toEqual(one.metrics.map(() => 1))
      for (const [i, other] of others.entries()) {
        expect(other.metrics.map(({ threads }) => threads)).toEqual(one.metrics.map(() => i + 2))
        expect(other.metrics.map(withoutTimes)).toEqual(one.metrics.map(withoutTimes))
        expect(other.hash).toBe(one.hash)
      }
    })
  },
)

it('the number of threads may change from batch to batch', async () => {
  const options = makeOptions(makeData(SMALL, 70), { optimizer: OPTIMIZERS.adam, batchSize: 8 })
  let batch = 0
  const changing = { ...three, threads: () => 1 + ((batch++ * 7) % 5) }

  const one = await run(MODULE, SMALL, options, null)
  const other = await run(MODULE, SMALL, options, changing)

  expect(batch).toBe(3 * 9)
  expect(other.hash).toBe(one.hash)
})

it('validation in blocks, of which the last is shorter, measures the same every time', async () => {
  const options = makeOptions(makeData(SMALL, 8), {
    validation: makeData(SMALL, 359, 2n),
    epochs: 3000,
    batchSize: 8,
  })

  const one = await run(MODULE, SMALL, options, null)
  const both = await run(MODULE, SMALL, options, two)

  expect(both.metrics.map(withoutTimes)).toEqual(one.metrics.map(withoutTimes))
})

describe('two threads end like one', () => {
  it('when asked to stop, after the same batch', async () => {
    const ask = () => {
      let batches = 0
      return { onBatch: () => batches++ === 12, asked: () => batches }
    }
    const [first, second] = [ask(), ask()]
    const data = makeData(SMALL, 70)

    const one = await run(MODULE, SMALL, makeOptions(data, { onBatch: first.onBatch }), null)
    const both = await run(MODULE, SMALL, makeOptions(data, { onBatch: second.onBatch }), two)

    expect(one.result.stopReason).toBe('stopped')
    expect(both.result).toEqual(one.result)
    expect([first.asked(), second.asked()]).toEqual([13, 13])
    expect(both.hash).toBe(one.hash)
  })

  it.each([
    ['a row that is not a number', 60, Number.NaN],
    ['a loss beyond float32', 60, 3e38],
    ['a gradient too large to square', 60, 1e20],
  ])('when training diverges by %s, with the last finite weights', async (_name, row, value) => {
    const config = makeConfig({ inputs: 5, hidden: [], outputs: 3, loss: 'mae' })
    const data = makeData(config, 70)
    data.inputs[row * 5 + 2] = value
    const options = makeOptions(data, { shuffle: false, batchSize: 8, epochs: 2 })

    const one = await run(MODULE, config, options, null)
    const both = await run(MODULE, config, options, two)

    expect(one.result.stopReason).toBe('diverged')
    expect(one.result.divergence?.batch).toBe(7)
    expect(both.result).toEqual(one.result)
    expect(both.hash).toBe(one.hash)
    expect(both.weights.every(({ weight }) => weight.every(Number.isFinite))).toBe(true)
  })
})

describe('the memory of a job with threads', () => {
  it.each([2, 3])('is what the plan says for %i and is given back', async (size) => {
    const config = makeNoisy({ batchNorm: true, dropout: 0.2 })
    const network = await createNetwork(config, { seed: 1n })
    const data = makeData(config, 50)
    const before = liveArenaBytes()
    const planned = planNetwork({
      network: config,
      optimizer: 'sgd',
      batchSize: 4,
      trainingRows: 50,
      validationRows: 0,
      threads: size,
    })

    for (const _epoch of train(network, makeOptions(data, { team: size === 2 ? two : three }))) {
      expect(liveArenaBytes() - before).toBe(planned.memoryBytes)
    }

    expect(liveArenaBytes()).toBe(before)
  })
})

describe('a thread that is lost', () => {
  it('makes training fail instead of waiting for ever', async () => {
    const { team, workers, close } = openTeam(2)
    const saboteur = new Worker(new URL('../../test/disband.thread.ts', import.meta.url))
    const network = await createNetwork(SMALL, { seed: 1n })
    const start = (assignment: Assignment) => {
      team.start(assignment)
      saboteur.postMessage(assignment)
    }
    const options = makeOptions(makeData(SMALL, 500), { epochs: 1e9, batchSize: 500 })
    const before = liveArenaBytes()

    expect(() => drain(train(network, { ...options, team: { ...team, start } }))).toThrow(
      expect.objectContaining({ code: 'thread_lost' }),
    )

    expect(liveArenaBytes()).toBe(before)
    expect(network.weights()).toHaveLength(3)
    // It went home unharmed and takes the next job.
    const again = await run(MODULE, SMALL, { ...options, epochs: 1 }, team)
    expect(again.metrics.map(({ threads }) => threads)).toEqual([2])
    expect(workers).toHaveLength(1)
    await saboteur.terminate()
    await close()
  })

  it('before it was needed leaves the others to train', async () => {
    const start = (assignment: Assignment) => {
      two.start(assignment)
      disband(assignment)
    }

    const { metrics } = await run(MODULE, SMALL, makeOptions(makeData(SMALL, 20)), {
      ...two,
      start,
    })

    expect(metrics.map(({ threads }) => threads)).toEqual([1, 1, 1])
  })
})

it('a thread that comes when the job has ended goes at once, and helps with the next', async () => {
  const late: Assignment[] = []
  const absent = { ...two, start: (assignment: Assignment) => late.push(assignment) }
  const options = makeOptions(makeData(SMALL, 20))
  await run(MODULE, SMALL, options, absent)
  const start = (assignment: Assignment) => {
    for (const ended of late) teams[0]?.workers[0]?.postMessage(ended)
    two.start(assignment)
  }

  const { metrics } = await run(MODULE, SMALL, options, { ...two, start })

  expect(late).toHaveLength(1)
  expect(metrics.map(({ threads }) => threads)).toEqual([2, 2, 2])
})

it('a stop callback that throws sends the helping threads home', async () => {
  const network = await createNetwork(SMALL, { seed: 1n })
  let batches = 0
  const onBatch = () => {
    if (batches++ === 5) throw new Error('cancelled')
    return false
  }
  const options = makeOptions(makeData(SMALL, 70), { onBatch, team: two })

  expect(() => drain(train(network, options))).toThrow('cancelled')

  const next = await run(MODULE, SMALL, makeOptions(makeData(SMALL, 70)), two)
  expect(next.metrics.map(({ threads }) => threads)).toEqual([2, 2, 2])
})

function makeNoisy(changes: { batchNorm?: boolean; dropout?: number }): NetworkConfig {
  const shape = { inputs: 5, hidden: [17, 6], outputs: 3, loss: 'cross_entropy' } as const
  return makeConfig({ ...shape, ...changes })
}

async function run(
  module: WebAssembly.Module,
  config: NetworkConfig,
  options: TrainingOptions,
  team: Team | null,
): Promise<{
  metrics: EpochMetrics[]
  result: TrainingResult
  weights: LayerWeights[]
  hash: string
}> {
  const network = await createNetwork(config, { seed: 3n, module })
  const { yielded, result } = drain(train(network, { ...options, team }))
  const weights = network.weights()
  const hash = createHash('sha256')
  for (const layer of [...weights, ...network.weights('best')]) {
    for (const values of Object.values(layer)) hash.update(new Uint8Array(values.buffer))
  }
  return { metrics: yielded, result, weights, hash: hash.digest('hex') }
}

function withoutTimes({
  durationMs: _ms,
  examplesPerSecond: _rate,
  threads: _threads,
  ...metrics
}: EpochMetrics): object {
  return metrics
}
