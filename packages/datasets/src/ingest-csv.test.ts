import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { captureFaults } from './capture-faults.fixture.ts'
import type { CsvOptions } from './ingest-csv.ts'
import type { Ingested } from './store-table.ts'
import { openTables, type Tables } from './tables.ts'

let folder: string
let tables: Tables

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-csv-'))
  tables = await openTables({ folder })
})

afterAll(async () => {
  await tables.close()
  await rm(folder, { recursive: true })
})

async function ingest(content: string | Uint8Array, options: CsvOptions = {}): Promise<Ingested> {
  const path = join(folder, 'upload.csv')
  await writeFile(path, content)
  return tables.ingestFile(path, options)
}

const faultsOf = (content: string | Uint8Array, options: CsvOptions = {}) =>
  captureFaults(() => ingest(content, options))

async function rowsOf(ingested: Ingested) {
  const { parquetPath, columns, rows } = ingested
  return tables.readRows(parquetPath, columns, { offset: 0, limit: rows })
}

describe('types', () => {
  it('reads numbers, booleans and texts, with empty cells missing and surrounding blanks cut', async () => {
    const ingested = await ingest(
      'n,b,t,y\n 1.5 ,true,red,0\n-2e3,FALSE, blue,1\n,,,0\n.5,True,"re,d",1\n',
    )

    expect(ingested.columns.map(({ type }) => type)).toEqual([
      'number',
      'boolean',
      'category',
      'number',
    ])
    expect(await rowsOf(ingested)).toEqual([
      [1.5, true, 'red', 0],
      [-2000, false, 'blue', 1],
      [null, null, null, 0],
      [0.5, true, 're,d', 1],
    ])
  })

  it('describes columns: missing, range, mean, population deviation, levels by code point', async () => {
    const { columns } = await ingest('n,t,y\n1,é,0\n2,z,1\n3,Z,0\n,𝒜,1\n6,ｚ,1\n')

    expect(columns[0]).toEqual({
      name: 'n',
      type: 'number',
      role: 'feature',
      missing: 1,
      min: 1,
      max: 6,
      mean: 3,
      std: Math.sqrt(3.5),
      levels: null,
    })
    expect(columns[1]?.levels).toEqual(['Z', 'z', 'é', 'ｚ', '𝒜'])
  })

  it('describes numbers near the largest without overflow', async () => {
    const { columns } = await ingest('n,y\n1e308,a\n-1e308,b\n1e308,a\n-1e308,b\n')

    expect(columns[0]).toMatchObject({ min: -1e308, max: 1e308, mean: 0 })
    expect(columns[0]?.std).toBeCloseTo(1e308, -295)
  })

  it('takes NA and null as missing among numbers, with a warning, and as text among texts', async () => {
    const ingested = await ingest('n,t,y\n1,NA,a\nNA,x,b\nnull,y,a\n')

    expect((await rowsOf(ingested)).map((row) => row.slice(0, 2))).toEqual([
      [1, 'NA'],
      [null, 'x'],
      [null, 'y'],
    ])
    expect(ingested.warnings).toContainEqual(
      expect.objectContaining({ code: 'missing_words', column: 'n' }),
    )
  })

  it('obeys declared types, and names every cell that does not fit', async () => {
    const forced = await ingest('a,y\n1,p\n2,q\n', { types: { a: 'category' } })

    expect(forced.columns[0]).toMatchObject({ type: 'category', levels: ['1', '2'] })
    expect(await faultsOf('a,y\n1,p\nx,q\n', { types: { a: 'number' } })).toEqual([
      { detail: 'Line 3, column "a": "x" is not a number', line: 3, column: 'a' },
    ])
    expect(await faultsOf('a,y\ntrue,p\n1,q\n', { types: { a: 'boolean' } })).toEqual([
      { detail: 'Line 3, column "a": "1" is not true or false', line: 3, column: 'a' },
    ])
    expect(await faultsOf('a,y\n1,p\n', { types: { b: 'number' } })).toMatchObject([
      { detail: 'types: there is no column "b"' },
    ])
  })

  it('ignores a column of more than 10,000 texts and says so', async () => {
    const lines = Array.from({ length: 10_001 }, (_, i) => `id${i},${i % 7},${i % 2}`)

    const { columns, warnings } = await ingest(`id,x,y\n${lines.join('\n')}\n`)

    expect(columns[0]).toMatchObject({ role: 'ignored', levels: null })
    expect(warnings).toContainEqual(
      expect.objectContaining({ code: 'too_many_levels', column: 'id' }),
    )
  })

  it('keeps ignored columns in the file, without a part in training', async () => {
    const ingested = await ingest('id,x,y\n7,1,a\n8,2,b\n', { ignore: ['id'] })
    const table = await tables.readTable(ingested.parquetPath, ingested.columns)

    expect(ingested.columns[0]?.role).toBe('ignored')
    expect((await rowsOf(ingested))[1]).toEqual([8, 2, 'b'])
    expect([...table.columns.keys()]).toEqual(['x', 'y'])
  })
})

describe('target', () => {
  it('is the named column, else target, label, class or y in any case, else the last with a warning', async () => {
    const named = await ingest('a,b\n1,x\n2,y\n', { target: 'a' })
    const usual = await ingest('Label,b\n1,x\n2,y\n')
    const last = await ingest('a,b\n1,x\n2,y\n')

    expect([named.target, usual.target, last.target]).toEqual(['a', 'Label', 'b'])
    expect(named.warnings).toEqual([])
    expect(last.warnings).toEqual([
      expect.objectContaining({ code: 'target_assumed', column: 'b' }),
    ])
  })

  it('means classes when it is text, boolean or at most 20 whole numbers, sorted by code point', async () => {
    const numbers = (n: number, f = (i: number) => String(i)) =>
      `x,y\n${Array.from({ length: 2 * n }, (_, i) => `${i},${f(i % n)}`).join('\n')}\n`

    const eleven = await ingest(numbers(11))
    const twentyOne = await ingest(numbers(21))
    const halves = await ingest(numbers(3, (i) => String(i / 2)))
    const booleans = await ingest('x,y\n1,true\n2,false\n')

    expect(eleven.task).toBe('classification')
    expect(eleven.columns[1]).toMatchObject({ type: 'number', role: 'target' })
    expect(eleven.columns[1]?.levels?.slice(0, 4)).toEqual(['0', '1', '10', '2'])
    expect([twentyOne.task, halves.task]).toEqual(['regression', 'regression'])
    expect(halves.columns[1]?.levels).toBeNull()
    expect(booleans.columns[1]?.levels).toEqual(['false', 'true'])
  })

  it('is a quantity in a table of one row, where a number has none to be told from', async () => {
    const { task, columns } = await ingest('a,y\n1,24\n')

    expect([task, columns[1]?.levels]).toEqual(['regression', null])
    expect(await faultsOf('a,y\n1,p\n')).toMatchObject([
      { detail: 'The target "y" has the same value in every row' },
    ])
  })

  it('is refused when absent, missing in a row, constant or of more than 1,000 classes', async () => {
    const classes = Array.from({ length: 1001 }, (_, i) => `${i},c${i}`).join('\n')

    expect(await faultsOf('a,y\n1,p\n', { target: 'z' })).toMatchObject([
      { detail: 'There is no column "z" to be the target' },
    ])
    expect(await faultsOf('a,y\n"1\n",p\n2,\n3,q\n')).toEqual([
      { detail: 'Line 4: the target "y" is missing', line: 4, column: 'y' },
    ])
    expect(await faultsOf('a,y\n1,p\n2,p\n')).toMatchObject([
      { detail: 'The target "y" has the same value in every row' },
    ])
    expect(await faultsOf(`a,y\n${classes}\n`)).toMatchObject([
      { detail: 'The target "y" has 1001 classes; at most 1000 are taken' },
    ])
  })
})

describe('content', () => {
  it('gives the same bytes for the same content, whatever the line ends and the byte order mark', async () => {
    const { readFile } = await import('node:fs/promises')
    const first = await ingest('a,t,y\n1,p,0\n2,,1\n')
    const second = await ingest('\ufeffa,t,y\r\n1,p,0\r\n2,,1')

    expect(await readFile(second.parquetPath)).toEqual(await readFile(first.parquetPath))
    expect(second.columns).toEqual(first.columns)
  })

  it('reads names that are traps in JavaScript as names like any other', async () => {
    const ingested = await ingest('__proto__,constructor,toString,y\n1,2,3,a\n4,5,6,b\n')
    const table = await tables.readTable(ingested.parquetPath, ingested.columns)

    expect(ingested.columns.map(({ name }) => name)).toEqual([
      '__proto__',
      'constructor',
      'toString',
      'y',
    ])
    expect(table.columns.get('__proto__')).toMatchObject({ values: Float64Array.of(1, 4) })
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it('tells columns apart that differ in case only', async () => {
    const ingested = await ingest('a,A,y\n1,2,p\n3,4,q\n')

    expect((await rowsOf(ingested))[1]).toEqual([3, 4, 'q'])
  })

  it.each([
    ['a class of other rows', '5.1,3.5,setosa\n4.9,3.0,setosa\n7.0,3.2,virginica\n'],
    ['no word, and a number twice', '0,5,0,1\n0,3,1,2\n1,2,3,0\n'],
    ['no word, and numbers that fall', '2.5,1.5\n3,1\n4,2\n'],
    ['a truth value', '1,true\n2,false\n3,true\n'],
    ['a missing cell', ',3.5,p\n4.9,3.0,q\n1,2,p\n'],
  ])('reads a first line as data that holds %s, and says so', async (_, text) => {
    const { rows, columns, warnings } = await ingest(text)

    expect(rows).toBe(3)
    expect(columns[0]?.name).toBe('column_1')
    expect(warnings.map(({ code }) => code)).toContain('header_looks_like_data')
  })

  it.each([
    ['words', 'a,y\n1,p\n2,q\n', false],
    ['years beside a word', 'country,2019,2020\nA,1,2\nB,3,4\nA,5,6\n', false],
    ['years alone', '2019,2020\n1,2\n3,4\n', true],
    ['wavelengths', '400.5,401.5\n1,2\n3,4\n', true],
    ['words above texts', 'first,second\np,q\nr,q\np,s\n', false],
    ['a word that is a level too, beside a word above numbers', 'a,y\na,1\nb,2\na,3\n', false],
    ['numbers above classes that are none of them', '7,3,5\n1.5,2.5,p\n2.5,1.5,q\n3.5,1,p\n', true],
  ])('reads a first line of %s as names', async (_, text, isWarned) => {
    const { columns, warnings } = await ingest(text)

    expect(columns.map(({ name }) => name)).toEqual(text.split('\n')[0]?.split(','))
    expect(warnings.some(({ code }) => code === 'header_looks_like_data')).toBe(isWarned)
  })

  it('takes the word of the caller on the first line', async () => {
    const text = '5.1,3.5,setosa\n4.9,3.0,setosa\n7.0,3.2,virginica\n'

    const named = await ingest(text, { header: true })

    expect(named.columns.map(({ name }) => name)).toEqual(['5.1', '3.5', 'setosa'])
    expect(named.rows).toBe(2)
  })

  it('reads semicolons, tabs and bars without being told, and files without a header when told', async () => {
    for (const separator of [';', '\t', '|']) {
      const ingested = await ingest(`a${separator}y\n1${separator}p,\n2${separator}q\n`)
      expect(await rowsOf(ingested)).toEqual([
        [1, 'p,'],
        [2, 'q'],
      ])
    }
    const bare = await ingest('\ufeff1,p\n2,q\n', { header: false })
    expect(bare.columns.map(({ name }) => name)).toEqual(['column_1', 'column_2'])
    expect(await rowsOf(bare)).toEqual([
      [1, 'p'],
      [2, 'q'],
    ])
  })
})
