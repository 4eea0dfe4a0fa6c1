/** What a peer writes is what is read: generated tables, through the files of NumPy and of Parquet's writer. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Cell, TableFormat } from '@trainyard/contracts'
import fc from 'fast-check'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTables, type Tables } from '../tables.ts'
import { writeNpy, writeNpz } from './npy-writer.fixture.ts'

const RUNS = 200

let folder: string
let tables: Tables
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-round-trip-'))
  tables = await openTables({ folder })
})
afterAll(async () => {
  await tables.close()
  await rm(folder, { recursive: true })
})

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(-0, 0, 5e-324, -5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 0.1, 2 ** 53),
)
const text = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    ' a ',
    'a,b',
    '"',
    '""',
    'a\nb',
    '\r\n',
    "it's",
    'é',
    '日本',
    '𝒜',
    'NA',
    'null',
    '1.5',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => !value.includes('\0')),
)
const name = fc
  .oneof(
    fc.constantFrom(
      'a',
      'A',
      'block',
      'c0',
      'f1',
      'file_row_number',
      'select',
      '"',
      "'",
      'größe',
      '温度',
    ),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  )
  .filter((value) => !/\p{Cc}/u.test(value) && value !== 'target' && value.isWellFormed())

interface GeneratedTable {
  names: string[]
  kinds: ('number' | 'text' | 'boolean')[]
  rows: Cell[][]
}

/** The last column is a target of two classes, so that every table can be a data set. */
const table: fc.Arbitrary<GeneratedTable> = fc
  .record({
    names: fc.uniqueArray(name, { minLength: 1, maxLength: 5 }),
    count: fc.integer({ min: 2, max: 12 }),
  })
  .chain(({ names, count }) =>
    fc.record({
      names: fc.constant(names),
      kinds: fc.array(fc.constantFrom('number' as const, 'text' as const, 'boolean' as const), {
        minLength: names.length,
        maxLength: names.length,
      }),
      numbers: fc.array(number, { minLength: count * 5, maxLength: count * 5 }),
      texts: fc.array(text, { minLength: count * 5, maxLength: count * 5 }),
      missing: fc.array(fc.nat(9), { minLength: count * 5, maxLength: count * 5 }),
      count: fc.constant(count),
    }),
  )
  .map(({ names, kinds, numbers, texts, missing, count }) => ({
    names: [...names, 'target'],
    kinds: [...kinds, 'number' as const],
    rows: Array.from({ length: count }, (_, row) => [
      ...kinds.map((kind, column): Cell => {
        const i = row * 5 + column
        // The first row is whole, so that no column is empty.
        if (missing[i] === 0 && row > 0) return null
        return kind === 'number'
          ? (numbers[i] ?? 0)
          : kind === 'text'
            ? (texts[i] ?? '')
            : (numbers[i] ?? 0) > 0
      }),
      row % 2,
    ]),
  }))

async function read(
  format: TableFormat,
  bytes: Uint8Array,
): Promise<{ names: string[]; rows: Cell[][] }> {
  const path = join(folder, 'file')
  await writeFile(path, bytes)
  const ingested = await tables.ingestFile(path, { format, target: 'target' })
  const { parquetPath, columns, rows } = ingested
  try {
    return {
      names: columns.map((column) => column.name),
      rows: await tables.readRows(parquetPath, columns, { offset: 0, limit: rows }),
    }
  } finally {
    await rm(parquetPath)
  }
}

/** `Object.is` on every cell: −0 is not 0, and no text is another. */
function expectSame(
  found: { names: string[]; rows: Cell[][] },
  written: Pick<GeneratedTable, 'names' | 'rows'>,
): void {
  expect(found.names).toEqual(written.names)
  expect(found.rows).toHaveLength(written.rows.length)
  for (const [r, row] of written.rows.entries()) {
    for (const [c, cell] of row.entries()) expect(found.rows[r]?.[c]).toBe(cell)
  }
}

async function check(
  readBack: (written: GeneratedTable) => ReturnType<typeof read>,
  adapt: (generated: GeneratedTable) => GeneratedTable = (generated) => generated,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(table, async (generated) => {
      const written = adapt(generated)
      expectSame(await readBack(written), written)
    }),
    { numRuns: RUNS, seed: 20_261_124 },
  )
}

it(
  'reads a Parquet file bit for bit: empty texts, −0, huge and tiny numbers, any names',
  () =>
    check(({ names, kinds, rows }) => {
      const columnData = names.map((column, c) => ({
        name: column,
        type: ({ number: 'DOUBLE', text: 'STRING', boolean: 'BOOLEAN' } as const)[
          kinds[c] ?? 'number'
        ],
        data: rows.map((row) => row[c] ?? null),
        nullable: true,
      }))
      return read('parquet', new Uint8Array(parquetWriteBuffer({ columnData })))
    }),
  60_000,
)

it(
  'reads arrays of an .npz archive bit for bit: texts as they are, NaN as missing',
  () =>
    check(
      ({ names, kinds, rows }) => {
        const arrays = names.map((column, c) => {
          const cells = rows.map((row) => row[c] ?? null)
          const shape = [rows.length]
          const array =
            kinds[c] === 'text'
              ? writeNpy({ descr: 'U', values: cells.map(String), shape })
              : writeNpy({
                  descr: '<f8',
                  values: cells.map((cell) => Number(cell ?? Number.NaN)),
                  shape,
                })
          return [column, array] as const
        })
        return read('npz', writeNpz(arrays))
      },
      // Arrays of texts have no missing elements, and those of booleans are written as numbers here.
      (generated) => ({
        ...generated,
        rows: generated.rows.map((row) =>
          row.map((cell, c) =>
            generated.kinds[c] === 'text' ? (cell ?? '') : cell === null ? null : Number(cell),
          ),
        ),
      }),
    ),
  60_000,
)

it('reads two hundred archives that NumPy itself wrote, of all its types, bit for bit', async () => {
  const packed = await readFile(new URL('numpy-files/generated.ndjson.gz', import.meta.url))
  const lines = gunzipSync(packed).toString('utf8').trim().split('\n')

  expect(lines).toHaveLength(200)
  for (const line of lines) {
    const { npz, ...written } = JSON.parse(line) as Pick<GeneratedTable, 'names' | 'rows'> & {
      npz: string
    }
    expectSame(await read('npz', Buffer.from(npz, 'base64')), written)
  }
}, 60_000)
