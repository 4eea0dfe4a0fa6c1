import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { datasetRowsSchema, datasetSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
beforeAll(async () => {
  test = await buildTestApp()
})
afterAll(() => test.close())

const CSV = 'a,b,y\n1,2,yes\n3,4,no\n5,6,yes\n7,8,no\n'

const post = (body: unknown, headers: Record<string, string> = {}, url = '/v1/datasets') =>
  test.send('POST', url, { body, headers })
const postCsv = (text: string, query = '', headers: Record<string, string> = {}) =>
  post(text, { 'content-type': 'text/csv', ...headers }, `/v1/datasets${query}`)

/** Parts by name: the name of the file and its bytes. */
function postForm(
  parts: Readonly<Record<string, readonly [fileName: string, bytes: Uint8Array]>>,
  headers: Record<string, string> = {},
  boundary = 'b-1',
) {
  const body = Object.entries(parts).flatMap(([name, [fileName, bytes]]) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${fileName}"\r\n\r\n`,
    ),
    bytes,
    Buffer.from('\r\n'),
  ])
  const type = `multipart/form-data; boundary=${boundary}`
  return post(Buffer.concat([...body, Buffer.from(`--${boundary}--\r\n`)]), {
    'content-type': type,
    ...headers,
  })
}

describe('201', () => {
  it('makes a data set of a CSV body with its options', async () => {
    const response = await postCsv(CSV, '?name=mine&target=y&ignore=b')

    const dataset = datasetSchema.parse(response.json())
    expect(response.statusCode).toBe(201)
    expect(response.headers.location).toBe(`/v1/datasets/${dataset.id}`)
    expect(dataset).toMatchObject({ name: 'mine', rows: 4, target: 'y', task: 'classification' })
    expect(dataset.columns.map(({ role }) => role)).toEqual(['feature', 'ignored', 'target'])
  })

  it('gives the rows back as they came', async () => {
    const { id } = datasetSchema.parse((await postCsv(CSV)).json())

    const response = await test.send('GET', `/v1/datasets/${id}/rows?offset=1&limit=2`)

    expect(datasetRowsSchema.parse(response.json())).toEqual({
      object: 'dataset.rows',
      columns: ['a', 'b', 'y'],
      rows: [
        [3, 4, 'no'],
        [5, 6, 'yes'],
      ],
      offset: 1,
      total: 4,
    })
  })

  it.each([
    ['text/tab-separated-values', 'a\ty\n1\tyes\n2\tno\n'],
    ['application/x-ndjson', '{"a":1,"y":"yes"}\n{"a":2,"y":"no"}\n'],
    ['text/x-arff', '@relation r\n@attribute a real\n@attribute y {yes,no}\n@data\n1,yes\n2,no\n'],
    ['application/octet-stream', '[{"a":1,"y":"yes"},{"a":2,"y":"no"}]'],
    ['text/csv', gzipSync('a,y\n1,yes\n2,no\n')],
    ['application/zstd', zstdCompressSync('a,y\n1,yes\n2,no\n')],
  ])('reads %s', async (type, body) => {
    const response = await post(body, { 'content-type': type }, '/v1/datasets?name=file')

    const { id } = datasetSchema.parse(response.json())
    const rows = await test.send('GET', `/v1/datasets/${id}/rows`)
    expect(rows.json().rows).toEqual([
      [1, 'yes'],
      [2, 'no'],
    ])
  })

  it('reads the file of a form by its name, with the labels beside it', async () => {
    const csv = await postForm({ file: ['table.tsv', Buffer.from('a\ty\n1\tp\n2\tq\n')] })
    const idx = await postForm({
      labels: ['l', gzipSync(Buffer.from([0, 0, 8, 1, 0, 0, 0, 2, 3, 9]))],
      file: ['t', gzipSync(Buffer.from([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4]))],
    })

    expect(datasetSchema.parse(csv.json())).toMatchObject({ name: 'table.tsv', rows: 2 })
    expect(datasetSchema.parse(idx.json())).toMatchObject({ target: 'label', rows: 2 })
  })

  it('answers a repeated form as the same request, though its boundary is another', async () => {
    const headers = { 'idempotency-key': 'form' }
    const parts = { file: ['t.csv', Buffer.from(CSV)] } as const

    const first = await postForm(parts, headers, 'one')
    const second = await postForm(parts, headers, 'two')

    expect(second.headers['idempotent-replayed']).toBe('true')
    expect(second.json()).toEqual(first.json())
  })

  it('gives the table back as Parquet that becomes the same data set again', async () => {
    const first = datasetSchema.parse((await postCsv(CSV, '?target=y')).json())

    const download = await test.send('GET', `/v1/datasets/${first.id}/download`)
    const again = await post(
      download.rawPayload,
      { 'content-type': 'application/vnd.apache.parquet' },
      '/v1/datasets?target=y',
    )

    expect(download.headers).toMatchObject({
      'content-type': 'application/vnd.apache.parquet',
      'content-length': String(first.bytes),
      'content-disposition': `attachment; filename="${first.id}.parquet"`,
      etag: `"${first.sha256}"`,
    })
    expect(createHash('sha256').update(download.rawPayload).digest('hex')).toBe(first.sha256)
    expect(datasetSchema.parse(again.json())).toMatchObject({
      columns: first.columns,
      sha256: first.sha256,
    })
    const etag = `"${first.sha256}"`
    const unchanged = await test.send('GET', `/v1/datasets/${first.id}/download`, {
      headers: { 'if-none-match': etag },
    })
    expect(unchanged.statusCode).toBe(304)
  })

  it('makes a data set of inline rows and of a generator', async () => {
    const inline = await post({
      name: 'xor',
      columns: ['a', 'b', 'y'],
      rows: [
        [0, 0, 0],
        [0, 1, 1],
        [1, 0, 1],
        [1, 1, 0],
      ],
      target: 'y',
    })
    const generated = await post({ builtin: { generator: 'moons', rows: 50, seed: 3 } })

    expect(datasetSchema.parse(inline.json())).toMatchObject({ name: 'xor', rows: 4 })
    expect(datasetSchema.parse(generated.json())).toMatchObject({ name: 'moons', rows: 50 })
  })

  it('stores equal content once and still makes a new data set', async () => {
    const [one, two] = [(await postCsv(CSV)).json(), (await postCsv(CSV)).json()]

    expect(one.id).not.toBe(two.id)
    expect(one.sha256).toBe(two.sha256)
  })

  it('answers a repeated Idempotency-Key with the same data set', async () => {
    const headers = { 'idempotency-key': '"a key"' }

    const first = await postCsv(CSV, '?name=once', headers)
    const second = await postCsv(CSV, '?name=once', headers)

    expect(second.statusCode).toBe(201)
    expect(second.headers['idempotent-replayed']).toBe('true')
    expect(first.headers['idempotent-replayed']).toBeUndefined()
    expect(second.json()).toEqual(first.json())
    expect(second.headers.location).toBe(first.headers.location)
  })
})

describe('400', () => {
  it.each(['', 'é', 'x'.repeat(256), '"open'])('refuses the Idempotency-Key %j', async (key) => {
    const response = await postCsv(CSV, '', { 'idempotency-key': key })

    expect(toProblem(response)).toMatchObject({ status: 400, code: 'invalid_idempotency_key' })
  })
})

describe('413', () => {
  it('refuses a file over the limit by its announced length, unread', async () => {
    const response = await postCsv(CSV, '', { 'content-length': String(1024 ** 3 + 1) })

    expect(toProblem(response).code).toBe('payload_too_large')
  })

  it('refuses a JSON body over one mebibyte', async () => {
    const response = await post({ columns: ['a', 'y'], rows: [['x'.repeat(1024 ** 2), 1]] })

    expect(toProblem(response).code).toBe('payload_too_large')
  })
})

describe('415', () => {
  it.each(['text/plain', 'application/xml'])('refuses %s', async (type) => {
    const response = await post(CSV, { 'content-type': type })

    expect(toProblem(response)).toMatchObject({ status: 415, code: 'unsupported_media_type' })
  })

  it('refuses compressed bodies', async () => {
    const response = await postCsv(CSV, '', { 'content-encoding': 'gzip' })

    expect(toProblem(response).code).toBe('unsupported_media_type')
  })
})

describe('422', () => {
  it('names the lines of a file that are wrong', async () => {
    const response = await postCsv('a,y\n1,2\n3\n4,5,6\n')

    const { code, errors } = toProblem(response)
    expect(code).toBe('invalid_data')
    expect(errors?.map(({ line }) => line)).toEqual([3, 4])
  })

  it('refuses a form without a file, with a part twice, or with a field', async () => {
    for (const parts of [
      { labels: ['l', Buffer.from('x')] },
      { name: ['n', Buffer.from('x')] },
    ] as const) {
      const response = await postForm(parts)
      expect(toProblem(response)).toMatchObject({ status: 422, code: 'validation_error' })
    }
  })

  it('names what is wrong in a file of another format', async () => {
    const response = await post('{"a":1,"y":"p"}\n[]\n', { 'content-type': 'application/x-ndjson' })

    expect(toProblem(response)).toMatchObject({
      code: 'invalid_data',
      errors: [{ line: 2, detail: 'Line 2 is no JSON object' }],
    })
  })

  it('refuses options of CSV beside another format', async () => {
    const response = await post(
      '{"a":1,"y":"p"}',
      { 'content-type': 'application/x-ndjson' },
      '/v1/datasets?separator=;',
    )

    expect(toProblem(response).errors?.[0]?.detail).toBe(
      'separator: is an option of CSV; the file is ndjson',
    )
  })

  it('names the cells of inline rows that are wrong', async () => {
    const response = await post({
      columns: ['a', 'y'],
      rows: [
        [1, 2],
        [{}, 2],
      ],
    })

    expect(toProblem(response).errors).toEqual([
      { pointer: '#/rows/1/0', detail: 'must be a finite number, a string, a boolean or null' },
    ])
  })

  it('refuses options of a CSV body beside JSON', async () => {
    const response = await post({ builtin: { generator: 'xor' } }, {}, '/v1/datasets?target=y')

    expect(toProblem(response).errors?.[0]).toMatchObject({ parameter: 'target' })
  })

  it('refuses a key that came with another body', async () => {
    const headers = { 'idempotency-key': 'k-1' }
    await postCsv(CSV, '', headers)

    const otherBody = await postCsv(`${CSV}9,9,no\n`, '', headers)
    const otherOptions = await postCsv(CSV, '?target=a', headers)

    expect(toProblem(otherBody).code).toBe('idempotency_mismatch')
    expect(toProblem(otherOptions).code).toBe('idempotency_mismatch')
  })

  it('refuses a request without a body', async () => {
    expect(toProblem(await test.send('POST', '/v1/datasets')).errors?.[0]?.pointer).toBe('#')
  })
})

it('leaves no file of an upload behind', async () => {
  await postCsv(CSV)
  await postCsv('broken')
  await postForm({ file: ['t.csv', gzipSync(CSV).subarray(0, 20)] })
  await post('--x\r\nno end', { 'content-type': 'multipart/form-data; boundary=x' })

  expect(await readdir(`${test.scratchDir}/uploads`)).toEqual([])
})
