import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BLOCK_COLUMNS } from './column-blocks.ts'
import type { Ingested } from './store-table.ts'
import { openTables, type Tables } from './tables.ts'

let folder: string
let tables: Tables
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-folded-'))
  tables = await openTables({ folder })
})
afterAll(async () => {
  await tables.close()
  await rm(folder, { recursive: true })
})

const ROWS = 40
const CELLS: Record<string, (row: number) => string> = {
  number: (r) => `${((r * 37) % 41) / 7 - 2}`,
  huge: (r) => `${r - 20}e200`,
  gaps: (r) => (r % 3 === 0 ? '' : `${r}`),
  words: (r) => (r % 5 === 0 ? 'NA' : `${r * r}`),
  boolean: (r) => `${r % 3 === 1}`,
  mixed: (r) => (r % 2 === 0 ? `${r % 8}` : 'text'),
  empty: () => '',
  text: (r) => `"${['é', 'a,b', 'Z'][r % 3]}"`,
  y: (r) => (r % 4 < 2 ? 'no' : 'yes'),
}

async function ingest(names: readonly string[]): Promise<Ingested> {
  const rows = Array.from({ length: ROWS }, (_, r) =>
    names.map((name) => CELLS[name]?.(r) ?? `${r % 7}`).join(','),
  )
  const path = join(folder, 'upload.csv')
  await writeFile(path, `${names.join(',')}\n${rows.join('\n')}\n`)
  return tables.ingestFile(path)
}

it('a column is what it is in a narrow table, on either side of the fold', async () => {
  const names = Object.keys(CELLS)
  const fillers = Array.from({ length: BLOCK_COLUMNS - 4 }, (_, i) => `filler ${i}`)
  const narrow = await ingest(names)

  const folded = await ingest([...names.slice(0, 4), ...fillers, ...names.slice(4)])

  const isOurs = ({ name }: { name: string }) => names.includes(name)
  expect(narrow.columns.map(({ type }) => type)).toEqual([
    ...['number', 'number', 'number', 'number', 'boolean', 'category', 'number', 'category'],
    'category',
  ])
  expect(folded.columns.filter(isOurs)).toEqual(narrow.columns)
  expect(folded.profile.columns.filter(isOurs)).toEqual(narrow.profile.columns)
  const warningsOf = ({ warnings }: Ingested) =>
    warnings.filter(({ column }) => names.includes(column ?? '')).map(({ code }) => code)
  expect(warningsOf(folded)).toEqual(warningsOf(narrow))
}, 30_000)
