import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { foldCsv } from './fold-csv.ts'
import type { Session } from './session.ts'

const COLUMNS = 1026

let folder: string
let files: number
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-fold-'))
  files = 0
})
afterEach(() => rm(folder, { recursive: true }))

/** Only paths are asked of the session. */
const session = {
  freshPath: (extension: string) => join(folder, `${files++}.${extension}`),
} as Session

async function fold(content: string, hasHeader = true): Promise<string[] | null> {
  const path = join(folder, 'wide.csv')
  await writeFile(path, content)
  const folded = await foldCsv(session, { path, separator: ',', columns: COLUMNS, hasHeader })
  return folded === null
    ? null
    : await Promise.all(folded.paths.map((part) => readFile(part, 'utf8')))
}

const row = (cell: (column: number) => string) =>
  Array.from({ length: COLUMNS }, (_, column) => cell(column)).join(',')
const header = row((column) => `name ${column}`)

it.each(['\n', '\r\n'])(
  'cuts rows between columns 1,023 and 1,024, with line ends %j',
  async (lineEnd) => {
    const lines = [header, row(String), '', row((column) => (column > 1022 ? '"a,""b\n"' : ''))]

    const [first = '', second] = (await fold(`\ufeff${lines.join(lineEnd)}${lineEnd}`)) ?? []

    expect(first.split('\n').map((line) => line.split(',').length)).toEqual([1024, 1025, 1, 1])
    expect(first.slice(0, 8)).toBe('0,1,2,3,')
    expect(first.endsWith(',,,"a,""b\n"\n')).toBe(true)
    expect(second).toBe('1024,1025\n"a,""b\n","a,""b\n"\n')
  },
)

it('keeps its place over pieces of 256 KiB, wherever they end', async () => {
  const rows = Array.from({ length: 400 }, (_, r) =>
    row((column) => (column === 7 ? `"${r},\r\n"` : `${r * column}`)),
  )

  const [, second] = (await fold(`${rows.join('\r\n')}`, false)) ?? []

  expect(second).toBe(
    `${Array.from({ length: 400 }, (_, r) => `${r * 1024},${r * 1025}\n`).join('')}`,
  )
})

it.each([
  ['a row too short', row(String).slice(0, -5)],
  ['a row too long', `${row(String)},1`],
  ['an open quote', row(() => '"')],
  ['text after a quote', row(() => '"a"b')],
  ['lone carriage returns', `${row(String)}\r${row(String)}`],
])('leaves %s to the reading of the whole, and no file behind', async (_, line) => {
  expect(await fold(`${header}\n${line}`)).toBeNull()
  expect(await readdir(folder)).toEqual(['wide.csv'])
})
