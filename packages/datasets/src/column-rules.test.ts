/** What single columns and the rarer rules turn into; tables and records must agree on all of it. */
import type { Cell, Column, ResolvedConfig } from '@trainyard/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { captureFaults } from './capture-faults.fixture.ts'
import { completeRows } from './complete-rows.ts'
import { log1p } from './encode-columns.ts'
import { encodeRecords } from './encode-records.ts'
import { encodeFeatures, encodeWeights, groupIndices } from './encode-table.ts'
import { fitPreprocessing, inputWidth } from './fit-preprocessing.ts'
import type { Table } from './table.ts'

type Rules = ResolvedConfig['preprocessing']

const RULES: Rules = {
  numeric: 'none',
  target: 'none',
  missing: 'mean',
  missing_indicators: false,
  unseen_category: 'zero',
  max_levels: 64,
  columns: {},
}

/** Sizes from the small to the large, and one that is missing. */
const SIZES = ['S', 'M', 'S', 'L', null]
const PRICES = [0, 1e-20, 99, null, 3]

describe('a category', () => {
  it('as ordinal is its place in the order given, scaled like a number', () => {
    const table = makeTable({ size: SIZES })
    const columns: Rules['columns'] = { size: { encoding: 'ordinal', order: ['S', 'M', 'L'] } }

    const fitted = fit(table, { ...RULES, columns })
    const scaled = fit(table, { ...RULES, numeric: 'min_max', columns })

    expect(inputWidth(table.schema, { ...RULES, columns })).toBe(1)
    // The mean place of 0, 1, 0 and 2 stands in for the missing one.
    expect([...encode(table, fitted)]).toEqual([0, 1, 0, 2, 0.75])
    expect([...encode(table, scaled)]).toEqual([0, 0.5, 0, 1, 0.375])
  })

  it('takes a level of its own choice for a missing one', () => {
    const table = makeTable({ size: SIZES })
    const columns = { size: { missing: { constant: 'M' } } }

    const inputs = encode(table, fit(table, { ...RULES, columns }))

    // Levels by code point: L, M, S.
    expect([...inputs].slice(-3)).toEqual([0, 1, 0])
  })

  it('with more levels than are encoded shares one input among the rare ones, trained by their rows', () => {
    const table = makeTable({ town: ['a', 'a', 'b', 'b', 'c', 'd'] })
    const rules: Rules = { ...RULES, unseen_category: 'other', max_levels: 2 }

    const fitted = fit(table, rules)

    expect(inputWidth(table.schema, rules)).toBe(3)
    expect(rowsOf(encode(table, fitted), 3)).toEqual([
      [1, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0, 0, 1],
    ])
    expect([...encodeRecords(fitted, { rows: [['z']] })]).toEqual([0, 0, 1])
  })

  it('never reaches an input that no training row has trained', () => {
    const table = makeTable({ town: ['a', 'b', 'c'] })
    const training = Uint32Array.of(0, 1)
    const other = fit(table, { ...RULES, unseen_category: 'other' }, training)
    const zero = fit(table, RULES, training)
    const strict = fit(table, { ...RULES, unseen_category: 'error' }, training)

    const records = { rows: [['c'], ['z']] }

    expect([...encodeRecords(other, records)]).toEqual(new Array(8).fill(0))
    expect([...encodeRecords(zero, records)]).toEqual(new Array(6).fill(0))
    expect(() => encodeRecords(strict, records)).toThrow('was not in the training data')
  })
})

describe('a number', () => {
  it('as log1p is scaled by the statistics of its logarithms, exact for tiny values too', () => {
    const table = makeTable({ price: PRICES })
    const columns = { price: { log1p: true, missing: { constant: 3 } } } as const

    const plain = encode(table, fit(table, { ...RULES, columns }))
    const standardized = fit(table, { ...RULES, numeric: 'standardize', columns })

    expect([...plain]).toEqual([0, 1e-20, Math.log(100), Math.log(4), Math.log(4)].map(Math.fround))
    const logarithms = [0, 1e-20, Math.log(100), Math.log(4)]
    const mean = logarithms.reduce((sum, value) => sum + value, 0) / 4
    expect(standardized.columns[0]).toMatchObject({ center: expect.closeTo(mean, 12) })
  })

  it('below the domain of log1p is refused, in training and in a record', async () => {
    const table = makeTable({ price: [1, -1] })
    const columns = { price: { log1p: true } }
    const fitted = fit(table, { ...RULES, columns }, Uint32Array.of(0))

    expect(await captureFaults(() => fit(table, { ...RULES, columns }))).toEqual([
      { detail: 'Column "price" holds -1; log1p is defined above -1', column: 'price' },
    ])
    expect(() => encodeRecords(fitted, { rows: [[-2]] })).toThrow('not for -2')
  })

  it('has a logarithm within a unit of the last place of the true one', () => {
    for (const x of [1e-300, 1e-16, 1e-8, 0.1, 0.5, 1, 10, 1e10, 1e300, -0.5, -0.999]) {
      expect(Math.abs(log1p(x) - Math.log1p(x))).toBeLessThanOrEqual(
        2 * Number.EPSILON * Math.abs(Math.log1p(x)),
      )
    }
  })
})

describe('missing values', () => {
  it('raise an input of their own where the data set has some, before the next column', () => {
    const table = makeTable({ price: PRICES, full: [1, 2, 3, 4, 5], size: SIZES })
    const rules: Rules = { ...RULES, missing: { constant: 0 }, missing_indicators: true }

    const fitted = fit(table, rules)

    expect(inputWidth(table.schema, rules)).toBe(2 + 1 + 4)
    expect(rowsOf(encode(table, fitted), 7).slice(3)).toEqual([
      [0, 1, 4, 1, 0, 0, 0],
      [3, 0, 5, 0, 0, 0, 1],
    ])
  })

  it('with drop_row leave their rows out of training and are imputed in a record', () => {
    const table = makeTable({ price: PRICES, size: SIZES })
    const rules: Rules = { ...RULES, missing: 'drop_row' }
    const rows = completeRows(table, table.schema)

    const fitted = fit(table, rules, rows)

    expect([...rows]).toEqual([0, 1, 2])
    // The mean of 0, 1e-20 and 99.
    expect(encodeRecords(fitted, { rows: [[null, 'S']] })[0]).toBe(33)
  })
})

describe('weights and groups', () => {
  it('are read from their columns, and a weight that is none is refused by its row', async () => {
    const table = makeTable({ w: [1, 0, -1, null], g: ['x', 'y', 'x', null] })
    const rows = Uint32Array.of(0, 1, 2, 3)

    expect([...encodeWeights(table, 'w', rows.subarray(0, 2))]).toEqual([1, 0])
    expect([...groupIndices(table, 'g', rows)]).toEqual([0, 1, 0, 2])
    expect(
      (await captureFaults(() => encodeWeights(table, 'w', rows))).map(({ detail }) => detail),
    ).toEqual([
      'Row 3, column "w": -1 is no weight; it must be a number of at least 0',
      'Row 4, column "w": the weight is missing; it must be a number of at least 0',
    ])
  })
})

it('gives a record the bits of the same row of a table, whatever the rules', () => {
  const number = fc.option(fc.integer({ min: -9, max: 1e9 }).map((tenths) => tenths / 10))
  const text = fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e'))
  const rules = fc.record({
    numeric: fc.constantFrom('none', 'standardize', 'min_max', 'robust'),
    missing: fc.constantFrom('mean', 'median', 'most_frequent', 'drop_row', { constant: 0.1 }),
    missing_indicators: fc.boolean(),
    unseen_category: fc.constantFrom('zero', 'other'),
    isLogarithmic: fc.boolean(),
    encoding: fc.constantFrom('one_hot', 'ordinal'),
  })
  const property = fc.property(
    fc.array(fc.tuple(number, text), { minLength: 2, maxLength: 40 }),
    rules,
    (rows, { isLogarithmic, encoding, ...drawn }) => {
      const table = makeTable({ n: rows.map(([n]) => n), t: rows.map(([, t]) => t) })
      const columns = {
        ...(table.columns.get('n')?.type === 'number' ? { n: { log1p: isLogarithmic } } : {}),
        t: { encoding },
      }
      const config = { ...RULES, ...drawn, columns } as Rules
      // Half of the rows are fitted on, so that the others hold levels that were not seen.
      const training = Uint32Array.from({ length: Math.ceil(rows.length / 2) }, (_, row) => row)
      const fitted = fit(table, config, training)

      const fromTable = encode(table, fitted)

      expect(fromTable.length).toBe(rows.length * inputWidth(table.schema, config))
      expect(encodeRecords(fitted, { rows })).toEqual(fromTable)
    },
  )

  fc.assert(property, { numRuns: 200, seed: 1 })
})

/** Numbers where every cell is one, else a category. */
function makeTable(cells: Record<string, Cell[]>): Table & { schema: Column[] } {
  const table: Table = { rows: 0, columns: new Map() }
  const schema: Column[] = []
  for (const [name, values] of Object.entries(cells)) {
    const isNumeric = values.every((cell) => cell === null || typeof cell === 'number')
    const levels = isNumeric
      ? null
      : [...new Set(values.filter((cell) => cell !== null).map(String))].sort()
    table.rows = values.length
    if (levels === null) {
      const array = new Float64Array(new SharedArrayBuffer(8 * values.length))
      array.set(values.map((cell) => (cell === null ? Number.NaN : Number(cell))))
      table.columns.set(name, { type: 'number', values: array })
    } else {
      const codes = new Int32Array(new SharedArrayBuffer(4 * values.length))
      codes.set(values.map((cell) => (cell === null ? -1 : levels.indexOf(String(cell)))))
      table.columns.set(name, { type: 'category', codes, levels })
    }
    schema.push({
      name,
      type: levels === null ? 'number' : 'category',
      role: 'feature',
      missing: values.filter((cell) => cell === null).length,
      min: null,
      max: null,
      mean: null,
      std: null,
      levels,
    })
  }
  return { ...table, schema }
}

function fit(table: Table & { schema: Column[] }, config: Rules, rows = allRows(table)) {
  const { schema: columns } = table
  return fitPreprocessing({ table, columns, target: '', task: 'classification', rows, config })
}

function encode(table: Table, fitted: ReturnType<typeof fit>): Float32Array {
  return encodeFeatures(fitted, table, allRows(table))
}

function allRows(table: Table): Uint32Array {
  return Uint32Array.from({ length: table.rows }, (_, row) => row)
}

function rowsOf(inputs: Float32Array, width: number): number[][] {
  return Array.from({ length: inputs.length / width }, (_, row) => [
    ...inputs.subarray(row * width, (row + 1) * width),
  ])
}
