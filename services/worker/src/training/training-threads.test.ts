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
  choices: { epochs: number; limits?: ResolvedConfig['limits'] },
  xor = makeXorTable(40),
  missing: ResolvedConfig['preprocessing']['missing'] = 'mean',
  on = threads,
) {
  const base = makeResolvedConfig()
  const resolved: ResolvedConfig = {
    ...base,
    preprocessing: { ...base.preprocessing, missing },
    training: { ...base.training, epochs: choices.epochs },
    limits: choices.limits ?? base.limits,
  }
  const messages: EpochMetrics[][] = []
  const run = on.run({ ...xor, resolved, initialWeights: null }, (message) => {
    if ('epochs' in message) messages.push(message.epochs)
  })
  return { run, messages }
}

function withMissingCell() {
  const xor = makeXorTable(40)
  const column = xor.table.columns.get('a')
  if (column?.type !== 'number') throw new Error('the column "a" holds numbers')
  column.values[3] = Number.NaN
  return xor
}
