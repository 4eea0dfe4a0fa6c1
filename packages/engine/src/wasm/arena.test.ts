import { describe, expect, it } from 'vitest'
import { drain, makeConfig, makeData, makeOptions } from '../../test/fixtures.ts'
import type { Augmentation } from '../augmentation/augmentation.ts'
import { createNetwork } from '../network.ts'
import { planNetwork } from '../plan.ts'
import { type TrainingOptions, train } from '../train.ts'
import { liveArenaBytes, openArena } from './arena.ts'
import { PAGE_BYTES } from './memory-map.ts'

const CONFIG = makeConfig({ inputs: 3, hidden: [17], outputs: 2, loss: 'cross_entropy' })
const NOISY_CONFIG = makeConfig({
  inputs: 3,
  hidden: [17],
  outputs: 2,
  loss: 'cross_entropy',
  batchNorm: true,
  dropout: 0.2,
  inputDropout: 0.1,
})
const AUGMENTATION: Augmentation = {
  operations: [
    { type: 'gaussian_noise', std: 0.1 },
    { type: 'flip', axis: 'horizontal' },
  ],
  image: { height: 1, width: 3, channels: 1 },
  mixup: 1,
}
const DATA = makeData(CONFIG, 50)

describe('the memory of a job', () => {
  it.each([
    ['success', {}, 'epochs_completed'],
    ['a stop', { onBatch: () => true }, 'stopped'],
    [
      'divergence',
      { training: { ...DATA, inputs: DATA.inputs.map(() => Number.NaN) } },
      'diverged',
    ],
  ] as [string, Partial<TrainingOptions>, string][])(
    'is given back after %s',
    async (_name, changes, stopReason) => {
      const network = await createNetwork(CONFIG, { seed: 1n })
      const before = liveArenaBytes()

      const { result } = drain(train(network, makeOptions(DATA, changes)))

      expect(result.stopReason).toBe(stopReason)
      expect(liveArenaBytes()).toBe(before)
    },
  )

  it('is given back when the stop callback throws', async () => {
    const network = await createNetwork(CONFIG, { seed: 1n })
    const before = liveArenaBytes()
    const onBatch = () => {
      throw new Error('cancelled')
    }

    expect(() => drain(train(network, makeOptions(DATA, { onBatch })))).toThrow('cancelled')
    expect(liveArenaBytes()).toBe(before)
  })

  it('is given back after prediction and disposal', async () => {
    const network = await createNetwork(CONFIG, { seed: 1n })
    const before = liveArenaBytes()

    network.predict(DATA.inputs, DATA.rows)
    train(network, makeOptions(DATA)).next()
    network.dispose()

    expect(liveArenaBytes()).toBe(before)
  })

  it.each([
    ['a plain network', CONFIG, false, false, null],
    ['an observed network', CONFIG, false, true, null],
    ['normalization, dropout and weights', NOISY_CONFIG, true, false, null],
    ['augmented rows', CONFIG, false, false, AUGMENTATION],
  ])(
    'is what the plan says, and does not grow with the epochs: %s',
    async (_name, config, weighted, observed, augmentation) => {
      const network = await createNetwork(config, { seed: 1n })
      const before = liveArenaBytes()
      const planned = planNetwork({
        network: config,
        optimizer: 'sgd',
        batchSize: 4,
        trainingRows: DATA.rows,
        validationRows: 0,
        weighted,
        observed,
        augmentation,
      })
      const options = makeOptions(DATA, {
        epochs: 5,
        augmentation,
        classWeights: weighted ? 'balanced' : null,
        ...(observed ? { observes: () => 'statistics' as const } : {}),
      })

      for (const _epoch of train(network, options)) {
        expect(liveArenaBytes() - before).toBe(planned.memoryBytes)
      }
    },
  )

  it.each([
    ['a plain network', CONFIG],
    ['normalization and dropout', NOISY_CONFIG],
  ])('leaves the heap alone however many batches are trained: %s', async (_name, config) => {
    const network = await createNetwork(config, { seed: 1n })
    const options = makeOptions(DATA, {
      batchSize: 1,
      epochs: 2000,
      schedule: { type: 'per_step', factor: 0.99999 },
      regularization: { l1: 1e-6, l2: 1e-6 },
      gradientClip: { norm: 1 },
    })
    const run = train(network, options)
    for (let epoch = 0; epoch < 200; epoch++) run.next()
    const before = process.memoryUsage()

    drain(run)

    const after = process.memoryUsage()
    // 90,000 batches: one small object each would be several megabytes.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(100_000)
    expect(after.rss - before.rss).toBeLessThan(20_000_000)
  })
})

describe('openArena', () => {
  it('refuses what a 32-bit address cannot reach', () => {
    expect(() => openArena(2 ** 32 + PAGE_BYTES)).toThrow(
      expect.objectContaining({ code: 'memory_exceeded' }),
    )
  })

  it('counts a release once', () => {
    const before = liveArenaBytes()
    const arena = openArena(PAGE_BYTES)

    arena.release()
    arena.release()

    expect(liveArenaBytes()).toBe(before)
  })
})
