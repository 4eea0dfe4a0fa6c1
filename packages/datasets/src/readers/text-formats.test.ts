/** NDJSON, JSON, ARFF, TSV and IDX: what is read, and what is refused with which words. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TableFormat } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { captureFaults } from '../capture-faults.fixture.ts'
import type { FileOptions } from '../ingest-file.ts'
import { formatOfContent, formatOfName } from '../table-format.ts'
import { openTables, type Tables } from '../tables.ts'

let folder: string
let tables: Tables
let path: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-formats-'))
  tables = await openTables({ folder })
  path = join(folder, 'upload')
})
afterAll(async () => {
  await tables.close()
  await rm(folder, { recursive: true })
})

async function read(
  format: TableFormat,
  content: string | Uint8Array,
  options: Partial<FileOptions> = {},
) {
  await writeFile(path, content)
  const { parquetPath, columns, rows, warnings } = await tables.ingestFile(path, {
    ...options,
    format,
  })
  const cells = await tables.readRows(parquetPath, columns, { offset: 0, limit: rows })
  await rm(parquetPath)
  const types = columns.map(({ name, type }) => `${name}:${type}`).join(' ')
  return { types, cells, warnings: warnings.map(({ code }) => code) }
}

async function faultsOf(
  format: TableFormat,
  content: string | Uint8Array,
  options: Partial<FileOptions> = {},
) {
  await writeFile(path, content)
  const faults = await captureFaults(() => tables.ingestFile(path, { ...options, format }))
  expect((await readdir(folder)).filter((name) => name !== 'labels').sort()).toEqual([
    'spill',
    'upload',
  ])
  return faults
}

describe('NDJSON', () => {
  it('takes the keys of all records as columns, and their types from JSON', async () => {
    const content =
      '{"a":1,"t":"x","y":true}\n\n{"t":" q\\"\\u00e9","y":false,"a":1.5}\r\n{"a":-2e-3,"late":null,"t":"","y":true}'

    expect(await read('ndjson', content)).toEqual({
      types: 'a:number t:category y:boolean late:number',
      cells: [
        [1, 'x', true, null],
        [1.5, 'q"é', false, null],
        [-0.002, null, true, null],
      ],
      warnings: expect.arrayContaining(['empty_column']),
    })
  })

  it('reads a column of several types as text, with a warning', async () => {
    const { types, cells, warnings } = await read('ndjson', '{"a":1,"y":"p"}\n{"a":true,"y":"q"}\n')

    expect(types).toBe('a:category y:category')
    expect(cells).toEqual([
      ['1', 'p'],
      ['true', 'q'],
    ])
    expect(warnings).toEqual(expect.arrayContaining(['mixed_types']))
  })

  it('names the line of everything that is wrong', async () => {
    expect(await faultsOf('ndjson', '{"a":1,"y":"p"}\n\n{"a":1 "y":"q"}\n[1]\n5\n')).toMatchObject([
      { line: 3, detail: expect.stringContaining('Line 3 is not valid JSON') },
      { line: 4, detail: 'Line 4 is no JSON object' },
      { line: 5, detail: 'Line 5 is no JSON object' },
    ])
    expect(
      await faultsOf(
        'ndjson',
        '{"a":1,"y":"p"}\n\n{"a":{"b":1},"y":"q"}\n{"a":1e400,"y":"\\u0000"}\n',
      ),
    ).toMatchObject([
      { line: 3, column: 'a', detail: 'Line 3, column "a": holds an object or a list' },
      { line: 4, column: 'a', detail: expect.stringContaining('too large for a 64-bit number') },
      { line: 4, column: 'y', detail: expect.stringContaining('NUL') },
    ])
    expect(await faultsOf('ndjson', '{"a":1,"A":2,"y":"p"}\n')).toMatchObject([
      { detail: 'The keys "a" and "A" differ in case only; rename one' },
    ])
    expect(
      await faultsOf('ndjson', '{"a":"x","y":"p"}\n{"a":1,"y":"q"}\n', { types: { a: 'number' } }),
    ).toMatchObject([{ line: 1, column: 'a' }])
  })

  it('takes names that are traps in JavaScript for names', async () => {
    const { types } = await read('ndjson', '{"__proto__":1,"y":"p"}\n{"__proto__":2,"y":"q"}\n')

    expect(types).toBe('__proto__:number y:category')
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('JSON', () => {
  it('reads an array of records', async () => {
    const { cells } = await read('json', '[{"a":1,"y":"p"},\n {"y":"q",\n"a":2}]')

    expect(cells).toEqual([
      [1, 'p'],
      [2, 'q'],
    ])
  })

  it('names the record of a cell that is no value, and refuses what is no array', async () => {
    expect(await faultsOf('json', '[{"a":1,"y":"p"},{"a":[1],"y":"q"}]')).toMatchObject([
      { detail: 'Record 2, column "a": holds an object or a list' },
    ])
    expect(await faultsOf('json', '{"a":1,"y":"p"}')).toMatchObject([
      { detail: expect.stringContaining('The file is not valid JSON') },
    ])
    expect(await faultsOf('json', '[{"a":1,"y":"p"},{"a"')).toMatchObject([
      { detail: expect.stringContaining('unexpected end of data') },
    ])
  })
})

describe('ARFF', () => {
  const HEADER =
    "% a comment\n@RELATION r\n\n@attribute 'sepal length' REAL\n@attribute note string\n@attribute class {a, 'b c', \"d\"}\n@data\n"

  it('reads declared types, quotes, missing values and comments', async () => {
    const rows = "1.5,'it\\'s, ok',a\n% between\n?,?,'b c'\r\n\n-2e3,\"x\ty\",d\n"

    expect(await read('arff', HEADER + rows)).toMatchObject({
      types: 'sepal length:number note:category class:category',
      cells: [
        [1.5, "it's, ok", 'a'],
        [null, null, 'b c'],
        [-2000, 'x\ty', 'd'],
      ],
    })
  })

  it('names the line of everything that does not keep to the header', async () => {
    const rows = "1,x,c\nx,x,a\n1,x\n1,'x,a\n{0 1}\n"

    expect(await faultsOf('arff', HEADER + rows)).toMatchObject([
      {
        line: 8,
        column: 'class',
        detail: 'Line 8, column "class": "c" is none of the declared values',
      },
      { line: 9, column: 'sepal length' },
      { line: 10, detail: 'Line 10 has 2 values, there are 3 attributes' },
      { line: 11, detail: expect.stringContaining('a quote is never closed') },
      { line: 12, detail: 'Line 12 is sparse, which is not read; write all values' },
    ])
    expect(await faultsOf('arff', `${HEADER}1,x,a\n% here\n2,x,?\n3,x,d\n`)).toEqual([
      { line: 10, column: 'class', detail: 'Line 10: the target "class" is missing' },
    ])
    expect(await faultsOf('arff', '@relation r\n@attribute a {x,y\n')).toMatchObject([{ line: 2 }])
    expect(await faultsOf('arff', '@relation r\n')).toMatchObject([
      { detail: 'The file has no @data line' },
    ])
  })
})

describe('IDX', () => {
  const images = Buffer.from([
    0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 255,
  ])
  const labels = Buffer.from([0, 0, 8, 1, 0, 0, 0, 2, 0, 9])

  it('reads images with the labels beside them', async () => {
    const labelsPath = join(folder, 'labels')
    await writeFile(labelsPath, labels)

    expect(await read('idx', images, { labelsPath })).toMatchObject({
      types: 'column_1:number column_2:number column_3:number column_4:number label:number',
      cells: [
        [1, 2, 3, 4, 0],
        [5, 6, 7, 255, 9],
      ],
      warnings: [],
    })
    await rm(labelsPath)
  })

  it('refuses images without labels, and a file that is not as long as it says', async () => {
    expect(await faultsOf('idx', images)).toMatchObject([
      { detail: expect.stringContaining('as the part labels') },
    ])
    expect(await faultsOf('idx', images.subarray(0, -1), { target: 'column_4' })).toEqual([
      { detail: 'The IDX file should have 24 bytes by its header, and has 23' },
    ])
  })
})

describe('any format', () => {
  it('separates a .tsv by tabs, whatever else the first line holds', async () => {
    const { cells } = await read('tsv', 'a,b,c\ty\n1\tp\n2\tq\n')

    expect(cells).toEqual([
      [1, 'p'],
      [2, 'q'],
    ])
  })

  it('refuses options that mean nothing for it', async () => {
    expect(await faultsOf('json', '[]', { separator: ';', header: true })).toEqual([
      { detail: 'separator: is an option of CSV; the file is json' },
      { detail: 'header: is an option of CSV; the file is json' },
    ])
  })

  it('refuses bytes that are no Parquet in plain words', async () => {
    const garbage = Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(40, 7), Buffer.from('PAR1')])

    expect(await faultsOf('parquet', garbage)).toMatchObject([
      { detail: expect.stringContaining('The file is not a sound Parquet file') },
    ])
  })

  it('is known by the name of a file, packed or not, and else by its first bytes', async () => {
    expect(
      [
        'a.csv',
        'b.TSV.gz',
        'c.jsonl',
        'd.parquet',
        'train.npz',
        'e.arff.zst',
        'images-idx3-ubyte.gz',
      ].map(formatOfName),
    ).toEqual(['csv', 'tsv', 'ndjson', 'parquet', 'npz', 'arff', null])
    const starts = [
      'a,b\n',
      '{"a":1}',
      ' [{',
      'PAR1',
      '% x\n@relation r',
      Buffer.from([0, 0, 8, 3]),
    ]
    const found: string[] = []
    for (const start of starts) {
      await writeFile(path, start)
      found.push(await formatOfContent(path))
    }
    expect(found).toEqual(['csv', 'ndjson', 'json', 'parquet', 'arff', 'idx'])
  })
})
