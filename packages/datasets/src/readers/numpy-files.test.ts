/** Files that NumPy itself has written. */
import { copyFile, mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { captureFaults } from '../capture-faults.fixture.ts'
import type { FileOptions } from '../ingest-file.ts'
import { openTables, type Tables } from '../tables.ts'

let folder: string
let tables: Tables
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-numpy-'))
  tables = await openTables({ folder })
})
afterAll(async () => {
  await tables.close()
  await rm(folder, { recursive: true })
})

async function copy(name: string): Promise<string> {
  const path = join(folder, name)
  await copyFile(fileURLToPath(new URL(`numpy-files/${name}`, import.meta.url)), path)
  return path
}

async function read(name: string, options: FileOptions) {
  const { parquetPath, columns, rows, warnings } = await tables.ingestFile(
    await copy(name),
    options,
  )
  const cells = await tables.readRows(parquetPath, columns, { offset: 0, limit: rows })
  await rm(parquetPath)
  return { columns, cells, warnings: warnings.map(({ code }) => code) }
}

it('reads integers in Fortran order and the other byte order', async () => {
  const { columns, cells } = await read('fortran-big-endian.npy', { format: 'npy' })

  expect(columns.map(({ name }) => name)).toEqual(['column_1', 'column_2', 'column_3'])
  expect(cells).toEqual([
    [1, -2, 0],
    [3, 4, 1],
    [5, 2 ** 31 - 1, 0],
  ])
})

it('reads 32-bit floats as the doubles they are, NaN as missing', async () => {
  const { cells } = await read('floats.npy', { format: 'npy', target: 'column_3' })

  expect(cells).toEqual([
    [Math.fround(0.1), -0, 0],
    [null, Math.fround(1e-45), 1],
    [Math.fround(3.4e38), 2.5, 0],
  ])
})

it('reads an archive: one array a column, those of two dimensions one a column of theirs', async () => {
  const { columns, cells } = await read('stored.npz', { format: 'npz' })

  expect(columns.map(({ name, type, role }) => [name, type, role])).toEqual([
    ['x_1', 'number', 'feature'],
    ['x_2', 'number', 'feature'],
    ['seen', 'boolean', 'feature'],
    ['y', 'category', 'target'],
  ])
  expect(cells).toEqual([
    [0, 1, true, 'a'],
    [2, 3, false, ''],
    [4, 5, true, 'é𝒜'],
    [6, 7, true, 'a'],
  ])
})

it('reads a compressed archive, numbers as categories when told', async () => {
  const { cells } = await read('deflated.npz', { format: 'npz', types: { y: 'category' } })

  expect(cells).toEqual([
    [0, 1, '1'],
    [2, 3, '2'],
    [4, 5, '1'],
    [6, 7, '2'],
  ])
})

it.each([
  ['records.npy', 'Arrays of records are not read'],
  ['infinite.npy', 'Row 2, column "column_1": the value is infinite'],
])('refuses %s in plain words', async (name, detail) => {
  const path = await copy(name)

  const [fault] = await captureFaults(() => tables.ingestFile(path, { format: 'npy' }))

  expect(fault?.detail).toContain(detail)
})

it.each(['floats.npy', 'stored.npz', 'deflated.npz'])(
  'refuses %s cut at any place, and leaves nothing behind',
  async (name) => {
    for (const bytes of [0, 5, 11, 60, 150]) {
      const path = await copy(name)
      await truncate(path, bytes)
      const format = name.endsWith('.npy') ? 'npy' : 'npz'
      expect(await captureFaults(() => tables.ingestFile(path, { format }))).toHaveLength(1)
    }
    const left = (await readdir(folder)).filter(
      (file) => !/\.np[yz]$/.test(file) || /-.*-/.test(file),
    )
    expect(left.filter((file) => file !== 'spill' && file !== 'fortran-big-endian.npy')).toEqual([])
  },
)
