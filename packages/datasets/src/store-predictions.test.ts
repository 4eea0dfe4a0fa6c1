import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Column } from '@trainyard/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { PredictedTable } from './store-predictions.ts'
import { openTables, type Tables } from './tables.ts'

let folder: string
let tables: Tables
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-predictions-'))
  tables = await openTables({ folder })
})
afterAll(async () => {
  await tables.close()
  await rm(folder, { recursive: true, force: true })
})

async function storeSource(columns: string[], rows: (string | number)[][], ids: string[]) {
  const source = await tables.ingestRows({ columns, rows, target: 'y' })
  for (const column of source.columns) if (ids.includes(column.name)) column.role = 'id'
  return { path: source.parquetPath, columns: source.columns }
}

function predict(rows: number): PredictedTable {
  const shares = Float32Array.from({ length: 2 * rows }, (_, i) => Math.fround(i / (2 * rows)))
  return {
    rows,
    task: 'classification',
    columns: [
      {
        ...{ name: 'label', start: 0, step: 1, labels: ['no', 'yes'] },
        values: Int32Array.from({ length: rows }, (_, i) => (i % 3 === 0 ? 1 : 0)),
      },
      { name: 'probability_no', values: shares, start: 0, step: 2 },
      { name: 'probability_yes', values: shares, start: 1, step: 2 },
    ],
  }
}

const rolesOf = (columns: readonly Column[]) => columns.map(({ name, role }) => [name, role])

it('keeps row numbers and ids beside what is predicted of them, over many parts and row groups', async () => {
  const count = 300_001
  const rows = Array.from({ length: count }, (_, i) => [i % 7, `order ${count - i}`, 3 * i, i % 2])
  const source = await storeSource(['a', 'order', 'number', 'y'], rows, ['order', 'number'])

  const stored = await tables.storePredictions(source, predict(count))

  expect(stored).toMatchObject({ rows: count, target: 'label', task: 'classification' })
  expect(rolesOf(stored.columns)).toEqual([
    ['order', 'id'],
    ['number', 'id'],
    ['row', 'id'],
    ['label', 'target'],
    ['probability_no', 'feature'],
    ['probability_yes', 'feature'],
  ])
  for (const offset of [0, 122_880, 299_999]) {
    const [cells] = await tables.readRows(stored.parquetPath, stored.columns, { offset, limit: 1 })
    const share = (i: number) => Math.fround((2 * offset + i) / (2 * count))
    const label = offset % 3 === 0 ? 'yes' : 'no'
    expect(cells).toEqual([
      `order ${count - offset}`,
      3 * offset,
      offset,
      label,
      share(0),
      share(1),
    ])
  }
})

it('takes ids from every block of a folded table', async () => {
  const names = [...Array.from({ length: 2047 }, (_, i) => `x${i}`), 'y']
  const rows = [0, 1, 2].map((row) =>
    names.map((_, i) => (i === 2047 ? row % 2 : row * 10_000 + i)),
  )
  const source = await storeSource(names, rows, ['x3', 'x2000'])

  const stored = await tables.storePredictions(source, predict(3))

  const page = { offset: 0, limit: 3 }
  const cells = await tables.readRows(stored.parquetPath, stored.columns, page)
  expect(cells.map((row) => row.slice(0, 4))).toEqual([
    [3, 2000, 0, 'yes'],
    [10_003, 12_000, 1, 'no'],
    [20_003, 22_000, 2, 'no'],
  ])
})

it('stores a model that says the same of every row, with all classes it knows', async () => {
  const source = await storeSource(
    ['a', 'y'],
    [
      [1, 0],
      [2, 1],
    ],
    [],
  )
  const same = predict(2)
  const label = { ...same.columns[0], values: Int32Array.of(1, 1) } as (typeof same.columns)[0]

  const stored = await tables.storePredictions(source, { ...same, columns: [label] })

  expect(stored.columns.at(-1)).toMatchObject({ role: 'target', levels: ['no', 'yes'] })
})

it('lets an id have its name, and gives a prediction of the same name another', async () => {
  const rows = [
    [1, 'a', 0],
    [2, 'b', 1],
  ]
  const source = await storeSource(['x', 'label', 'y'], rows, ['label'])

  const stored = await tables.storePredictions(source, predict(2))

  expect(stored.columns.map(({ name }) => name).slice(0, 3)).toEqual(['label', 'row', 'label_'])
  expect(stored.target).toBe('label_')
})

it('gives the same bytes for the same predictions', async () => {
  const source = await storeSource(
    ['a', 'y'],
    [
      [1, 0],
      [2, 1],
    ],
    ['a'],
  )
  const digest = async () => {
    const { parquetPath } = await tables.storePredictions(source, predict(2))
    return (await readFile(parquetPath)).toString('base64')
  }

  expect(await digest()).toBe(await digest())
})
