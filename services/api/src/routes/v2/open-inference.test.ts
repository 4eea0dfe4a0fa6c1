import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { buildTestApp, type TestApp, toProblem } from '../../test-app.fixture.ts'

/** Schemas of the published document. Its tensors have `data` always; the binary extension leaves it out. */
const published = parse(
  readFileSync(new URL('./open-inference.fixture.yaml', import.meta.url), 'utf8'),
).components.schemas

function schemaOf(name: string): z.ZodType {
  const { [name]: schema, ...others } = structuredClone(published)
  const text = JSON.stringify({ ...schema, $defs: others }).replaceAll(
    '#/components/schemas/',
    '#/$defs/',
  )
  return z.fromJSONSchema(JSON.parse(text))
}

let test: TestApp
beforeAll(async () => {
  test = await buildTestApp()
  const lease = await test.start(await test.insertJob())
  await test.finishWithWeights(lease)
  // Says `yes` where b > a.
  await test.send('POST', '/v1/models', { body: { name: 'larger', job_id: lease.jobId } })
  await test.send('POST', '/v1/models', { body: { name: 'mixed', weights: MIXED } })
  await test.send('POST', '/v1/models', { body: { name: 'price', weights: PRICE } })
})
afterAll(() => test.close())

const features = (data: unknown, shape = [2, 2]) => ({
  inputs: [{ name: 'features', shape, datatype: 'FP32', data }],
})
const infer = (name: string, body: unknown, headers: Record<string, string> = {}) =>
  test.send('POST', `/v2/models/${name}/infer`, { body, headers })

describe('metadata', () => {
  it('says what the server is, and whether it lives and is ready, without a key', async () => {
    const get = async (path: string) => (await test.send('GET', path, { key: null })).json()

    expect(schemaOf('metadata_server_response').parse(await get('/v2'))).toEqual({
      name: 'trainyard',
      version: '0.0.0',
      extensions: ['classification', 'binary_tensor_data'],
    })
    expect(await get('/v2/health/live')).toEqual({ live: true })
    expect(await get('/v2/health/ready')).toEqual({ ready: true })
  })

  it('says what a model takes and gives: one matrix where all features are numbers', async () => {
    const all = (await test.send('GET', '/v2/models/larger')).json()
    const one = (await test.send('GET', '/v2/models/larger/versions/1')).json()

    expect(schemaOf('metadata_model_response').parse(all)).toEqual({
      ...{ name: 'larger', versions: ['1'], platform: 'trainyard_mlp' },
      inputs: [{ name: 'features', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [
        { name: 'label', datatype: 'BYTES', shape: [-1] },
        { name: 'class_id', datatype: 'INT64', shape: [-1] },
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
        { name: 'logits', datatype: 'FP32', shape: [-1, 1] },
      ],
    })
    expect(one).toEqual(all)
  })

  it('has a tensor for each column of a model with categories', async () => {
    const { inputs } = (await test.send('GET', '/v2/models/mixed')).json()

    expect(inputs).toEqual([
      { name: 'size', datatype: 'FP64', shape: [-1, 1] },
      { name: 'town', datatype: 'BYTES', shape: [-1, 1] },
    ])
  })

  it('says that a model is ready, by either path', async () => {
    for (const path of ['/v2/models/larger/ready', '/v2/models/larger/versions/1/ready']) {
      expect((await test.send('GET', path)).json()).toEqual({ name: 'larger', ready: true })
    }
  })
})

describe('inference', () => {
  it('answers all outputs in JSON, as the published document has them', async () => {
    const request = { id: 'one', ...features([0, 1, 3, 1]) }
    schemaOf('inference_request').parse(request)

    const response = await infer('larger', request)

    const answer = schemaOf('inference_response').parse(response.json()) as Answer
    expect(answer).toMatchObject({ model_name: 'larger', model_version: '1', id: 'one' })
    expect(outputOf(answer, 'label')).toMatchObject({ shape: [2], data: ['yes', 'no'] })
    expect(outputOf(answer, 'class_id').data).toEqual([1, 0])
    expect(outputOf(answer, 'logits')).toMatchObject({ shape: [2, 1], data: [4, -8] })
    const { shape, data } = outputOf(answer, 'probabilities')
    expect(shape).toEqual([2, 2])
    expect(data[1]).toBeCloseTo(1 / (1 + Math.exp(-4)), 6)
  })

  it('says what prediction says, of many rows on a thread as of few', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => [(i % 7) / 3, (i % 5) / 2])

    const answer: Answer = (await infer('larger', features(rows, [5000, 2]))).json()
    const predicted = await test.send('POST', '/v1/models/larger/predict', {
      body: { rows, outputs: ['label'] },
    })

    expect(outputOf(answer, 'label').data).toEqual(
      predicted.json().predictions.map(({ label }: { label: string }) => label),
    )
  })

  it('answers the outputs asked for, the best classes where these are asked for', async () => {
    const answer: Answer = (
      await infer('larger', {
        ...features([0, 1], [1, 2]),
        outputs: [
          { name: 'probabilities', parameters: { classification: 1 } },
          { name: 'class_id' },
        ],
      })
    ).json()

    expect(answer.outputs.map(({ name }) => name)).toEqual(['probabilities', 'class_id'])
    const best = outputOf(answer, 'probabilities')
    expect(best).toMatchObject({ datatype: 'BYTES', shape: [1, 1] })
    expect(best.data[0]).toMatch(/^0\.98\d+:1:yes$/)
  })

  it('takes and gives raw tensors', async () => {
    const input = { name: 'features', shape: [1, 2], datatype: 'FP64' }
    const json = Buffer.from(
      JSON.stringify({
        inputs: [{ ...input, parameters: { binary_data_size: 16 } }],
        outputs: [{ name: 'logits', parameters: { binary_data: true } }, { name: 'label' }],
      }),
    )

    const response = await infer(
      'larger',
      Buffer.concat([json, Buffer.from(Float64Array.of(1, 2.5).buffer)]),
      {
        'content-type': 'application/octet-stream',
        'inference-header-content-length': String(json.length),
      },
    )

    expect(response.headers['content-type']).toBe('application/octet-stream')
    const length = Number(response.headers['inference-header-content-length'])
    const answer: Answer = JSON.parse(response.rawPayload.subarray(0, length).toString())
    expect(answer.outputs[0]).toMatchObject({
      name: 'logits',
      shape: [1, 1],
      parameters: { binary_data_size: 4 },
    })
    expect(outputOf(answer, 'label').data).toEqual(['yes'])
    expect(response.rawPayload.subarray(length).readFloatLE()).toBe(6)
  })

  it('takes columns of text and numbers, NaN and "" where they are missing', async () => {
    const columns = (size: number[], town: string[]) => ({
      inputs: [
        { name: 'town', shape: [2], datatype: 'BYTES', data: town },
        { name: 'size', shape: [2, 1], datatype: 'FP32', data: size },
      ],
    })

    const answer: Answer = (await infer('mixed', columns([1, 2], ['Ulm', '']))).json()
    const predicted = await test.send('POST', '/v1/models/mixed/predict', {
      body: {
        records: [
          { size: 1, town: 'Ulm' },
          { size: 2, town: null },
        ],
        outputs: ['logits'],
      },
    })

    expect(outputOf(answer, 'logits').data).toEqual(
      predicted.json().predictions.flatMap(({ logits }: { logits: number[] }) => logits),
    )
  })

  it('answers the value of a regression', async () => {
    const answer: Answer = (await infer('price', features([1, 2], [2, 1]))).json()

    expect(outputOf(answer, 'value')).toMatchObject({ datatype: 'FP64', data: [120, 140] })
  })
})

describe('errors', () => {
  it.each([
    ['a model that is not there', 'none', features([1, 2], [1, 2]), 404, 'No such model'],
    ['a name that is none', 'n%20one', features([1, 2], [1, 2]), 404, 'No such model'],
    ['no JSON', 'larger', '{', 400, 'no JSON document'],
    ['another matrix', 'larger', features([1, 2, 3], [1, 3]), 400, 'shape is [1, 3], not [1, 2]'],
    ['no rows', 'larger', features([], [0, 2]), 400, '1 to 1000000 rows for this model, not 0'],
    [
      'text for numbers',
      'larger',
      { inputs: [{ name: 'features', shape: [1, 2], datatype: 'BYTES', data: ['a', 'b'] }] },
      400,
      'datatype is BYTES, not FP32',
    ],
    [
      'another input',
      'larger',
      { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }] },
      400,
      'there is no input "x"; the model takes "features"',
    ],
    [
      'another output',
      'larger',
      { ...features([1, 2], [1, 2]), outputs: [{ name: 'x' }] },
      400,
      'the model has "label", "class_id", "probabilities", "logits"',
    ],
    [
      'classes of a single score',
      'larger',
      {
        ...features([1, 2], [1, 2]),
        outputs: [{ name: 'logits', parameters: { classification: 2 } }],
      },
      400,
      'has no score for each class',
    ],
    [
      'a column that is missing',
      'mixed',
      { inputs: [{ name: 'size', shape: [1], datatype: 'FP32', data: [1] }] },
      400,
      'the input "town" is missing',
    ],
    [
      'values too large',
      'larger',
      features([3e38, -3e38], [1, 2]),
      422,
      'too large for this model',
    ],
  ])('say what is wrong: %s', async (_, name, body, status, text) => {
    const response = await infer(name, body, { 'content-type': 'application/json' })

    expect(response.statusCode).toBe(status)
    const { error } = schemaOf('inference_error_response').parse(response.json()) as {
      error: string
    }
    expect(error).toContain(text)
  })

  it('are of the same form without a key, on unknown paths and for a body that is too large', async () => {
    const key = await test.send('POST', '/v2/models/larger/infer', { key: null, body: {} })
    const path = await test.send('GET', '/v2/modelz')
    const method = await test.send('DELETE', '/v2/models/larger')
    const large = await infer('larger', Buffer.alloc(65 * 1024 ** 2, 0x20), {
      'content-type': 'application/json',
    })

    expect([key, path, method, large].map(({ statusCode }) => statusCode)).toEqual([
      401, 404, 405, 413,
    ])
    for (const response of [key, path, method, large]) {
      expect(Object.keys(response.json())).toEqual(['error'])
    }
  })

  it('are problem documents for who accepts these', async () => {
    const response = await test.send('GET', '/v2/models/none', {
      headers: { accept: 'application/problem+json' },
    })

    expect(toProblem(response).code).toBe('model_not_found')
  })

  it('tell nothing of another project', async () => {
    const key = test.second.text
    const other = await test.send('GET', '/v2/models/larger', { key })
    const none = await test.send('GET', '/v2/models/none', { key })

    expect(other.json()).toEqual(none.json())
  })
})

interface Answer {
  outputs: {
    name: string
    datatype: string
    shape: number[]
    data: unknown[]
    parameters?: object
  }[]
}

function outputOf({ outputs }: Answer, name: string) {
  const output = outputs.find((one) => one.name === name)
  if (output === undefined) throw new Error(`there is no output ${name}`)
  return output as Answer['outputs'][number] & { data: number[] }
}

const NUMBER = {
  ...{ kind: 'numeric', type: 'number', missing: 0, log1p: false, center: 0, scale: 1 },
}
const MIXED = {
  format: 'trainyard/1',
  architecture: {
    inputs: 3,
    hidden: [],
    outputs: 3,
    task: 'classification',
    classes: ['a', 'b', 'c'],
  },
  preprocessing: {
    columns: [
      { ...NUMBER, column: 'size' },
      {
        ...{ kind: 'one_hot', column: 'town', levels: ['Bonn', 'Ulm'], unseen: 'zero' },
        ...{ missing: null, missing_error: false },
      },
    ],
    target: null,
  },
  layers: [
    {
      weight: [
        [1, 0, 2],
        [0, 1, 0],
        [0.5, 0, 0],
      ],
      bias: [0, 0, 0.25],
    },
  ],
}
const PRICE = {
  format: 'trainyard/1',
  architecture: { inputs: 1, hidden: [], outputs: 1, task: 'regression', target: 'price' },
  preprocessing: { columns: [{ ...NUMBER, column: 'x' }], target: { center: 100, scale: 20 } },
  layers: [{ weight: [[1]], bias: [0] }],
}
