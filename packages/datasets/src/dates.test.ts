import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { captureFaults } from './capture-faults.fixture.ts'
import { DATE_INPUTS, parseDate } from './dates.ts'
import { encodeRecords } from './encode-records.ts'
import { encodeFeatures } from './encode-table.ts'
import { fitPreprocessing, inputWidth, type PreprocessingConfig } from './fit-preprocessing.ts'
import { openTables, type Tables } from './tables.ts'

let folder: string
let tables: Tables

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-dates-'))
  tables = await openTables({ folder })
})

afterAll(async () => {
  await tables.close()
  await rm(folder, { recursive: true })
})

const DATES = [
  '2024-02-29',
  '1969-12-31T23:59:59',
  '2024-07-01 06:00',
  '2024-07-01T18:30:00.250Z',
  '2000-01-01T00:00+05:30',
]
const NO_DATES = ['2023-02-29', '2024-13-01', '24-01-01', '2024-07-01T24:00', '2024-07-01Z', 'x']
const CONFIG: PreprocessingConfig = {
  numeric: 'none',
  target: 'none',
  missing: 'most_frequent',
  missing_indicators: false,
  unseen_category: 'zero',
  max_levels: 64,
  columns: {},
}

const ingest = (dates: (string | null)[]) =>
  tables.ingestRows({
    columns: ['when', 'y'],
    rows: dates.map((when, i) => [when, i % 2]),
    target: 'y',
    types: { when: 'date' },
  })

describe('reading', () => {
  it('takes a date as it is written, whatever its zone, and no day that is not in the calendar', () => {
    expect(parseDate('2024-07-01T18:30:00.250+05:30')).toBe(Date.UTC(2024, 6, 1, 18, 30))
    expect(parseDate('2024-02-29')).toBe(Date.UTC(2024, 1, 29))
    expect(NO_DATES.map(parseDate)).toEqual(NO_DATES.map(() => null))
  })

  it('reads the same from a file as from a record, and gives the text back', async () => {
    const { parquetPath, columns } = await ingest([...DATES, null])

    const table = await tables.readTable(parquetPath, columns)
    const rows = await tables.readRows(parquetPath, columns, { offset: 0, limit: 9 })

    const when = table.columns.get('when')
    if (when?.type !== 'date') throw new Error('the column holds dates')
    expect([...when.values]).toEqual([...DATES.map(parseDate), Number.NaN])
    expect(rows.map(([cell]) => cell)).toEqual([...DATES, null])
    expect(columns[0]).toMatchObject({ type: 'date', role: 'feature', levels: null, missing: 1 })
  })

  it.each(NO_DATES)('refuses %s in a column of dates', async (text) => {
    const faults = await captureFaults(() => ingest(['2024-01-01', text]))

    expect(faults[0]).toMatchObject({ column: 'when', pointer: '#/rows/1/0' })
    expect(faults[0]?.detail).toContain('is not a date such as 2024-02-29')
  })

  it('never guesses: dates are text until somebody says so, with a warning that says how', async () => {
    const { columns, warnings } = await tables.ingestRows({
      columns: ['when', 'y'],
      rows: DATES.map((when, i) => [when, i % 2]),
      target: 'y',
      types: {},
    })

    expect(columns[0]?.type).toBe('category')
    expect(warnings).toContainEqual(
      expect.objectContaining({
        code: 'looks_like_date',
        column: 'when',
        remedy: expect.stringContaining('"types": {"when": "date"}'),
      }),
    )
  })
})

describe('inputs', () => {
  it('are the year and the cycles of month, weekday and hour, the same from table and record', async () => {
    const { parquetPath, columns } = await ingest([
      '2024-07-01 06:00',
      '2024-01-03',
      null,
      '2024-01-03',
    ])
    const table = await tables.readTable(parquetPath, columns)
    const rows = Uint32Array.of(0, 1, 2, 3)
    const preprocessing = fitPreprocessing({
      ...{ table, columns, target: 'y', task: 'classification', rows, config: CONFIG },
    })

    const inputs = encodeFeatures(preprocessing, table, rows)
    const records = ['2024-07-01T06:00:00Z', ' 2024-01-03 ', null, '2024-01-03'].map((when) => ({
      when,
    }))

    // July is half a turn of months; the first of July 2024 was a Monday; six is a quarter of a day.
    const monday = [2024, 0, -1, 0, 1, 1, 0]
    const angle = (2 * Math.PI * 2) / 7
    const wednesday = [2024, 0, 1, Math.sin(angle), Math.cos(angle), 0, 1]
    const expected = [...monday, ...wednesday, ...wednesday, ...wednesday]
    for (const [i, value] of inputs.entries()) expect(value).toBeCloseTo(expected[i] ?? 0, 6)
    expect(encodeRecords(preprocessing, { records })).toEqual(inputs)
    expect(inputWidth(columns, CONFIG)).toBe(DATE_INPUTS)
  })

  it('are zeros for a missing date under a constant, marked where that is asked for, and refused under error', async () => {
    const { parquetPath, columns } = await ingest(['2020-01-01', '2022-01-01', null])
    const table = await tables.readTable(parquetPath, columns)
    const fit = (change: Partial<PreprocessingConfig>) =>
      fitPreprocessing({
        ...{ table, columns, target: 'y', task: 'classification', rows: Uint32Array.of(0, 1) },
        config: { ...CONFIG, numeric: 'standardize', ...change },
      })

    const constant = fit({ missing: { constant: 5 }, missing_indicators: true })
    const records = [{ when: null }, { when: '2022-06-01' }]
    const inputs = encodeRecords(constant, { records })

    expect([...inputs.subarray(0, 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 1])
    expect(inputs[8]).toBe(1)
    expect(inputs[15]).toBe(0)
    const faults = await captureFaults(() => encodeRecords(fit({ missing: 'error' }), { records }))
    expect(faults).toEqual([
      { detail: '"when": the value is missing', column: 'when', pointer: '#/records/0/when' },
    ])
  })

  it('refuse a record whose date is none', async () => {
    const { parquetPath, columns } = await ingest(DATES)
    const table = await tables.readTable(parquetPath, columns)
    const preprocessing = fitPreprocessing({
      ...{ table, columns, target: 'y', task: 'classification', config: CONFIG },
      rows: Uint32Array.of(0, 1),
    })

    const faults = await captureFaults(() =>
      encodeRecords(preprocessing, { rows: [['31.12.2024']] }),
    )

    expect(faults[0]).toMatchObject({ column: 'when', pointer: '#/rows/0/0' })
  })
})

it('refuses a date as the target', async () => {
  const faults = await captureFaults(() =>
    tables.ingestRows({
      ...{ columns: ['x', 'y'], target: 'y', types: { y: 'date' } },
      rows: [
        [1, '2024-01-01'],
        [2, '2024-01-02'],
      ],
    }),
  )

  expect(faults[0]?.detail).toBe('The target "y" is a date; a number or classes are needed')
})
