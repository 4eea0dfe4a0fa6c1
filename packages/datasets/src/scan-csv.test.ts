import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findCsvFaults, findRecordLines } from './scan-csv.ts'

let folder: string
let path: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-scan-'))
  path = join(folder, 'x.csv')
})

afterAll(() => rm(folder, { recursive: true }))

describe('findRecordLines', () => {
  it('gives physical lines: quoted line breaks count, blank lines count, records do not', async () => {
    await writeFile(path, 'a,b\n\n"1\n2",x\n3,"\n"\n\n4,y')

    const lines = await findRecordLines(path, ',', [0, 1, 2, 3])

    expect([...lines]).toEqual([
      [0, 1],
      [1, 3],
      [2, 5],
      [3, 8],
    ])
  })

  it('counts CRLF and CR as one line end each', async () => {
    await writeFile(path, 'a,b\r\n1,"x\r\ny"\r\n2,z\r\n')
    const crlf = await findRecordLines(path, ',', [2])
    await writeFile(path, 'a,b\r1,x\r2,z')
    const cr = await findRecordLines(path, ',', [2])

    expect([crlf.get(2), cr.get(2)]).toEqual([4, 3])
  })

  it('keeps its place over pieces of 256 KiB', async () => {
    const cell = 'é'.repeat(50_000)
    await writeFile(path, `a,b\n${Array.from({ length: 9 }, () => `"${cell}\n",1`).join('\n')}\n`)

    expect(await findCsvFaults(path, ',', 2)).toEqual([])
    expect((await findRecordLines(path, ',', [9])).get(9)).toBe(18)
  })
})

describe('findCsvFaults', () => {
  it('agrees with DuckDB on which files are sound and how many records they have', async () => {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    const tokens = ['a', '1', ',', ',', ',', '\n', '\n', ' ', '""', '"x"', '"', 'é']
    const body = fc.array(fc.constantFrom(...tokens), { minLength: 2, maxLength: 14 })
    const sql = `SELECT count(*) FROM read_csv('${path}', columns = {'f0': 'VARCHAR', 'f1': 'VARCHAR'},
      auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', strict_mode = true)`
    const disagreements: string[] = []

    for (const parts of fc.sample(body, { seed: 5, numRuns: 400 })) {
      const text = `h,i\n${parts.join('')}`
      await writeFile(path, text)
      const rows = await connection.runAndReadAll(sql).then(
        (result) => Number(result.getRows()[0]?.[0]),
        () => null,
      )
      const faults = await findCsvFaults(path, ',', 2)
      const records = await findRecordLines(path, ',', [...Array(20).keys()])
      const isAgreed =
        rows === null ? faults.length > 0 : faults.length === 0 && records.size === rows + 1
      if (!isAgreed) disagreements.push(text)
    }

    // What is left are quotes after leading blanks, which DuckDB reads by where they stand; the scan only explains.
    expect(disagreements.filter((text) => !/ "/.test(text))).toEqual([])
    connection.closeSync()
    instance.closeSync()
  })
})
