import { readdir } from 'node:fs/promises'
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
  it.each(['text/plain', 'application/xml', 'multipart/form-data; boundary=x'])(
    'refuses %s',
    async (type) => {
      const response = await post(CSV, { 'content-type': type })

      expect(toProblem(response)).toMatchObject({ status: 415, code: 'unsupported_media_type' })
    },
  )

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

  expect(await readdir(`${test.scratchDir}/uploads`)).toEqual([])
})
