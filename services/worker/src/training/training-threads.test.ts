import { availableParallelism } from 'node:os'
import type { EpochMetrics, ResolvedConfig } from '@trainyard/contracts'
import { createNetwork } from '@trainyard/engine'
import { packLayers, prepareTraining, toNetworkConfig } from '@trainyard/model'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeResolvedConfig } from '../../../../test/support/factories.ts'
import { waitFor } from '../../../../test/support/wait-for.ts'
import { runEpochs } from './run-epochs.ts'
import { toFailedError } from './to-job-error.ts'
import { openTrainingThreads, type TrainingThreads } from './training-threads.ts'
import { makeXorTable } from './xor-table.fixture.ts'

/** Longer than any test lets it run. */
const ENDLESS = 100_000_000

let threads: TrainingThreads

// One thread: whatever a test leaves behind meets the next one.
beforeAll(async () => {
  threads = await openTrainingThreads(1)
})

afterAll(() => threads.close())

const FROM_THE_START = {
  validationTable: null,
  testTable: null,
  initialWeights: null,
  folds: [],
  resume: null,
  trial: null,
}

describe('epochs', () => {
  it('arrive complete and in order, all but the last ones before the report', async () => {
    const { run, messages } = train({ epochs: ENDLESS })
    await waitFor('three messages', () => messages.length >= 3)

    run.stop()
    const report = await run.report
    const messagesAtReport = messages.length

    const numbers = [...messages.flat(), ...report.metrics].map((row) => row.epoch)
    expect(numbers).toEqual(Array.from(numbers, (_, i) => i + 1))
    expect(numbers.length).toBe(report.weights.find(({ which }) => which === 'last')?.epoch)
    expect(messagesAtReport).toBeGreaterThanOrEqual(3)
  })

  it('come at most four times a second, the first at once', async () => {
    const { run, messages } = train({ epochs: ENDLESS })
    const startedMs = performance.now()
    await waitFor('three messages', () => messages.length >= 3)
    const tookMs = performance.now() - startedMs

    run.stop()
    await run.report

    expect(messages[0]?.length).toBe(1)
    expect(tookMs).toBeGreaterThanOrEqual(500)
  })
})

describe('the report', () => {
  it('has the bits of the same training on this thread', async () => {
    const resolved = makeResolvedConfig()
    const data = prepareTraining({ ...makeXorTable(40), resolved })
    const network = await createNetwork(toNetworkConfig(resolved), { seed: BigInt(resolved.seed) })
    const here = runEpochs(network, data, resolved, {
      shouldStop: () => false,
      onEpoch: () => undefined,
    })

    const { run } = train({ epochs: resolved.training.epochs })
    const report = await run.report

    expect(report.end).toEqual(here.end)
    expect(report.weights.map(({ which, epoch }) => [which, epoch])).toEqual([
      ['best', here.bestEpoch],
      ['last', here.lastEpoch],
    ])
    expect(report.weights[1]?.bytes).toEqual(packLayers(network.weights('last')))
    expect(report.architecture).toEqual(data.architecture)
    expect(report.preprocessing).toEqual(data.preprocessing)
  })

  it('has weights also when the time was over within the first epoch', async () => {
    const { run } = train({ epochs: 10, limits: { max_seconds: 1e-9, target: null } })

    const { end, weights, metrics } = await run.report

    expect(end).toEqual({ kind: 'succeeded', stopReason: 'max_seconds' })
    expect(weights.map(({ which, epoch }) => [which, epoch])).toEqual([
      ['best', 0],
      ['last', 0],
    ])
    // What training began with: 2 · 4 + 4 + 4 · 1 + 1 numbers.
    expect(weights.map(({ bytes }) => bytes.byteLength)).toEqual([17 * 4, 17 * 4])
    expect(metrics).toEqual([])
  })
})

describe('a job with several threads', { timeout: 60_000 }, () => {
  let pair: TrainingThreads

  beforeAll(async () => {
    pair = await openTrainingThreads(2)
  })

  afterAll(() => pair.close())

  it('has the weights it has with one, whether the number is given or found', async () => {
    const one = await trainWide(1, pair).report
    const auto = await trainWide('auto', pair).report
    const two = await trainTogether(pair)

    const hashes = one.weights.map(({ sha256 }) => sha256)
    expect(one.threads).toBe(1)
    expect(auto.weights.map(({ sha256 }) => sha256)).toEqual(hashes)
    expect(two.weights.map(({ sha256 }) => sha256)).toEqual(hashes)
  })

  it('shares the cores with the job beside it, and both end', async () => {
    const { run: endless, messages } = train(
      { epochs: ENDLESS, threads: 2 },
      undefined,
      'mean',
      pair,
    )
    await waitFor('the first epochs', () => messages.length > 0)

    const beside = await trainWide(2, pair).report
    endless.stop()

    expect(beside.threads).toBe(1)
    expect((await endless.report).end).toEqual({ kind: 'stopped' })
  })

  it('is rejected at close, its threads with it', async () => {
    const others = await openTrainingThreads(2)
    await trainTogether(others)
    const { run, messages } = train({ epochs: ENDLESS, threads: 2 }, undefined, 'mean', others)
    await waitFor('the first epochs', () => messages.length > 0)

    const rejected = expect(run.report).rejects.toThrow()
    await others.close()

    await rejected
  })
})

describe('stop', () => {
  it('ends a training within a batch, and the thread takes the next one', async () => {
    const { run, messages } = train({ epochs: ENDLESS })
    await waitFor('the first epochs', () => messages.length > 0)

    run.stop()
    const batchesAtStop = run.batches()
    const report = await run.report
    const next = await train({ epochs: 3 }).run.report

    expect(report.end).toEqual({ kind: 'stopped' })
    expect(run.batches() - batchesAtStop).toBeLessThanOrEqual(1)
    expect(next.end).toEqual({ kind: 'succeeded', stopReason: 'epochs_completed' })
  })

  it('before a training has its thread makes it end before its first batch, without weights', async () => {
    const first = train({ epochs: ENDLESS })
    const waiting = train({ epochs: ENDLESS })
    await waitFor('the first epochs', () => first.messages.length > 0)

    waiting.run.stop()
    first.run.stop()
    const report = await waiting.run.report

    expect(report.end).toEqual({ kind: 'stopped' })
    expect([report.metrics, report.weights, waiting.messages]).toEqual([[], [], []])
    expect(waiting.run.batches()).toBe(1)
  })

  it('may be called after the end', async () => {
    const { run } = train({ epochs: 1 })
    const report = await run.report

    run.stop()

    expect(report.end.kind).toBe('succeeded')
  })
})

describe('a thread that throws', () => {
  it('rejects its training, and the next one runs', async () => {
    const xor = makeXorTable(40)
    xor.table.columns.delete('a')

    await expect(train({ epochs: 1 }, xor).run.report).rejects.toThrow(/lacks its column "a"/)

    expect((await train({ epochs: 2 }).run.report).end.kind).toBe('succeeded')
  })

  it('says when the data is at fault, in a way that the job’s error shows', async () => {
    const { run } = train({ epochs: 1 }, withMissingCell(), 'error')

    const error = await run.report.catch((thrown: unknown) => thrown)

    expect(toFailedError(error)).toMatchObject({
      code: 'invalid_data',
      message: expect.stringContaining('"a"'),
    })
  })

  it('rejects trainings at close instead of leaving them open', async () => {
    const others = await openTrainingThreads(1)
    const { run, messages } = train({ epochs: ENDLESS }, undefined, undefined, others)
    await waitFor('the first epochs', () => messages.length > 0)

    const rejected = expect(run.report).rejects.toThrow()
    await others.close()

    await rejected
  })
})

function train(
  choices: {
    epochs: number
    limits?: ResolvedConfig['limits']
    threads?: ResolvedConfig['training']['threads']
  },
  xor = makeXorTable(40),
  missing: ResolvedConfig['preprocessing']['missing'] = 'mean',
  on = threads,
) {
  const base = makeResolvedConfig()
  const resolved: ResolvedConfig = {
    ...base,
    preprocessing: { ...base.preprocessing, missing },
    training: { ...base.training, epochs: choices.epochs, threads: choices.threads ?? 1 },
    limits: choices.limits ?? base.limits,
  }
  const messages: EpochMetrics[][] = []
  const run = on.run({ ...xor, ...FROM_THE_START, resolved }, (message) => {
    if (message.kind === 'epochs') messages.push(message.epochs.metrics)
  })
  return { run, messages }
}

/** Normalization, dropout, and steps long enough for two threads; a third of a second, in which a helper can come. */
function trainWide(threads: ResolvedConfig['training']['threads'], on: TrainingThreads) {
  const resolved = makeResolvedConfig()
  const hidden = {
    units: 128,
    activation: 'relu',
    initializer: 'auto',
    batch_norm: true,
    dropout: 0.2,
  } as const
  resolved.model.hidden = [hidden, hidden]
  resolved.training = { ...resolved.training, batch_size: 400, epochs: 200, threads }
  return on.run({ ...makeXorTable(400), ...FROM_THE_START, resolved }, () => undefined)
}

/** The helping thread starts with the first job that asks for it, and may come too late for that one. */
function trainTogether(on: TrainingThreads) {
  return waitFor('a job on two threads', async () => {
    const report = await trainWide(2, on).report
    return report.threads === Math.min(2, availableParallelism()) && report
  })
}

function withMissingCell() {
  const xor = makeXorTable(40)
  const column = xor.table.columns.get('a')
  if (column?.type !== 'number') throw new Error('the column "a" holds numbers')
  column.values[3] = Number.NaN
  return xor
}
