import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cell } from '@trainyard/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { captureFaults } from './capture-faults.fixture.ts'
import type { TableChange } from './change-table.ts'
import { openTables, type Tables } from './tables.ts'

let folder: string
let tables: Tables

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-change-'))
  tables = await openTables({ folder })
})

afterAll(async () => {
  await tables.close()
  await rm(folder, { recursive: true })
})

const COLUMNS = ['zip', 'when', 'size', 'y']
const ROWS: Cell[][] = [
  [1010, '2024-01-01', 1.5, 'no'],
  [1020, '2024-02-01', 2.5, 'yes'],
  [1010, null, 3.5, 'yes'],
]

async function change(wanted: TableChange) {
  const { parquetPath, ...current } = await tables.ingestRows({ columns: COLUMNS, rows: ROWS })
  const changed = await tables.changeTable(parquetPath, current, wanted)
  const path = changed.parquetPath ?? parquetPath
  const rows = await tables.readRows(path, changed.columns, { offset: 0, limit: 9 })
  return { ...changed, rows }
}

it('makes levels of whole numbers and dates of texts, and keeps the cells of all others', async () => {
  const { columns, rows, parquetPath, profile } = await change({
    types: { zip: 'category', when: 'date' },
  })

  expect(parquetPath).not.toBeNull()
  expect(columns.map(({ type }) => type)).toEqual(['category', 'date', 'number', 'category'])
  expect(columns[0]?.levels).toEqual(['1010', '1020'])
  expect(columns[2]).toMatchObject({ min: 1.5, max: 3.5, mean: 2.5 })
  expect(rows).toEqual(ROWS.map(([zip, ...rest]) => [String(zip), ...rest]))
  expect(profile.columns[0]?.top_levels).toEqual([
    { level: '1010', count: 2 },
    { level: '1020', count: 1 },
  ])
})

it('withdraws the warnings that a change answers', async () => {
  const before = await change({})
  const after = await change({ types: { when: 'date' }, target: 'y' })

  expect(before.warnings.map(({ code }) => code)).toContain('looks_like_date')
  expect(after.warnings.map(({ code }) => code)).not.toContain('looks_like_date')
})

it('moves the target, whose column becomes a feature, and settles the task anew', async () => {
  const { columns, target, task, parquetPath } = await change({
    target: 'size',
    roles: { zip: 'id', when: 'ignored' },
  })

  expect({ target, task, parquetPath }).toEqual({
    target: 'size',
    task: 'regression',
    parquetPath: null,
  })
  expect(columns.map(({ role }) => role)).toEqual(['id', 'ignored', 'target', 'feature'])
})

it.each<[string, TableChange, string, string]>([
  ['a column that is not there', { roles: { nope: 'id' } }, '#/roles/nope', 'no column'],
  ['a target that is not there', { target: 'nope' }, '#/target', 'no column'],
  ['a role for the target', { roles: { y: 'id' } }, '#/roles/y', 'is the target'],
  ['weights that are text', { roles: { when: 'weight' } }, '#/roles', 'weights are numbers'],
  ['two weights', { roles: { zip: 'weight', size: 'weight' } }, '#/roles', 'cannot both'],
])('refuses %s', async (_, wanted, pointer, detail) => {
  const faults = await captureFaults(() => change(wanted))

  expect(faults).toEqual([expect.objectContaining({ pointer })])
  expect(faults[0]?.detail).toContain(detail)
})

it('refuses a type that cells do not fit, with the cells, and a table without features', async () => {
  const noNumbers = await captureFaults(() => change({ types: { when: 'number' } }))
  const nothing = await captureFaults(() =>
    change({ roles: { zip: 'id', when: 'ignored', size: 'ignored' } }),
  )

  expect(noNumbers.map(({ detail }) => detail)).toEqual([
    'column "when": "2024-01-01" is not a number',
    'column "when": "2024-02-01" is not a number',
  ])
  expect(nothing[0]?.detail).toContain('No column is left to learn from')
})
