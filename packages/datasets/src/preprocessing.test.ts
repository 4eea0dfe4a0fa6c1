/** Fitting and encoding: on tables and on records, which must agree. */
import type { Column, Preprocessing } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import { captureFaults } from './capture-faults.fixture.ts'
import { encodeRecords } from './encode-records.ts'
import { classIndices, encodeFeatures, encodeTargets } from './encode-table.ts'
import { fitPreprocessing, inputWidth, type PreprocessingConfig } from './fit-preprocessing.ts'
import type { Table } from './table.ts'

const CONFIG: PreprocessingConfig = {
  numeric: 'standardize',
  target: 'none',
  missing: 'mean',
  missing_indicators: false,
  unseen_category: 'zero',
  max_levels: 64,
  columns: {},
}
const ALL = Uint32Array.of(0, 1, 2, 3, 4)
/** The last row is for validation: an outlier that no fit may see. */
const TRAINING = Uint32Array.of(0, 1, 2, 3)

function column(name: string, type: Column['type'], levels: string[] | null, role: Column['role']) {
  return { name, type, role, missing: 0, min: null, max: null, mean: null, std: null, levels }
}

const COLUMNS: Column[] = [
  column('size', 'number', null, 'feature'),
  column('id', 'number', null, 'ignored'),
  column('flag', 'boolean', null, 'feature'),
  column('colour', 'category', ['blue', 'green', 'red'], 'feature'),
  column('price', 'number', ['1', '2', '3', '4', '5'], 'target'),
]

function numbers(...values: number[]): Float64Array<SharedArrayBuffer> {
  const array = new Float64Array(new SharedArrayBuffer(8 * values.length))
  array.set(values)
  return array
}

function codes(...values: number[]): Int32Array<SharedArrayBuffer> {
  const array = new Int32Array(new SharedArrayBuffer(4 * values.length))
  array.set(values)
  return array
}

const TABLE: Table = {
  rows: 5,
  columns: new Map([
    ['size', { type: 'number', values: numbers(1, 2, Number.NaN, 6, 1e6) }],
    ['flag', { type: 'boolean', values: numbers(1, 0, 1, Number.NaN, 0) }],
    [
      'colour',
      {
        type: 'category',
        codes: codes(2, 0, 2, -1, 1),
        levels: ['blue', 'green', 'red'],
      },
    ],
    ['price', { type: 'number', values: numbers(1, 2, 3, 4, 5) }],
  ]),
}

function fit(
  config: Partial<PreprocessingConfig>,
  task: 'classification' | 'regression' = 'classification',
) {
  return fitPreprocessing({
    table: TABLE,
    columns: COLUMNS,
    target: 'price',
    task,
    rows: TRAINING,
    config: { ...CONFIG, ...config },
  })
}

function numeric(preprocessing: Preprocessing, name: string) {
  const found = preprocessing.columns.find((transform) => transform.column === name)
  if (found?.kind !== 'numeric') throw new Error(`${name} is not numeric`)
  return { center: found.center, scale: found.scale, missing: found.missing }
}

describe('fitPreprocessing', () => {
  it('fits numbers on the present values of the training rows alone', () => {
    const std = Math.sqrt((4 + 1 + 9) / 3)

    expect(numeric(fit({}), 'size')).toEqual({ center: 3, scale: std, missing: 3 })
    expect(numeric(fit({ numeric: 'none' }), 'size')).toEqual({ center: 0, scale: 1, missing: 3 })
    expect(numeric(fit({ numeric: 'min_max' }), 'size')).toMatchObject({ center: 1, scale: 5 })
    // Quartiles of 1, 2, 6 are 1.5, 2 and 4.
    expect(numeric(fit({ numeric: 'robust' }), 'size')).toMatchObject({ center: 2, scale: 2.5 })
  })

  it('fits what stands in for a missing value, and leaves booleans 0 and 1', () => {
    expect(numeric(fit({ missing: 'median' }), 'size').missing).toBe(2)
    expect(numeric(fit({ missing: 'most_frequent' }), 'size').missing).toBe(1)
    expect(numeric(fit({ missing: { constant: -7 } }), 'size').missing).toBe(-7)
    expect(numeric(fit({ missing: 'error' }), 'size').missing).toBeNull()
    expect(numeric(fit({}), 'flag')).toEqual({ center: 0, scale: 1, missing: 2 / 3 })
    expect(fit({ missing: 'most_frequent' }).columns[2]).toMatchObject({ missing: 'red' })
    expect(fit({}).columns[2]).toMatchObject({ missing: null, missing_error: false })
  })

  it('divides by one where a column is constant', () => {
    const table: Table = {
      rows: 2,
      columns: new Map([['size', { type: 'number', values: numbers(4, 4) }]]),
    }
    const columns = COLUMNS.slice(0, 1)
    const rows = Uint32Array.of(0, 1)

    for (const rule of ['standardize', 'min_max', 'robust'] as const) {
      const config = { ...CONFIG, numeric: rule }
      const input = {
        table,
        columns,
        target: 'price',
        task: 'classification',
        rows,
        config,
      } as const
      expect(numeric(fitPreprocessing(input), 'size')).toMatchObject({ center: 4, scale: 1 })
    }
  })

  it('scales the target of a regression when asked, and never that of a classification', () => {
    expect(fit({ target: 'standardize' }, 'regression').target).toEqual({
      center: 2.5,
      scale: Math.sqrt(1.25),
    })
    expect(fit({}, 'regression').target).toEqual({ center: 0, scale: 1 })
    expect(fit({ target: 'standardize' }).target).toBeNull()
  })

  it('knows the inputs from the schema alone, and refuses more levels than allowed by name', async () => {
    const config = { ...CONFIG, max_levels: 2 }

    expect(inputWidth(COLUMNS, CONFIG)).toBe(5)
    expect(await captureFaults(() => inputWidth(COLUMNS, config))).toEqual([
      {
        detail:
          'Column "colour" has 3 levels; at most 2 are encoded. Ignore the column, raise max_levels or set unseen_category to "other"',
        column: 'colour',
      },
    ])
  })
})

describe('encoding', () => {
  const plain = fit({ numeric: 'none' })

  it('makes one input of a number or boolean and one of every level that training rows have, in data-set order', () => {
    const inputs = encodeFeatures(plain, TABLE, ALL)

    const third = Math.fround(2 / 3)
    expect([...inputs]).toEqual(
      [
        [1, 1, 0, 0, 1],
        [2, 0, 1, 0, 0],
        [3, 1, 0, 0, 1],
        [6, third, 0, 0, 0],
        [1e6, 0, 0, 0, 0],
      ].flat(),
    )
  })

  it('gives records and rows the same inputs as the table', () => {
    const scaled = fit({ missing: 'most_frequent' })
    const rows = [
      [1, true, 'red'],
      [2, false, 'blue'],
      [null, true, 'red'],
      [6, null, null],
      [1e6, false, ' green '],
    ]
    const records = rows.map(([size = null, flag = null, colour = null]) => ({
      size,
      flag,
      colour,
      price: 9,
    }))

    const expected = encodeFeatures(scaled, TABLE, ALL)

    expect(encodeRecords(scaled, { rows })).toEqual(expected)
    expect(encodeRecords(scaled, { records })).toEqual(expected)
  })

  it('compares a category given as number as text', () => {
    const preprocessing: Preprocessing = {
      columns: [
        {
          kind: 'one_hot',
          untrained: [],
          other: false,
          indicator: false,
          column: 'code',
          levels: ['1', '2.5', 'true'],
          unseen: 'zero',
          missing: null,
          missing_error: false,
        },
      ],
      target: null,
    }

    const inputs = encodeRecords(preprocessing, { rows: [[1], ['1'], [2.5], [true], [7], ['']] })

    expect([...inputs]).toEqual([1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  })

  it('points at every cell of a record that has no input', async () => {
    const strict = fit({ missing: 'error', unseen_category: 'error', numeric: 'none' })
    const good = { size: 1, flag: true, colour: 'red' }
    const records = [
      good,
      { flag: true, colour: 'red' },
      { ...good, size: '5' },
      { ...good, flag: 1, colour: 'pink' },
      { ...good, colour: null, size: 1e39 },
    ]

    const faults = await captureFaults(() => encodeRecords(strict, { records }))

    expect(faults.map(({ detail, pointer }) => `${pointer} ${detail}`)).toEqual([
      '#/records/1/size "size": the column is missing from the record',
      '#/records/2/size "size": must be a number or null',
      '#/records/3/flag "flag": must be true or false or null',
      '#/records/3/colour "colour": the category was not in the training data',
      '#/records/4/size "size": 1e+39 is too large for a 32-bit input',
      '#/records/4/colour "colour": the value is missing',
    ])
    expect(await captureFaults(() => encodeRecords(strict, { rows: [[1, true]] }))).toEqual([
      { detail: 'The row has 2 cells, the model takes 3: size, flag, colour', pointer: '#/rows/0' },
    ])
  })

  it('takes only own keys of a record for columns, and escapes names in pointers', async () => {
    const preprocessing: Preprocessing = {
      columns: ['constructor', 'a/b~c'].map((name) => ({
        kind: 'numeric' as const,
        log1p: false,
        indicator: false,
        column: name,
        type: 'number' as const,
        missing: 0,
        center: 0,
        scale: 1,
      })),
      target: null,
    }

    const faults = await captureFaults(() => encodeRecords(preprocessing, { records: [{}] }))

    expect(faults.map(({ pointer }) => pointer)).toEqual([
      '#/records/0/constructor',
      '#/records/0/a~1b~0c',
    ])
  })

  it('names the row of the table whose value is missing when that is an error', async () => {
    const faults = await captureFaults(() => encodeFeatures(fit({ missing: 'error' }), TABLE, ALL))

    expect(faults.map(({ detail }) => detail)).toEqual([
      'Row 3, column "size": the value is missing',
      'Row 4, column "flag": the value is missing',
      'Row 4, column "colour": the value is missing',
    ])
  })

  it('names row, column and level that no training row has where that is an error, and what helps', async () => {
    const strict = fit({ unseen_category: 'error' })

    const [fault] = await captureFaults(() => encodeFeatures(strict, TABLE, ALL))

    expect(fault).toEqual({
      column: 'colour',
      detail: 'Row 5, column "colour": the category was not in the training data: "green"',
      remedy: expect.stringContaining('unseen_category to "zero" or "other"'),
    })
  })

  it('turns targets into class indices or scaled values', () => {
    const target = { table: TABLE, target: 'price', rows: Uint32Array.of(4, 0) }
    const classes = ['1', '2', '3', '4', '5']
    const scaling = { center: 3, scale: 2 }

    expect([...classIndices({ ...target, classes })]).toEqual([4, 0])
    expect([
      ...encodeTargets({ ...target, task: 'classification', classes, scaling: null }),
    ]).toEqual([4, 0])
    expect([...encodeTargets({ ...target, task: 'regression', classes: null, scaling })]).toEqual([
      1, -1,
    ])
  })
})
