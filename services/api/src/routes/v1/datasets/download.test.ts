import { datasetSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
let url: string
let etag: string
let whole: Buffer
beforeAll(async () => {
  test = await buildTestApp()
  // Several chunks of a blob.
  const body = { builtin: { generator: 'moons', rows: 50_000, noise: 0.1 } }
  const dataset = datasetSchema.parse(await test.makeDataset(body))
  url = `/v1/datasets/${dataset.id}/download`
  etag = `"${dataset.sha256}"`
  whole = (await test.send('GET', url)).rawPayload
})
afterAll(() => test.close())

const get = (headers: Record<string, string>) => test.send('GET', url, { headers })

describe('206', () => {
  it('answers one part, from any byte to any other, across chunks and at both ends', async () => {
    const size = whole.length
    expect(size).toBeGreaterThan(700_000)
    for (const [range, start, end] of [
      ['bytes=0-9', 0, 10],
      ['bytes=262143-262144', 262_143, 262_145],
      ['bytes=262144-600000', 262_144, 600_001],
      [`bytes=${size - 5}-`, size - 5, size],
      ['bytes=-300000', size - 300_000, size],
    ] as const) {
      const part = await get({ range })

      expect(part.statusCode).toBe(206)
      expect(part.headers).toMatchObject({
        'content-range': `bytes ${start}-${end - 1}/${size}`,
        'content-length': String(end - start),
        'accept-ranges': 'bytes',
        etag,
      })
      expect(part.rawPayload.equals(whole.subarray(start, end))).toBe(true)
    }
  })

  it('lets a broken download go on where it broke', async () => {
    const rest = await get({ range: 'bytes=100000-', 'if-range': etag })

    expect(Buffer.concat([whole.subarray(0, 100_000), rest.rawPayload]).equals(whole)).toBe(true)
  })
})

describe('200', () => {
  it('answers the whole where another table was begun with, and several parts are asked for', async () => {
    for (const headers of [
      { range: 'bytes=5-', 'if-range': '"another"' },
      { range: 'bytes=0-1,5-6' },
    ]) {
      const response = await get(headers)
      expect(response.statusCode).toBe(200)
      expect(response.rawPayload.equals(whole)).toBe(true)
    }
  })

  it('says to HEAD how long the whole is, whatever the range', async () => {
    const response = await test.send('HEAD', url, { headers: { range: 'bytes=0-9' } })

    expect(response.statusCode).toBe(200)
    expect(response.headers).toMatchObject({
      'content-length': String(whole.length),
      'accept-ranges': 'bytes',
    })
  })
})

it('answers 304 before it looks at the range', async () => {
  expect((await get({ range: 'bytes=0-9', 'if-none-match': etag })).statusCode).toBe(304)
})

it('answers 416 with the length to who asks for what lies behind the end', async () => {
  const response = await get({ range: `bytes=${whole.length}-` })

  expect(toProblem(response)).toMatchObject({
    status: 416,
    code: 'range_not_satisfiable',
    bytes: whole.length,
  })
  expect(response.headers['content-range']).toBe(`bytes */${whole.length}`)
})
