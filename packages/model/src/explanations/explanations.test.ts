import type { Architecture, Preprocessing } from '@trainyard/contracts'
import type { Table, TableColumn } from '@trainyard/datasets'
import { createRandom } from '@trainyard/engine/random'
import { describe, expect, it } from 'vitest'
import { createPredictor, type TrainedModel } from '../create-predictor.ts'
import { evaluate } from '../evaluation/evaluate.ts'
import { inputGradient } from './input-gradient.ts'
import { partialDependence } from './partial-dependence.ts'
import { permutationImportance } from './permutation-importance.ts'

const ROWS = 400
const ALL = Uint32Array.from({ length: ROWS }, (_, row) => row)

const PREPROCESSING: Preprocessing = {
  columns: [
    ...['size', 'noise'].map((column) => ({
      kind: 'numeric' as const,
      column,
      type: 'number' as const,
      missing: 0,
      log1p: false,
      center: 10,
      scale: 4,
      indicator: false,
    })),
    {
      kind: 'one_hot',
      column: 'town',
      levels: ['Bonn', 'Ulm'],
      untrained: [],
      other: false,
      unseen: 'zero',
      missing: null,
      missing_error: false,
      indicator: true,
    },
  ],
  target: { center: 100, scale: 20 },
}

/** y = 100 + 20 (½ (size − 10)/4 + [town is Ulm]): the noise is of no use to it, the town of some. */
const REGRESSION: TrainedModel = {
  architecture: architecture({ task: 'regression', classes: null, output_activation: 'linear' }),
  preprocessing: PREPROCESSING,
  layers: [{ weight: Float32Array.of(0.5, 0, 0, 1, 0), bias: Float32Array.of(0) }],
}

/** Sixteen curved units before three classes. */
const CLASSIFICATION = makeCurved()

describe('evaluate', () => {
  it('judges a regression in the unit of its target, a classification by the labels it predicts', () => {
    const table = makeTable()
    const records = recordsOf(table)
    const labels = createPredictor(CLASSIFICATION).predict({ records })
    const right = labels.filter(({ label }, row) => label === labelOf(table, row)).length

    const regression = evaluate(REGRESSION, table, ALL)
    const classification = evaluate(CLASSIFICATION, table, ALL)

    expect(regression).toMatchObject({ task: 'regression', rows: ROWS })
    expect((regression as { rmse: number }).rmse).toBeLessThan(1e-4)
    expect(classification).toMatchObject({ task: 'classification', accuracy: right / ROWS })
  })
})

describe('permutationImportance', () => {
  it('is nothing for a column that the model does not use, and most for the one it uses most', () => {
    const options = { table: makeTable(), rows: ALL, repeats: 5, seed: 3n }

    const { metric, value, columns } = permutationImportance(REGRESSION, options) ?? never()

    expect(metric).toBe('r2')
    expect(value).toBeCloseTo(1, 6)
    expect(columns.map(({ column }) => column)).toEqual(['size', 'town', 'noise'])
    expect(columns[2]).toEqual({ column: 'noise', importance: 0, std: 0 })
    // Shuffled, a column that explains a share s of the variance alone costs 2 s of r².
    const shares = varianceShares(options.table)
    expect(columns[0]?.importance).toBeCloseTo(2 * shares.size, 1)
    expect(columns[1]?.importance).toBeCloseTo(2 * shares.town, 1)
    expect(columns[0]?.std).toBeGreaterThan(0)
  })

  it('follows from the seed', () => {
    const of = (seed: bigint) =>
      permutationImportance(CLASSIFICATION, { table: makeTable(), rows: ALL, repeats: 2, seed })

    expect(of(1n)).toEqual(of(1n))
    expect(of(1n)).not.toEqual(of(2n))
  })
})

describe('partialDependence', () => {
  it('is the line of a linear model, over values that occur', () => {
    const table = makeTable()
    const points = partialDependence(REGRESSION, { table, rows: ALL, column: 'size' })

    const sizes = (table.columns.get('size') as { values: Float64Array }).values
    expect(points).toHaveLength(20)
    expect([points[0]?.value, points[19]?.value]).toEqual([Math.min(...sizes), Math.max(...sizes)])
    const [first, ...rest] = points
    for (const { value, means } of rest) {
      const rise = 20 * 0.5 * ((Number(value) - Number(first?.value)) / 4)
      expect((means[0] ?? 0) - (first?.means[0] ?? 0)).toBeCloseTo(rise, 3)
    }
  })

  it('takes the levels of a category, and answers a probability for each class', () => {
    const points =
      partialDependence(CLASSIFICATION, { table: makeTable(), rows: ALL, column: 'town' }) ??
      never()

    expect(points.map(({ value }) => value).sort()).toEqual(['Bonn', 'Ulm'])
    for (const { means } of points) {
      expect(means).toHaveLength(3)
      expect(means.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6)
    }
  })

  it('is of features alone', () => {
    const options = { table: makeTable(), rows: ALL, column: 'y' }

    expect(() => partialDependence(REGRESSION, options)).toThrow('y is no feature')
  })
})

describe('inputGradient', () => {
  it('is the slope of each logit, as differences of predictions give it', () => {
    const record = { size: 11.5, noise: 9, town: 'Ulm' }
    const step = 0.02
    const logits = (size: number) =>
      createPredictor(CLASSIFICATION).predict({ records: [{ ...record, size }] }, ['logits'])[0]
        ?.logits ?? []

    const outputs = inputGradient(CLASSIFICATION, record)

    const [up, down] = [logits(record.size + step), logits(record.size - step)]
    expect(outputs).toHaveLength(3)
    for (const [k, slopes] of outputs.entries()) {
      const [size] = slopes
      const difference = ((up[k] ?? 0) - (down[k] ?? 0)) / (2 * step)
      expect(size?.gradient_per_unit).toBeCloseTo(difference, 3)
      expect(size?.gradient).toBeCloseTo(4 * difference, 2)
    }
  })

  it('names what each input stands for, and is in the unit of the target', () => {
    const [slopes] = inputGradient(REGRESSION, { size: 14, noise: 2, town: 'Ulm' })

    expect(slopes).toEqual([
      { column: 'size', input: 'value', encoded: 1, gradient: 10, gradient_per_unit: 2.5 },
      { column: 'noise', input: 'value', encoded: -2, gradient: 0, gradient_per_unit: 0 },
      { column: 'town', input: 'Bonn', encoded: 0, gradient: 0, gradient_per_unit: null },
      { column: 'town', input: 'Ulm', encoded: 1, gradient: 20, gradient_per_unit: null },
      { column: 'town', input: 'missing', encoded: 0, gradient: 0, gradient_per_unit: null },
    ])
  })
})

type CategoryColumn = Extract<TableColumn, { type: 'category' }>

function architecture(overrides: Partial<Architecture>): Architecture {
  return {
    inputs: 5,
    hidden: [],
    outputs: 1,
    output_activation: 'softmax',
    task: 'classification',
    classes: ['a', 'b', 'c'],
    target: 'y',
    ...overrides,
  }
}

function makeCurved(): TrainedModel {
  const random = createRandom(5n, 'weights')
  let index = 0
  const draw = (count: number) =>
    Float32Array.from({ length: count }, () => random.uniform(index++) - 0.5)
  return {
    architecture: architecture({
      hidden: [{ units: 16, activation: 'tanh', batch_norm: false }],
      outputs: 3,
      target: 'kind',
    }),
    preprocessing: { ...PREPROCESSING, target: null },
    layers: [
      { weight: draw(80), bias: draw(16) },
      { weight: draw(48), bias: draw(3) },
    ],
  }
}

function makeTable(): Table {
  const random = createRandom(9n, 'table')
  const numbers = (of: (row: number) => number) => {
    const values = new Float64Array(new SharedArrayBuffer(8 * ROWS))
    for (const row of ALL) values[row] = of(row)
    return { type: 'number' as const, values }
  }
  const codes = (of: (row: number) => number) => {
    const values = new Int32Array(new SharedArrayBuffer(4 * ROWS))
    for (const row of ALL) values[row] = of(row)
    return values
  }
  const size = numbers((row) => 20 * random.uniform(row))
  const noise = numbers((row) => 20 * random.uniform(ROWS + row))
  const town = codes((row) => random.below(2 * ROWS + row, 2))
  const kind = codes((row) => row % 3)
  const y = numbers(
    (row) => 100 + 20 * (0.5 * (((size.values[row] ?? 0) - 10) / 4) + (town[row] ?? 0)),
  )
  return {
    rows: ROWS,
    columns: new Map<string, TableColumn>([
      ['size', size],
      ['noise', noise],
      ['town', { type: 'category', codes: town, levels: ['Bonn', 'Ulm'] }],
      ['kind', { type: 'category', codes: kind, levels: ['a', 'b', 'c'] }],
      ['y', y],
    ]),
  }
}

function recordsOf({ columns }: Table) {
  const size = columns.get('size') as { values: Float64Array }
  const noise = columns.get('noise') as { values: Float64Array }
  const town = columns.get('town') as CategoryColumn
  return Array.from(ALL, (row) => ({
    size: size.values[row] ?? 0,
    noise: noise.values[row] ?? 0,
    town: town.levels[town.codes[row] ?? 0] ?? '',
  }))
}

function labelOf({ columns }: Table, row: number): string {
  const { codes, levels } = columns.get('kind') as CategoryColumn
  return levels[codes[row] ?? 0] ?? ''
}

/** Of the target's variance, what size and town make. */
function varianceShares(table: Table) {
  const records = recordsOf(table)
  const variance = (values: number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  }
  const size = variance(records.map((record) => 20 * 0.5 * (record.size / 4)))
  const town = variance(records.map((record) => 20 * Number(record.town === 'Ulm')))
  const y = variance([...(table.columns.get('y') as { values: Float64Array }).values])
  return { size: size / y, town: town / y }
}

function never(): never {
  throw new Error('there is an answer')
}
