import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Baseline, ResolvedConfig } from '@trainyard/contracts'
import { type InlineRows, inputWidth, openTables, type Tables } from '@trainyard/datasets'
import { compileKernels } from '@trainyard/engine'
import { createRandom } from '@trainyard/engine/random'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { measureBaselines } from './measure-baselines.ts'
import { nearestNeighbors } from './nearest-neighbors.ts'
import { prepareTraining } from './prepare-training.ts'
import { makeResolved } from './resolved-config.fixture.ts'

let folder: string
let tables: Tables
let module: WebAssembly.Module

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-baselines-'))
  tables = await openTables({ folder })
  module = (await compileKernels()).module
})

afterAll(async () => {
  await tables.close()
  await rm(folder, { recursive: true })
})

type Source = InlineRows | { generator: 'iris' | 'wine' }

async function prepare(
  source: Source,
  change: (resolved: ResolvedConfig) => void = () => undefined,
) {
  const ingested =
    'generator' in source ? await tables.ingestGenerated(source) : await tables.ingestRows(source)
  const { parquetPath, columns, target, task } = ingested
  const outputs = columns.find(({ name }) => name === target)?.levels?.length ?? 1
  const resolved = makeResolved({ inputs: 0, outputs: outputs === 2 ? 1 : outputs, task })
  resolved.model.inputs = inputWidth(columns, resolved.preprocessing)
  change(resolved)
  const table = await tables.readTable(parquetPath, columns)
  return { resolved, data: prepareTraining({ table, columns, target, resolved }) }
}

const named = (baselines: Baseline[]) => new Map(baselines.map((one) => [one.name, one]))

describe('classification', () => {
  it('gives the largest class its exact share, and the others what is known of iris and wine', async () => {
    for (const [generator, share] of [
      // Stratified: 10 of 30, and 14 of 36 validation rows are of the largest class.
      ['iris', 10 / 30],
      ['wine', 14 / 36],
    ] as const) {
      const { resolved, data } = await prepare({ generator })

      const best = { val_loss: 0.1, val_accuracy: 1 }
      const baselines = named(await measureBaselines({ data, resolved, best, module }))

      expect(baselines.get('majority_class')).toMatchObject({
        metric: 'val_accuracy',
        value: share,
        margin: 1 - share,
        validation_rows: data.validation?.rows,
        detail: `beats always saying the most frequent class by ${(100 - 100 * share).toFixed(1)} points`,
      })
      expect(baselines.get('linear_model')?.value).toBeGreaterThan(0.9)
      expect(baselines.get('nearest_neighbors')?.value).toBeGreaterThan(0.9)
    }
  })

  it('says so when the job is beaten, and when it is not better', async () => {
    const { resolved, data } = await prepare({ generator: 'iris' })

    const best = { val_loss: 0.1, val_accuracy: 1 / 3 }
    const baselines = named(await measureBaselines({ data, resolved, best, module }))

    expect(baselines.get('majority_class')?.detail).toBe(
      'does as well as always saying the most frequent class',
    )
    expect(baselines.get('linear_model')?.margin).toBeLessThan(-0.5)
    expect(baselines.get('linear_model')?.detail).toMatch(
      /^is beaten by a linear model by \d+\.\d points$/,
    )
  })

  it('is the same every time', async () => {
    const { resolved, data } = await prepare({ generator: 'wine' })
    const best = { val_loss: 0.1, val_accuracy: 1 }

    const first = await measureBaselines({ data, resolved, best, module })

    expect(await measureBaselines({ data, resolved, best, module })).toEqual(first)
  })

  it('says nothing without a validation part', async () => {
    const { resolved, data } = await prepare({ generator: 'iris' }, (r) => {
      r.validation = null
    })

    const best = { val_loss: null, val_accuracy: null }
    expect(await measureBaselines({ data, resolved, best, module })).toEqual([])
  })
})

describe('regression', () => {
  const random = createRandom(4n, 'baselines')
  const line: InlineRows = {
    columns: ['x', 'y'],
    rows: Array.from({ length: 400 }, (_, i) => {
      const x = random.uniform(i)
      return [x, 3 * x - 1]
    }),
    target: 'y',
  }

  it.each([
    ['mse', (error: number) => error ** 2],
    ['mae', (error: number) => Math.abs(error)],
    [
      { type: 'huber', delta: 0.5 },
      (e: number) => (Math.abs(e) <= 0.5 ? e ** 2 / 2 : 0.5 * (Math.abs(e) - 0.25)),
    ],
  ] as const)('judges by the loss of the job: %j', async (loss, lossOfError) => {
    const { resolved, data } = await prepare(line, (r) => {
      r.training.loss = loss
    })

    const best = { val_loss: 0.5, val_accuracy: null }
    const baselines = named(await measureBaselines({ data, resolved, best, module }))

    const { training, validation } = data
    const mean = training.targets.reduce((a, b) => a + b, 0) / training.rows
    const losses = [...(validation?.targets ?? [])].map((y) => lossOfError(mean - y))
    const expected = losses.reduce((a, b) => a + b, 0) / losses.length
    expect(baselines.get('mean')?.value).toBeCloseTo(expected, 10)
    expect(baselines.get('mean')?.margin).toBeCloseTo(expected - 0.5, 10)
    expect(baselines.get('linear_model')?.value).toBeLessThan(0.01)
    expect(baselines.get('nearest_neighbors')?.value).toBeLessThan(0.05)
  })
})

describe('nearestNeighbors', () => {
  it('finds what comparing every pair finds, nearest first', async () => {
    const random = createRandom(6n, 'neighbors')
    const [known, asked, width] = [300, 40, 7]
    const make = (rows: number, from: number) => ({
      rows,
      inputs: Float32Array.from({ length: rows * width }, (_, i) => random.normal(from + i)),
      targets: new Float32Array(rows),
    })
    const training = make(known, 0)
    const rows = make(asked, known * width)

    const found = await nearestNeighbors(training, rows, 5, module)

    const distance = (row: number, i: number) =>
      Array.from({ length: width }, (_, k) => k).reduce(
        (sum, k) =>
          sum + ((rows.inputs[row * width + k] ?? 0) - (training.inputs[i * width + k] ?? 0)) ** 2,
        0,
      )
    for (let row = 0; row < asked; row++) {
      const order = Array.from({ length: known }, (_, i) => i)
      order.sort((a, b) => distance(row, a) - distance(row, b))
      expect([...found.subarray(row * 5, row * 5 + 5)]).toEqual(order.slice(0, 5))
    }
  })
})

it('draws rows of a large table by the seed, and says from how many', async () => {
  const { resolved } = await prepare({ generator: 'iris' })
  const random = createRandom(2n, 'rows')
  const make = (rows: number, from: number) => {
    const targets = Float32Array.from({ length: rows }, (_, i) => i % 3)
    const inputs = Float32Array.from({ length: rows * 4 }, (_, i) => {
      return (targets[i >> 2] ?? 0) + 0.1 * random.normal(from + i)
    })
    return { rows, inputs, targets }
  }
  const data = { training: make(24_000, 0), validation: make(6000, 96_000) }
  const architecture = { task: 'classification', classes: ['a', 'b', 'c'] } as never

  const baselines = named(
    await measureBaselines({
      data: { ...data, architecture },
      resolved,
      best: { val_loss: 0, val_accuracy: 1 },
      module,
    }),
  )

  expect(baselines.get('majority_class')).toMatchObject({
    training_rows: 24_000,
    validation_rows: 6000,
  })
  expect(baselines.get('linear_model')).toMatchObject({
    training_rows: 20_000,
    validation_rows: 6000,
  })
  expect(baselines.get('nearest_neighbors')).toMatchObject({
    training_rows: 9284,
    validation_rows: 928,
    value: 1,
    detail:
      'does as well as the five nearest neighbors, trained on 9284 of 24000 rows, judged by 928 of 6000',
  })
})
