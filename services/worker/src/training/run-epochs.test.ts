import type { EpochMetrics, ResolvedConfig } from '@trainyard/contracts'
import { createNetwork, type Network } from '@trainyard/engine'
import { packLayers, prepareTraining, toNetworkConfig } from '@trainyard/model'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { makeResolvedConfig } from '../../../../test/support/factories.ts'
import { runEpochs } from './run-epochs.ts'
import { makeXorTable } from './xor-table.fixture.ts'

const ROWS = 40
const BATCH_SIZE = 4
const BATCHES_PER_EPOCH = ROWS / BATCH_SIZE

interface Choices {
  epochs?: number
  limits?: Partial<ResolvedConfig['limits']>
  earlyStopping?: ResolvedConfig['training']['early_stopping']
  learningRate?: number
  shouldStop?: (batch: number) => boolean
}

afterEach(() => {
  vi.useRealTimers()
})

describe('a run to its last epoch', () => {
  it('reports every epoch once, in order, and ends as epochs_completed', async () => {
    const { run, epochs } = await train({ epochs: 6 })

    expect(run.end).toEqual({ kind: 'succeeded', stopReason: 'epochs_completed' })
    expect(run.lastEpoch).toBe(6)
    expect(epochs.map(({ epoch, step }) => [epoch, step])).toEqual(
      [1, 2, 3, 4, 5, 6].map((epoch) => [epoch, epoch * BATCHES_PER_EPOCH]),
    )
  })

  it('reports the learning rate of each epoch, and the penalty apart from the loss', async () => {
    const { epochs } = await train({ epochs: 4, learningRate: 0.1 }, undefined, ({ training }) => {
      training.lr_schedule = { type: 'step', every_epochs: 2, factor: 0.5, warmup_epochs: 0 }
      training.regularization = { l1: 0, l2: 0.01 }
    })

    expect(epochs.map((row) => row.learning_rate)).toEqual([0.1, 0.1, 0.05, 0.05])
    expect(epochs.every((row) => (row.train_penalty ?? 0) > 0)).toBe(true)
  })

  it('names the epoch with the lowest loss as the best', async () => {
    // So large that the loss goes up and down.
    const { run, epochs } = await train({ epochs: 12, learningRate: 8 })

    const lowest = epochs.toSorted((a, b) => (a.train_loss ?? 0) - (b.train_loss ?? 0))[0]
    expect(run.bestEpoch).toBe(lowest?.epoch)
    expect(run.bestEpoch).toBeLessThan(12)
  })
})

describe('a target', () => {
  it('ends training with the epoch that reaches it, and with the weights of that epoch', async () => {
    const whole = await train({ epochs: 20 })
    const shorter = await train({ epochs: 7 })
    const value = whole.epochs[6]?.train_loss ?? 0

    const { run, epochs, network } = await train({
      epochs: 20,
      limits: { target: { metric: 'train_loss', goal: 'minimize', value } },
    })

    expect(whole.epochs.filter((row) => (row.train_loss ?? 1) <= value)[0]?.epoch).toBe(7)
    expect(run).toEqual({
      end: { kind: 'succeeded', stopReason: 'target_reached' },
      lastEpoch: 7,
      threads: 1,
      bestEpoch: 7,
    })
    expect(epochs.map(withoutTimings)).toEqual(whole.epochs.slice(0, 7).map(withoutTimings))
    expect(bytesOf(network)).toEqual(bytesOf(shorter.network))
  })

  it('may be a value to rise to', async () => {
    const { run, epochs } = await train({
      epochs: 500,
      limits: { target: { metric: 'train_accuracy', goal: 'maximize', value: 1 } },
    })

    expect(run.end).toEqual({ kind: 'succeeded', stopReason: 'target_reached' })
    expect(epochs.map((row) => row.train_accuracy === 1)).toEqual(
      epochs.map((row) => row.epoch === run.lastEpoch),
    )
  })

  it('is not what ended training when the last epoch reaches it', async () => {
    const { run } = await train({
      epochs: 1,
      limits: { target: { metric: 'train_loss', goal: 'minimize', value: 1e9 } },
    })

    expect(run.end).toEqual({ kind: 'succeeded', stopReason: 'epochs_completed' })
  })

  it('is never reached by a metric that this training does not have', async () => {
    const { run } = await train({
      epochs: 3,
      limits: { target: { metric: 'val_accuracy', goal: 'maximize', value: 0 } },
    })

    expect(run).toMatchObject({ end: { stopReason: 'epochs_completed' }, lastEpoch: 3 })
  })

  it('leaves the network free for another run', async () => {
    const target = { metric: 'train_loss', goal: 'minimize', value: 1e9 } as const
    const { network } = await train({ epochs: 3, limits: { target } })

    const { run } = await train({ epochs: 2 }, network)

    expect(run.lastEpoch).toBe(2)
  })
})

describe('max_seconds', () => {
  it.each([
    ['in the third epoch', 2 * BATCHES_PER_EPOCH + 5, 2],
    ['in the first epoch', 3, 0],
    ['with the last batch of an epoch', BATCHES_PER_EPOCH, 1],
  ])('ends training at the next batch as succeeded, %s', async (_, overAtBatch, completed) => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const asked: number[] = []

    const { run, epochs } = await train({
      epochs: 50,
      limits: { max_seconds: 60 },
      shouldStop(batch) {
        asked.push(batch)
        if (batch === overAtBatch) vi.advanceTimersByTime(60_000)
        return false
      },
    })

    expect(run.end).toEqual({ kind: 'succeeded', stopReason: 'max_seconds' })
    expect(run.lastEpoch).toBe(completed)
    expect(epochs).toHaveLength(completed)
    expect(asked.at(-1)).toBe(overAtBatch)
  })

  it('does not end training before', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })

    const { run } = await train({
      epochs: 3,
      limits: { max_seconds: 60 },
      shouldStop(batch) {
        if (batch === 1) vi.advanceTimersByTime(59_999)
        return false
      },
    })

    expect(run.end).toEqual({ kind: 'succeeded', stopReason: 'epochs_completed' })
  })
})

describe('a stop', () => {
  it('is asked for before every batch and ends training there, with the weights so far', async () => {
    const asked: number[] = []
    const shorter = await train({ epochs: 2 })

    const { run, epochs, network } = await train({
      epochs: 50,
      shouldStop(batch) {
        asked.push(batch)
        return batch > 2 * BATCHES_PER_EPOCH
      },
    })

    expect(asked).toEqual(Array.from({ length: 2 * BATCHES_PER_EPOCH + 1 }, (_, i) => i + 1))
    expect(run).toMatchObject({ end: { kind: 'stopped' }, lastEpoch: 2 })
    expect(epochs).toHaveLength(2)
    expect(bytesOf(network)).toEqual(bytesOf(shorter.network))
  })

  it('before the first epoch is complete leaves none', async () => {
    const { run } = await train({ shouldStop: () => true })

    expect(run).toEqual({ end: { kind: 'stopped' }, lastEpoch: 0, bestEpoch: 0, threads: 1 })
  })
})

describe('divergence', () => {
  it('ends training with its place, and every epoch before it is finite', async () => {
    const { run, epochs } = await train({ epochs: 50 }, undefined, (resolved) => {
      resolved.task = 'regression'
      resolved.model.output.activation = 'linear'
      resolved.model.hidden = [
        { units: 8, activation: 'relu', initializer: 'auto', batch_norm: false, dropout: 0 },
      ]
      resolved.training.loss = 'mse'
      resolved.training.optimizer = { type: 'sgd', learning_rate: 30 }
    })

    const { end, lastEpoch } = run
    if (end.kind !== 'diverged') throw new Error(`ended as ${end.kind}`)
    expect(end.at.epoch).toBe(lastEpoch + 1)
    expect(end.at.batch).toBeGreaterThanOrEqual(1)
    expect(end.at.batch).toBeLessThanOrEqual(BATCHES_PER_EPOCH)
    expect(epochs).toHaveLength(lastEpoch)
    expect(epochs.filter((row) => !Number.isFinite(row.train_loss))).toEqual([])
  })
})

describe('early stopping', () => {
  // Nothing but the first epoch is an improvement by that much.
  const earlyStopping = { metric: 'train_loss', patience: 3, min_delta: 1e6 } as const

  it('ends training when the patience has run out', async () => {
    const { run } = await train({ epochs: 50, earlyStopping })

    expect(run.end).toEqual({ kind: 'succeeded', stopReason: 'early_stopping' })
    expect(run.lastEpoch).toBe(1 + 3)
  })

  it('is not what ended training when it would with the last epoch', async () => {
    const { run } = await train({ epochs: 4, earlyStopping })

    expect(run.end).toEqual({ kind: 'succeeded', stopReason: 'epochs_completed' })
  })
})

async function train(
  choices: Choices,
  onNetwork?: Network,
  change: (resolved: ResolvedConfig) => void = () => undefined,
) {
  const base = makeResolvedConfig()
  const resolved: ResolvedConfig = {
    ...base,
    limits: { ...base.limits, ...choices.limits },
    training: {
      ...base.training,
      batch_size: BATCH_SIZE,
      epochs: choices.epochs ?? 10,
      early_stopping: choices.earlyStopping ?? null,
    },
  }
  if (choices.learningRate !== undefined) {
    resolved.training.optimizer.learning_rate = choices.learningRate
  }
  change(resolved)
  const data = prepareTraining({ ...makeXorTable(ROWS), resolved })
  const network =
    onNetwork ?? (await createNetwork(toNetworkConfig(resolved), { seed: BigInt(resolved.seed) }))
  const epochs: EpochMetrics[] = []
  let batch = 0
  const run = runEpochs(network, data, resolved, {
    shouldStop() {
      batch += 1
      return choices.shouldStop?.(batch) ?? false
    },
    onEpoch: (metrics) => epochs.push(metrics),
  })
  return { run, epochs, network }
}

function bytesOf(network: Network): Uint8Array {
  return packLayers(network.weights('last'))
}

function withoutTimings(row: EpochMetrics) {
  return { ...row, duration_ms: null, examples_per_second: null }
}
