import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { captureFaults } from './capture-faults.fixture.ts'
import { openTables, type Tables } from './tables.ts'

let folder: string
let tables: Tables

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-tables-'))
  tables = await openTables({ folder })
})

afterAll(async () => {
  await tables.close()
  await tables.close()
  await rm(folder, { recursive: true })
})

describe('ingestRows', () => {
  it('reads JSON rows by their JSON types, quotes and line breaks in texts included', async () => {
    const rows = [
      [0.1, 'a "b",\nc', true, '1'],
      [null, '5', false, '2'],
      [-0, null, null, '1'],
    ]

    const ingested = await tables.ingestRows({ columns: ['n', 't', 'b', 'y'], rows, target: 'y' })
    const { parquetPath, columns } = ingested

    expect(columns.map(({ type }) => type)).toEqual(['number', 'category', 'boolean', 'category'])
    expect(await tables.readRows(parquetPath, columns, { offset: 0, limit: 9 })).toEqual(rows)
    expect(ingested).toMatchObject({ rows: 3, target: 'y', task: 'classification' })
  })

  it('reads values of several types in a column as text, with a warning', async () => {
    const rows = [
      [1, 'x'],
      ['a', 'y'],
      [true, 'x'],
    ]

    const { columns, warnings } = await tables.ingestRows({ columns: ['m', 'y'], rows })

    expect(columns[0]?.levels).toEqual(['1', 'a', 'true'])
    expect(warnings).toEqual([expect.objectContaining({ code: 'mixed_types', column: 'm' })])
  })

  it('points into the body at ragged rows, unusable cells and missing targets', async () => {
    const ingest = (rows: (string | number | null)[][], columns = ['a', 'y']) =>
      captureFaults(() => tables.ingestRows({ columns, rows, target: 'y' }))

    expect(await ingest([[1, 'p'], [2]])).toEqual([
      { detail: 'Row 2 has 1 cells, there are 2 columns', pointer: '#/rows/1' },
    ])
    expect(await ingest([[1, 'p\0']])).toMatchObject([{ pointer: '#/rows/0/1', column: 'y' }])
    expect(await ingest([['\ud800', 'p']])).toMatchObject([{ pointer: '#/rows/0/0' }])
    expect(
      await ingest([
        [1, 'p'],
        [2, null],
      ]),
    ).toEqual([{ detail: 'Row 2: the target "y" is missing', column: 'y', pointer: '#/rows/1/1' }])
    expect(await ingest([[1, 2]], ['y', 'y'])).toMatchObject([{ pointer: '#/columns' }])
  })
})

describe('ingestGenerated', () => {
  it('makes the truth table of a gate by default', async () => {
    const { parquetPath, columns } = await tables.ingestGenerated({
      generator: 'xor',
      rows: 4,
      noise: 0,
      seed: 1,
    })

    expect(await tables.readRows(parquetPath, columns, { offset: 0, limit: 10 })).toEqual([
      [0, 0, 0],
      [0, 1, 1],
      [1, 0, 1],
      [1, 1, 0],
    ])
    expect(columns.map(({ name }) => name)).toEqual(['x1', 'x2', 'label'])
  })

  it('gives the same bytes for the same seed and others for another', async () => {
    const make = async (seed: number) => {
      const spec = { generator: 'moons', rows: 50, noise: 0.1, seed } as const
      return readFile((await tables.ingestGenerated(spec)).parquetPath)
    }

    expect(await make(1)).toEqual(await make(1))
    expect(await make(1)).not.toEqual(await make(2))
  })

  it('draws a line, a sine and a plane, exact without noise, as regressions', async () => {
    const values = async (generator: 'linear' | 'sine' | 'plane') => {
      const spec = { generator, rows: 40, noise: 0, seed: 3 }
      const { parquetPath, columns, task, target } = await tables.ingestGenerated(spec)
      expect([task, target]).toEqual(['regression', 'y'])
      return (await tables.readRows(parquetPath, columns, { offset: 0, limit: 40 })).map(
        (row) => row.map(Number) as [number, number, number],
      )
    }

    for (const [x, y] of await values('linear')) expect(y).toBeCloseTo(2 * x + 1, 12)
    for (const [x, y] of await values('sine')) expect(y).toBeCloseTo(Math.sin(x), 12)
    for (const [x1, x2, y] of await values('plane')) expect(y).toBeCloseTo(x1 + x2, 12)
  })

  it('lays exact circles, moons and spirals without noise, and three blobs', async () => {
    const points = async (generator: 'circles' | 'moons' | 'spiral' | 'blobs') => {
      const spec = { generator, rows: 60, noise: 0, seed: 3 }
      const { parquetPath, columns } = await tables.ingestGenerated(spec)
      const rows = await tables.readRows(parquetPath, columns, { offset: 0, limit: 60 })
      return rows.map((row) => row.map(Number) as [number, number, number])
    }

    for (const [x, y, label] of await points('circles')) {
      expect(Math.hypot(x, y)).toBeCloseTo(label === 0 ? 1 : 0.5, 12)
    }
    for (const [x, y, label] of await points('moons')) {
      const [dx, dy] = label === 0 ? [x, y] : [1 - x, 0.5 - y]
      expect(Math.hypot(dx, dy)).toBeCloseTo(1, 12)
      expect(dy).toBeGreaterThanOrEqual(0)
    }
    for (const [x, y] of await points('spiral')) expect(Math.hypot(x, y)).toBeLessThan(1)
    expect(new Set((await points('blobs')).map(([, , label]) => label))).toEqual(new Set([0, 1, 2]))
  })

  it.each([
    ['iris', 150, 4, 'species', ['setosa', 'versicolor', 'virginica'], []],
    ['wine', 178, 13, 'cultivar', ['class_0', 'class_1', 'class_2'], ['scale_spread']],
    [
      'digits',
      1797,
      64,
      'digit',
      ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
      Array(3).fill('constant_column'),
    ],
  ] as const)(
    'brings %s with all its rows and classes',
    async (generator, rows, features, target, classes, warnings) => {
      const ingested = await tables.ingestGenerated({ generator })

      expect(ingested).toMatchObject({ rows, target, task: 'classification' })
      expect(ingested.warnings.map(({ code }) => code)).toEqual(warnings)
      expect(ingested.columns.filter(({ role }) => role === 'feature')).toHaveLength(features)
      expect(ingested.columns.find(({ name }) => name === target)?.levels).toEqual(classes)
    },
  )
})

describe('readTable', () => {
  it('loads typed columns in shared memory, missing cells as NaN and −1', async () => {
    const rows = [
      [1.5, true, 'b', 0],
      [null, null, null, 1],
      [-2, false, 'a', 0],
    ]
    const { parquetPath, columns } = await tables.ingestRows({
      columns: ['n', 'f', 't', 'y'],
      rows,
    })

    const table = structuredClone(await tables.readTable(parquetPath, columns))

    expect(table.rows).toBe(3)
    expect(table.columns.get('n')).toEqual({
      type: 'number',
      values: Float64Array.of(1.5, Number.NaN, -2),
    })
    expect(table.columns.get('f')).toMatchObject({ values: Float64Array.of(1, Number.NaN, 0) })
    expect(table.columns.get('t')).toEqual({
      type: 'category',
      codes: Int32Array.of(1, -1, 0),
      levels: ['a', 'b'],
    })
    const column = table.columns.get('n')
    expect(column?.type === 'number' && column.values.buffer).toBeInstanceOf(SharedArrayBuffer)
  })

  it('loads the listed rows alone, wherever they lie', async () => {
    const all = Array.from({ length: 5000 }, (_, i) => [i, i % 2])
    const { parquetPath, columns } = await tables.ingestRows({ columns: ['n', 'y'], rows: all })

    const table = await tables.readTable(parquetPath, columns, Uint32Array.of(0, 2047, 2048, 4999))

    expect(table.rows).toBe(4)
    expect(table.columns.get('n')).toMatchObject({ values: Float64Array.of(0, 2047, 2048, 4999) })
  })

  it('reads pages, and nothing past the end', async () => {
    const spec = { generator: 'xor', rows: 10, noise: 0, seed: 1 } as const
    const { parquetPath, columns } = await tables.ingestGenerated(spec)
    const page = (offset: number, limit: number) =>
      tables.readRows(parquetPath, columns, { offset, limit })

    expect(await page(1, 2)).toEqual([
      [0, 1, 1],
      [1, 0, 1],
    ])
    expect(await page(9, 5)).toEqual([[0, 1, 1]])
    expect(await page(10, 5)).toEqual([])
  })

  it('folds a table of more than 1,024 columns and gives every cell back in its place', async () => {
    const names = Array.from({ length: 1100 }, (_, i) => `c${i}`)
    const rows = [0, 1, 2].map((r) =>
      names.map((_, i) => (i === 1099 ? `k${r % 2}` : i % 500 === 3 ? `t${r}` : r + i / 8)),
    )

    const { parquetPath, columns, target } = await tables.ingestRows({ columns: names, rows })
    const table = await tables.readTable(parquetPath, columns)

    expect(target).toBe('c1099')
    expect(await tables.readRows(parquetPath, columns, { offset: 0, limit: 9 })).toEqual(rows)
    expect(table.columns.get('c1050')).toMatchObject({
      values: Float64Array.of(131.25, 132.25, 133.25),
    })
    expect(table.columns.get('c1003')).toMatchObject({ codes: Int32Array.of(0, 1, 2) })
    const some = await tables.readTable(parquetPath, columns, Uint32Array.of(0, 2))
    expect(some.columns.get('c1050')).toMatchObject({ values: Float64Array.of(131.25, 133.25) })
    expect(some.columns.get('c1003')).toMatchObject({ codes: Int32Array.of(0, 2) })
    expect(columns[1050]).toMatchObject({ min: 131.25, max: 133.25, mean: 132.25 })
  }, 30_000)
})
