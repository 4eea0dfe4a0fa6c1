import { listSchema, modelSchema, modelVersionSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
let datasetId: string
beforeAll(async () => {
  test = await buildTestApp()
  datasetId = (await test.makeDataset({ builtin: { generator: 'xor' } })).id
})
afterAll(() => test.close())

const XOR_2_2_1 = {
  weights: {
    format: 'trainyard/1',
    layers: [
      {
        weight: [
          [1, -1],
          [-1, 1],
        ],
        bias: [0, 0],
      },
      { weight: [[2, 2]], bias: [-1] },
    ],
  },
  architecture: {
    inputs: 2,
    hidden: [{ units: 2, activation: 'relu' }],
    outputs: 1,
    task: 'classification',
    classes: ['0', '1'],
  },
}

const importModel = (name: string, body: object = XOR_2_2_1, headers = {}) =>
  test.send('POST', '/v1/models', { body: { name, ...body }, headers })

describe('POST /v1/models', () => {
  it('gives imported weights the next version of their name, and says where they are', async () => {
    const first = await importModel('xor')
    const second = await importModel('xor')

    expect(first.statusCode).toBe(201)
    expect(first.headers.location).toBe('/v1/models/xor/versions/1')
    expect(modelVersionSchema.parse(first.json())).toMatchObject({
      object: 'model_version',
      model: 'xor',
      version: 1,
      parameter_count: 9,
      bytes: 36,
      source: { type: 'import' },
      architecture: { output_activation: 'sigmoid', classes: ['0', '1'] },
      preprocessing: null,
    })
    expect(second.json()).toMatchObject({ version: 2, sha256: first.json().sha256 })
    const read = await test.send('GET', '/v1/models/xor/versions/1')
    expect(read.json()).toEqual(first.json())
    const model = modelSchema.parse((await test.send('GET', '/v1/models/xor')).json())
    expect(model.latest_version).toBe(2)
    expect(model.versions.map(({ version }) => version)).toEqual([2, 1])
  })

  it('numbers versions that come at once without holes', async () => {
    const made = await Promise.all(Array.from({ length: 4 }, () => importModel('at-once')))

    expect(made.map((response) => response.json().version).sort()).toEqual([1, 2, 3, 4])
  })

  it('makes one version of two requests with one key', async () => {
    const headers = { 'idempotency-key': 'import 1' }

    const first = await importModel('once', XOR_2_2_1, headers)
    const again = await importModel('once', XOR_2_2_1, headers)
    const other = await importModel('another', XOR_2_2_1, headers)

    expect(again.json()).toEqual(first.json())
    expect(again.headers['idempotent-replayed']).toBe('true')
    expect(toProblem(other).code).toBe('idempotency_mismatch')
  })

  it('takes back the document that a job gave away, preprocessing included', async () => {
    const job = await test.insertJob()
    await test.finishWithWeights(await test.start(job))
    const weights = (await test.send('GET', `/v1/jobs/${job.id}/weights`)).json()

    const imported = await importModel('back', { weights })
    const registered = await importModel('back', { job_id: job.id, which: 'last' })

    const ended = (await test.send('GET', `/v1/jobs/${job.id}`)).json()
    expect(imported.json()).toMatchObject({
      sha256: ended.weights.best.sha256,
      architecture: weights.architecture,
      preprocessing: weights.preprocessing,
    })
    expect(registered.json()).toMatchObject({
      version: 2,
      sha256: ended.weights.last.sha256,
      source: { type: 'job', job_id: job.id, which: 'last', epoch: 10 },
    })
  })

  it('takes a body larger than other routes do', async () => {
    const row = Array.from({ length: 300_000 }, (_, i) => i / 7)

    const response = await importModel('wide', {
      weights: { format: 'trainyard/1', layers: [{ weight: [row], bias: [0] }] },
      architecture: { inputs: row.length, hidden: [], outputs: 1, task: 'regression' },
    })

    expect(response.json()).toMatchObject({ parameter_count: 300_001, bytes: 1_200_004 })
  })

  it.each<[string, unknown, string]>([
    ['an unknown field', { ...XOR_2_2_1, alias: 'x' }, '#/alias'],
    [
      'an unknown field of a layer',
      {
        ...XOR_2_2_1,
        weights: { ...XOR_2_2_1.weights, layers: [{ weight: [], bias: [], scale: [] }] },
      },
      '#/weights/layers/0/scale',
    ],
    [
      'a weight that is null',
      {
        ...XOR_2_2_1,
        weights: { ...XOR_2_2_1.weights, layers: [{ weight: [[1, null]], bias: [0] }] },
      },
      '#/weights/layers/0/weight/0/1',
    ],
    [
      'another format',
      { ...XOR_2_2_1, weights: { ...XOR_2_2_1.weights, format: 'trainyard/2' } },
      '#/weights/format',
    ],
    [
      'other shapes than the architecture has',
      { ...XOR_2_2_1, architecture: { ...XOR_2_2_1.architecture, inputs: 3 } },
      '#/weights/layers/0/weight/0',
    ],
    ['a name that is no path', { ...XOR_2_2_1, name: 'a/b' }, '#/name'],
  ])('refuses %s with its place', async (_, body, pointer) => {
    const problem = toProblem(await importModel('bad', body as object))

    expect([problem.status, problem.code]).toEqual([422, 'validation_error'])
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer)
  })

  it('refuses a number that is none, a body that is no JSON, and no body', async () => {
    const headers = { 'content-type': 'application/json' }
    const send = (body?: string) =>
      test.send('POST', '/v1/models', body === undefined ? {} : { body, headers })
    const infinite = JSON.stringify({ name: 'x', ...XOR_2_2_1 }).replace('[-1]', '[-1e999]')

    expect(toProblem(await send(infinite)).errors).toEqual([
      { pointer: '#/weights/layers/1/bias/0', detail: 'must be a finite number, got -Infinity' },
    ])
    expect(toProblem(await send('{"name":')).code).toBe('malformed_json')
    expect(toProblem(await send()).errors).toMatchObject([{ pointer: '#' }])
  })

  it('has nothing of a job without weights', async () => {
    const job = await test.insertJob()

    expect(toProblem(await importModel('early', { job_id: job.id })).code).toBe('weights_not_found')
  })
})

describe('POST /v1/models with a file', () => {
  it('takes back what it wrote, and says what it took', async () => {
    await importModel('first')
    const file = await test.send('GET', '/v1/models/first/versions/1/weights?format=safetensors')
    const send = (query: string) =>
      test.send('POST', `/v1/models${query}`, {
        body: file.rawPayload,
        headers: { 'content-type': 'application/octet-stream' },
      })

    const back = await send('?name=second')

    expect(back.statusCode).toBe(201)
    expect(back.json()).toMatchObject({
      version: 1,
      source: { type: 'import', format: 'safetensors' },
      sha256: (await importModel('first')).json().sha256,
    })
    expect(back.headers.location).toBe('/v1/models/second/versions/1')
    expect(toProblem(await send('')).errors).toEqual([
      { parameter: 'name', detail: 'is required with a file' },
    ])
    const json = await test.send('POST', '/v1/models?name=x', { body: { name: 'x', ...XOR_2_2_1 } })
    expect(toProblem(json).errors?.[0]?.parameter).toBe('name')
  })
})

describe('GET /v1/models', () => {
  it('lists models newest first, page by page', async () => {
    await importModel('older')
    await importModel('newer')

    const page = await test.send('GET', '/v1/models?limit=1')
    const rest = await test.send('GET', `/v1/models?limit=1&after=${page.json().last_id}`)

    const names = [page, rest].flatMap((response) =>
      listSchema(modelSchema)
        .parse(response.json())
        .data.map(({ name }) => name),
    )
    expect(names).toEqual(['newer', 'older'])
  })

  it('answers another project like a model that never was', async () => {
    await importModel('mine')
    const ask = (path: string) =>
      test.send('GET', path, { key: test.second.text, headers: { 'x-request-id': 'same' } })

    for (const rest of ['', '/versions/1']) {
      const [foreign, unknown] = [
        await ask(`/v1/models/mine${rest}`),
        await ask(`/v1/models/none${rest}`),
      ]
      expect(foreign.statusCode).toBe(404)
      expect(foreign.body).toBe(unknown.body)
    }
    expect((await ask('/v1/models')).json().data).toEqual([])
  })

  it.each(['/v1/models/%00', '/v1/models/mine/versions/0', '/v1/models/mine/versions/9999999999'])(
    'has nothing at %s',
    async (path) => {
      expect(toProblem(await test.send('GET', path)).code).toBe('model_not_found')
    },
  )
})

describe('initial_weights of a job', () => {
  const quote = (initial_weights: object, units = 2) =>
    test.send('POST', '/v1/jobs?dry_run=true', {
      body: { dataset_id: datasetId, model: { hidden: [{ units }] }, initial_weights },
    })

  it('are resolved to the latest version, or to the one that is named', async () => {
    const { sha256 } = (await importModel('start')).json()
    await importModel('start')

    const latest = await quote({ model: 'start' })
    const first = await quote({ model: 'start', version: 1 })

    expect(latest.json().resolved_config.initial_weights).toEqual({
      model: 'start',
      version: 2,
      sha256,
    })
    expect(first.json().resolved_config.initial_weights.version).toBe(1)
  })

  it('must fit and be there', async () => {
    await importModel('narrow')

    expect(toProblem(await quote({ model: 'narrow' }, 3)).errors).toEqual([
      {
        pointer: '#/model/hidden/0/units',
        detail: 'the units are 3, but model "narrow" version 1 has 2',
      },
    ])
    expect(toProblem(await quote({ model: 'narrow', version: 2 })).code).toBe('model_not_found')
    expect(toProblem(await quote({ model: 'none' })).code).toBe('model_not_found')
  })
})
