/** Numbers that matter bit for bit: what DuckDB makes of a text against what JavaScript makes of it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTables, type Tables } from './tables.ts'

let folder: string
let tables: Tables

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-numbers-'))
  tables = await openTables({ folder })
})

afterAll(async () => {
  await tables.close()
  await rm(folder, { recursive: true })
})

async function ingest(content: string) {
  const path = join(folder, 'upload.csv')
  await writeFile(path, content)
  return tables.ingestFile(path)
}

const digits = (max: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: max })
const decimalText = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.oneof(
      digits(25),
      fc.tuple(digits(25), digits(25)).map(([a, b]) => `${a}.${b}`),
      digits(20).map((a) => `.${a}`),
      digits(20).map((a) => `${a}.`),
    ),
    fc.oneof(
      fc.constant(''),
      fc
        .tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '-', '+'), fc.nat({ max: 330 }))
        .map((parts) => parts.join('')),
    ),
  )
  .map((parts) => parts.join(''))
  .filter((text) => Number.isFinite(Number(text)))
const shortestText = fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)
const HARD_TEXTS = [
  '0.1',
  '-0',
  '5e-324',
  '2.4703282292062327e-324',
  '2.4703282292062328e-324',
  '1e-400',
  '-1e-400',
  '2.2250738585072011e-308',
  '1.7976931348623157e308',
  '9007199254740993',
  '0.500000000000000166533453693773481063544750213623046875',
  '123456789012345678901234567890',
]

describe('a number in a file', () => {
  it('becomes exactly the number that JavaScript reads, in the file, in pages and in memory', async () => {
    const texts = [
      ...HARD_TEXTS,
      ...fc.sample(decimalText, { seed: 1, numRuns: 4000 }),
      ...fc.sample(shortestText, { seed: 2, numRuns: 4000 }),
    ]
    const expected = Float64Array.from(texts, Number)

    const ingested = await ingest(
      `x,y\n${texts.map((text, i) => `${text},c${i % 2}`).join('\n')}\n`,
    )
    const { parquetPath, columns, rows } = ingested
    const pages = await tables.readRows(parquetPath, columns, { offset: 0, limit: rows })
    const table = await tables.readTable(parquetPath, columns)

    expect(columns[0]?.type).toBe('number')
    const paged = Float64Array.from(pages, ([x]) => Number(x))
    const column = table.columns.get('x')
    const loaded = column?.type === 'number' ? Float64Array.from(column.values) : null
    // Compared as bytes: -0 is not 0 here.
    expect(Buffer.compare(Buffer.from(paged.buffer), Buffer.from(expected.buffer))).toBe(0)
    expect(loaded && Buffer.compare(Buffer.from(loaded.buffer), Buffer.from(expected.buffer))).toBe(
      0,
    )
  })

  it('is only what reads as a plain decimal number; every other text makes the column text', async () => {
    const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
    const texts = fc
      .sample(
        fc.string({
          unit: fc.constantFrom(...'0123456789+-.eE_xdfnaif '),
          minLength: 1,
          maxLength: 6,
        }),
        { seed: 3, numRuns: 900 },
      )
      .map((text) => text.trim())
      .filter((text) => text !== '' && !/^[+-]?(nan|inf|infinity|0x[\da-f]+)$|^na$/i.test(text))
      .filter((text) => !isNumber.test(text) || Number.isFinite(Number(text)))
      .slice(0, 250)
    const names = texts.map((_, i) => `c${i}`)

    const { columns } = await ingest(
      `${names.join(',')},y\n${texts.map(() => '1').join(',')},a\n${texts.join(',')},b\n`,
    )

    const types = columns.slice(0, -1).map(({ type }, i) => `${texts[i]} ${type}`)
    expect(types).toEqual(
      texts.map((text) => `${text} ${isNumber.test(text) ? 'number' : 'category'}`),
    )
  })

  it.each([5000, 256 * 1024 - 1, 256 * 1024])(
    'is none with an underscore between digits, be it the byte %i of the file',
    async (place) => {
      const line = (r: number) => `${r % 10},${r % 2 === 0 ? 'a' : 'b'}\n`
      const before = `x,y\n${Array.from({ length: Math.floor(place / 4) - 2 }, (_, r) => line(r)).join('')}`
      const cell = `${'1'.padStart(place - before.length, '0')}_000`

      const ingested = await ingest(`${before}${cell},a\n2,b\n`)

      const { parquetPath, columns, rows } = ingested
      const page = await tables.readRows(parquetPath, columns, { offset: rows - 2, limit: 1 })
      expect(columns[0]?.type).toBe('category')
      expect(page).toEqual([[cell, 'a']])
    },
  )
})
