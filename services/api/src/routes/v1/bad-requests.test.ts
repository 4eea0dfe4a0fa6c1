/** What hostile or mistaken callers send: each is refused at once, exactly, and harms nobody. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, type TestRequest, toProblem } from '../../test-app.fixture.ts'

let test: TestApp
let datasetId: string
let foreignJobId: string
beforeAll(async () => {
  test = await buildTestApp()
  datasetId = (await test.insertDataset()).id
  const foreign = await test.send('POST', '/v1/datasets', {
    body: { builtin: { generator: 'xor' } },
    key: test.second.text,
  })
  const job = await test.send('POST', '/v1/jobs', {
    body: { dataset_id: foreign.json().id },
    key: test.second.text,
  })
  foreignJobId = job.json().id
  // The first requests of a process compile what the others use.
  for (let i = 0; i < 3; i++) {
    await postJob('{"dataset_id":1,"model":{"hidden":[{"units":"5"}]}}').send()
    await postCsv('a,y\n1,NaN\n2,x,y\n').send()
    await postJob(`{"dataset_id":"${datasetId}","training":{"epochs":0}}`).send()
  }
})
afterAll(() => test.close())

interface Case {
  send: () => ReturnType<TestApp['send']>
}

const to = (method: string, url: string, request: () => TestRequest = () => ({})): Case => ({
  send: () => test.send(method, url, request()),
})
/** `$ds` stands for a data set of the caller. */
const postJob = (text: string | Buffer, headers: Record<string, string> = {}): Case =>
  to('POST', '/v1/jobs', () => ({
    body: typeof text === 'string' ? text.replaceAll('$ds', datasetId) : text,
    headers: { 'content-type': 'application/json', ...headers },
  }))
const withTraining = (training: string) => postJob(`{"dataset_id":"$ds","training":${training}}`)
const withUnits = (units: string) =>
  postJob(`{"dataset_id":"$ds","model":{"hidden":[{"units":${units}}]}}`)
const postCsv = (text: string): Case =>
  to('POST', '/v1/datasets', () => ({ body: text, headers: { 'content-type': 'text/csv' } }))

type Place =
  | { pointer: string }
  | { parameter: string }
  | { line: number }
  | { header: string }
  | null

const CASES: [
  name: string,
  request: Case,
  status: number,
  code: string,
  place: Place,
  says?: RegExp,
][] = [
  [
    'an unknown field',
    postJob('{"dataset_id":"$ds","learningRate":1}'),
    422,
    'validation_error',
    { pointer: '#/learningRate' },
  ],
  [
    'an unknown field deep down',
    withTraining('{"optimizer":{"type":"adam","lr":1}}'),
    422,
    'validation_error',
    { pointer: '#/training/optimizer/lr' },
  ],
  [
    '"5" for 5',
    withTraining('{"epochs":"5"}'),
    422,
    'validation_error',
    { pointer: '#/training/epochs' },
    /a number, got "5"/,
  ],
  ['true for 1', withUnits('true'), 422, 'validation_error', { pointer: '#/model/hidden/0/units' }],
  [
    'null for a number',
    withUnits('null'),
    422,
    'validation_error',
    { pointer: '#/model/hidden/0/units' },
  ],
  [
    '1e999',
    withTraining('{"optimizer":{"type":"sgd","learning_rate":1e999}}'),
    422,
    'validation_error',
    { pointer: '#/training/optimizer/learning_rate' },
    /finite/,
  ],
  [
    'a width of 1e308',
    withUnits('1e308'),
    422,
    'validation_error',
    { pointer: '#/model/hidden/0/units' },
  ],
  [
    'a width of 1e9',
    withUnits('1000000000'),
    422,
    'validation_error',
    { pointer: '#/model/hidden/0/units' },
    /at most 65536, got 1000000000/,
  ],
  [
    'a negative learning rate',
    withTraining('{"optimizer":{"type":"sgd","learning_rate":-1}}'),
    422,
    'validation_error',
    { pointer: '#/training/optimizer/learning_rate' },
    /more than 0, got -1/,
  ],
  [
    'zero epochs',
    withTraining('{"epochs":0}'),
    422,
    'validation_error',
    { pointer: '#/training/epochs' },
    /at least 1, got 0/,
  ],
  [
    'minus zero units',
    withUnits('-0'),
    422,
    'validation_error',
    { pointer: '#/model/hidden/0/units' },
  ],
  [
    '1e12 epochs',
    withTraining('{"epochs":1e12}'),
    422,
    'validation_error',
    { pointer: '#/training/epochs' },
    /at most 100000, got 1000000000000/,
  ],
  [
    'half an epoch',
    withTraining('{"epochs":0.5}'),
    422,
    'validation_error',
    { pointer: '#/training/epochs' },
    /whole number, got 0.5/,
  ],
  [
    'a seed of 2^53+1',
    postJob('{"dataset_id":"$ds","seed":9007199254740993}'),
    422,
    'validation_error',
    { pointer: '#/seed' },
  ],
  [
    'a batch larger than the data',
    withTraining('{"batch_size":500}'),
    422,
    'validation_error',
    { pointer: '#/training/batch_size' },
  ],
  [
    'a network too large for the memory',
    postJob(`{"dataset_id":"$ds","model":{"hidden":[${'{"units":65536},'.repeat(3)}{"units":1}]}}`),
    422,
    'budget_exceeded',
    { pointer: '#/model/hidden' },
  ],
  [
    'sixty-four hidden layers',
    postJob(`{"dataset_id":"$ds","model":{"hidden":[${'{"units":1},'.repeat(63)}{"units":1}]}}`),
    422,
    'validation_error',
    { pointer: '#/model/hidden' },
    /at most 63 items, got 64/,
  ],
  [
    'an optimizer that is misspelt',
    withTraining('{"optimizer":{"type":"adm"}}'),
    422,
    'validation_error',
    { pointer: '#/training/optimizer/type' },
    /"sgd", "momentum"/,
  ],
  [
    'what is not built yet',
    postJob('{"dataset_id":"$ds","webhook":{"url":"https://example.com"}}'),
    422,
    'validation_error',
    { pointer: '#/webhook' },
    /not supported yet/,
  ],
  ['a list for an object', postJob('[]'), 422, 'validation_error', { pointer: '#' }],
  ['nothing for a body', to('POST', '/v1/jobs'), 422, 'validation_error', { pointer: '#' }],
  [
    'a field of the prototype',
    postJob('{"dataset_id":"$ds","__proto__":{"polluted":1}}'),
    422,
    'validation_error',
    { pointer: '#/__proto__' },
  ],
  [
    'half of a surrogate pair',
    postJob('{"dataset_id":"$ds","metadata":{"a":"\\ud800"}}'),
    422,
    'validation_error',
    { pointer: '#/metadata/a' },
  ],
  [
    'NUL in a text',
    postJob('{"dataset_id":"$ds","metadata":{"a":"\\u0000"}}'),
    422,
    'validation_error',
    { pointer: '#/metadata/a' },
  ],
  [
    'NUL in an id',
    postJob('{"dataset_id":"ds_\\u0000"}'),
    422,
    'validation_error',
    { pointer: '#/dataset_id' },
  ],
  [
    'a hundred thousand pairs of metadata',
    postJob(
      `{"dataset_id":"$ds","tags":[[],{"metadata":{${Array.from({ length: 100_000 }, (_, i) => `"${i}":1`).join()}}}]}`,
    ),
    422,
    'validation_error',
    { pointer: '#/tags/1/metadata' },
    /at most 16384 fields/,
  ],
  [
    'sixteen thousand pairs of metadata',
    postJob(
      `{"dataset_id":"$ds","metadata":{${Array.from({ length: 16_000 }, (_, i) => `"${i}":1`).join()}}}`,
    ),
    422,
    'validation_error',
    { pointer: '#/metadata' },
    /at most 16 entries, got 16000/,
  ],
  [
    'a thousand class weights that are lists',
    withTraining(`{"class_weight":[${Array(1000).fill('[]').join()}]}`),
    422,
    'validation_error',
    { pointer: '#/training/class_weight/0' },
  ],
  [
    'a hundred thousand class weights',
    withTraining(`{"class_weight":[${Array(100_000).fill('1').join()}]}`),
    422,
    'validation_error',
    { pointer: '#/training/class_weight' },
    /at most 1000 items, got 100000/,
  ],
  [
    'an order of ten thousand numbers',
    postJob(
      `{"dataset_id":"$ds","preprocessing":{"columns":{"a":{"order":[${Array(10_000).fill('1').join()}]}}}}`,
    ),
    422,
    'validation_error',
    { pointer: '#/preprocessing/columns/a/order/0' },
  ],
  [
    'an order of a hundred thousand',
    postJob(
      `{"dataset_id":"$ds","preprocessing":{"columns":{"a":{"order":[${Array(100_000).fill('1').join()}]}}}}`,
    ),
    422,
    'validation_error',
    { pointer: '#/preprocessing/columns/a/order' },
    /at most 10000 items/,
  ],
  [
    '350,000 empty lists',
    postJob(`[${Array(349_000).fill('[]').join()}]`),
    422,
    'validation_error',
    { pointer: '#' },
    /at most 200000 lists/,
  ],
  [
    '170,000 objects in each other',
    postJob(
      `[${Array(6000)
        .fill(`${'{"":'.repeat(28)}1${'}'.repeat(28)}`)
        .join()}]`,
    ),
    422,
    'validation_error',
    { pointer: '#' },
    /at most 20000 objects/,
  ],
  [
    'objects with ninety thousand names',
    postJob(
      `[${Array.from({ length: 9000 }, (_, i) => `{${Array.from({ length: 10 }, (_, j) => `"${i}_${j}":1`).join()}}`).join()}]`,
    ),
    422,
    'validation_error',
    { pointer: '#' },
    /at most 20000 different layouts of objects/,
  ],
  ['JSON that breaks off', postJob('{"dataset_id":'), 400, 'malformed_json', null],
  ['an empty JSON body', postJob(''), 400, 'malformed_json', null],
  ['400,000 nested lists', postJob('['.repeat(400_000)), 400, 'malformed_json', null, /nested/],
  [
    'bytes that are no UTF-8',
    postJob(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
    400,
    'malformed_json',
    null,
    /UTF-8/,
  ],
  [
    'a JSON body of one mebibyte and one',
    postJob(`{"dataset_id":"${'x'.repeat(1024 ** 2 - 16)}"}  `),
    413,
    'payload_too_large',
    null,
  ],
  [
    'CSV for JSON',
    postJob('a,b', { 'content-type': 'text/csv' }),
    415,
    'unsupported_media_type',
    null,
  ],
  [
    'a compressed body',
    postJob('{}', { 'content-encoding': 'gzip' }),
    415,
    'unsupported_media_type',
    null,
  ],
  ['NaN in CSV', postCsv('a,b,y\n1,2,0\n1,NaN,1\n'), 422, 'invalid_data', { line: 3 }],
  [
    'an overflowing number in CSV',
    postCsv('a,b,y\n1,2,0\n1,1e400,1\n'),
    422,
    'invalid_data',
    { line: 3 },
  ],
  ['ragged CSV', postCsv('a,b,y\n1,2,0\n1,2\n'), 422, 'invalid_data', { line: 3 }],
  ['an unclosed quote in CSV', postCsv('a,b,y\n1,2,0\n1,"2,1\n'), 422, 'invalid_data', { line: 3 }],
  ['NUL in CSV', postCsv('a,b,y\n1,\0,0\n'), 422, 'invalid_data', { line: 2 }],
  ['an empty file', postCsv(''), 422, 'invalid_data', null],
  ['a header alone', postCsv('a,b,y\n'), 422, 'invalid_data', null],
  ['a header with a name twice', postCsv('a,a,y\n1,2,0\n'), 422, 'invalid_data', { line: 1 }],
  [
    'an unknown job',
    to('GET', '/v1/jobs/job_00000000000000000000000000'),
    404,
    'job_not_found',
    null,
  ],
  ['what cannot be an id', to('GET', '/v1/jobs/%00'), 404, 'job_not_found', null],
  [
    'an id of 10,000 characters',
    to('GET', `/v1/jobs/${'x'.repeat(10_000)}`),
    404,
    'job_not_found',
    null,
  ],
  [
    'the job of another project',
    { send: () => test.send('GET', `/v1/jobs/${foreignJobId}`) },
    404,
    'job_not_found',
    null,
  ],
  ['an unknown data set', postJob('{"dataset_id":"ds_x"}'), 404, 'dataset_not_found', null],
  ['no key', to('GET', '/v1/jobs', () => ({ key: null })), 401, 'unauthenticated', null],
  [
    'a mistyped key',
    to('GET', '/v1/jobs', () => ({ key: `${test.first.text.slice(0, -1)}!` })),
    401,
    'unauthenticated',
    null,
  ],
  [
    'a key in the query',
    to('GET', '/v1/jobs?api_key=x', () => ({ key: null })),
    401,
    'unauthenticated',
    null,
  ],
  [
    'a limit of zero',
    to('GET', '/v1/jobs?limit=0'),
    422,
    'validation_error',
    { parameter: 'limit' },
  ],
  [
    'a limit that is no number',
    to('GET', '/v1/jobs?limit=ten'),
    422,
    'validation_error',
    { parameter: 'limit' },
    /got "ten"/,
  ],
  [
    'an unknown parameter',
    to('GET', '/v1/jobs?offset=3'),
    422,
    'validation_error',
    { parameter: 'offset' },
  ],
  [
    'an unknown status',
    to('GET', '/v1/jobs?status=done'),
    422,
    'validation_error',
    { parameter: 'status' },
  ],
  ['an unknown cursor', to('GET', '/v1/jobs?after=job_x'), 400, 'invalid_cursor', null],
  [
    'NUL in a cursor',
    to('GET', '/v1/jobs?after=%00'),
    422,
    'validation_error',
    { parameter: 'after' },
  ],
  ['an unknown path', to('GET', '/v1/nothing'), 404, 'not_found', null],
  ['a wrong method', to('PUT', '/v1/jobs'), 405, 'method_not_allowed', null],
  ['a path that cannot be decoded', to('GET', '/v1/jobs/%zz'), 400, 'invalid_request', null],
  [
    '100 KB of one letter in a name',
    postJob(`{"dataset_id":"$ds","name":"${'a'.repeat(100_000)}"}`),
    422,
    'validation_error',
    { pointer: '#/name' },
    /at most 128 characters, got 100000/,
  ],
]

it('knows at least forty kinds of bad requests', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(40)
})

describe.each(CASES)('%s', (_name, { send }, status, code, place, says) => {
  it(`is a ${status} within 50 ms`, async () => {
    const { response, tookMs } = await quickestOfThree(send)

    const problem = toProblem(response)
    const fault = problem.errors?.[0]
    expect({ status: problem.status, code: problem.code }).toEqual({ status, code })
    if (place === null) expect(fault?.pointer ?? fault?.line).toBeUndefined()
    else expect(fault).toMatchObject(place)
    if (says !== undefined) expect(`${problem.detail} ${fault?.detail}`).toMatch(says)
    expect(tookMs).toBeLessThan(50)
  })
})

/** Other processes share the machine: what is measured is the service at its undisturbed best. */
async function quickestOfThree(send: Case['send']) {
  for (let tries = 1; ; tries++) {
    const startedMs = performance.now()
    const response = await send()
    const tookMs = performance.now() - startedMs
    if (tookMs < 50 || tries === 3) return { response, tookMs }
  }
}

it('reports every fault of the body and of the query at once', async () => {
  const response = await test.send('POST', '/v1/jobs?dry_run=maybe&x=1', {
    body: { dataset_id: 'ds_x', seed: -1, training: { epochs: 0, batch_size: '32' }, extra: 1 },
  })

  const places = toProblem(response).errors?.map(({ pointer, parameter }) => pointer ?? parameter)
  expect(places?.sort()).toEqual(
    ['#/seed', '#/training/epochs', '#/training/batch_size', '#/extra', 'dry_run', 'x'].sort(),
  )
})

it('takes the last of two equal names', async () => {
  const response = await test.send('POST', '/v1/jobs?dry_run=true', {
    body: `{"dataset_id":"${datasetId}","seed":1,"seed":2}`,
    headers: { 'content-type': 'application/json' },
  })

  expect(response.json().resolved_config.seed).toBe(2)
})

it('is unharmed after all of it', async () => {
  expect((await test.send('GET', '/readyz', { key: null })).statusCode).toBe(200)
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})
