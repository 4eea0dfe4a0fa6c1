import {
  type BatchPrediction,
  batchPredictionEventSchema,
  batchPredictionSchema,
  type Cell,
  listSchema,
} from '@trainyard/contracts'
import { type BatchEnd, DEATHS_MAX } from '@trainyard/domain'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NO_PROFILE } from '../../../../../../test/support/factories.ts'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
let datasetId = ''
beforeAll(async () => {
  test = await buildTestApp()
  const job = await test.insertJob()
  await test.finishWithWeights(await test.start(job))
  await test.send('POST', '/v1/models', { body: { name: 'larger', job_id: job.id } })
  datasetId = await upload({
    columns: ['a', 'b', 'y'],
    rows: [
      [1, 2, 'u'],
      [2, 1, 'v'],
    ],
  })
})
afterAll(() => test.close())

const PATH = '/v1/batch_predictions'
const upload = async (table: { columns: string[]; rows: Cell[][] }): Promise<string> =>
  (await test.makeDataset({ ...table, target: 'y' })).id
const post = (overrides: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  test.send('POST', PATH, {
    body: { model: 'larger', dataset_id: datasetId, ...overrides },
    headers,
  })
const start = async (overrides: Record<string, unknown> = {}): Promise<BatchPrediction> =>
  batchPredictionSchema.parse((await post(overrides)).json())
const read = async (id: string): Promise<BatchPrediction> =>
  (await test.send('GET', `${PATH}/${id}`)).json()

async function claim(id: string) {
  for (;;) {
    const claimed = await test.stores.batches.claim('a worker')
    if (claimed === null) throw new Error(`${id} is not queued`)
    const lease = { id: claimed.id, leaseEpoch: claimed.leaseEpoch }
    if (claimed.id === id) return lease
    await test.stores.batches.finish(lease, { status: 'cancelled' })
  }
}

async function succeeded(): Promise<BatchEnd> {
  const dataset = (await test.send('GET', `/v1/datasets/${datasetId}`)).json()
  const { name, rows, columns, target, task, warnings, sha256, bytes } = dataset
  const described = { name, rows, columns, target, task, warnings, profile: NO_PROFILE }
  return { status: 'succeeded', result: { ...described, sha256, bytes } }
}

describe('POST /v1/batch_predictions', () => {
  it('accepts a data set for the version that is named now, and says where it is', async () => {
    const response = await post({ name: 'tonight' })

    expect(response.statusCode).toBe(201)
    const batch = batchPredictionSchema.parse(response.json())
    expect(response.headers.location).toBe(`${PATH}/${batch.id}`)
    expect(batch).toMatchObject({
      ...{ status: 'queued', name: 'tonight', model: 'larger', version: 1, rows: 2, rows_done: 0 },
      ...{ outputs: ['label', 'probabilities'], result_dataset_id: null, attempt: 0 },
    })
  })

  it('is carried out once for one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'a batch' }

    const [first, second] = [await post({}, headers), await post({}, headers)]

    expect(second.json()).toEqual(first.json())
    expect(second.headers['idempotent-replayed']).toBe('true')
  })

  it('names every column that the model takes and the data set lacks, or has as something else', async () => {
    const other = await upload({
      columns: ['a', 'c', 'y'],
      rows: [
        ['x', 1, 'u'],
        ['z', 2, 'v'],
      ],
    })

    const problem = toProblem(await post({ dataset_id: other, outputs: ['label', 'value'] }))

    expect(problem).toMatchObject({ status: 422, code: 'validation_error' })
    expect(problem.errors).toEqual([
      {
        pointer: '#/outputs/1',
        detail: 'the model has no value; it has label, probabilities, logits',
      },
      {
        pointer: '#/dataset_id',
        detail: 'column "a": is a category in the data set, the model takes a number',
      },
      {
        pointer: '#/dataset_id',
        detail: 'column "b": the model takes it and the data set lacks it',
      },
    ])
  })

  it.each([
    ['no model of that name', { model: 'nobody' }, 404, 'model_not_found'],
    ['no such version', { version: 9 }, 404, 'model_not_found'],
    ['no such data set', { dataset_id: 'ds_none' }, 404, 'dataset_not_found'],
    ['a version and an alias', { version: 1, alias: 'champion' }, 422, 'validation_error'],
    ['an unknown field', { rows: [] }, 422, 'validation_error'],
    ['no outputs', { outputs: [] }, 422, 'validation_error'],
  ])('refuses %s', async (_, overrides, status, code) => {
    expect(toProblem(await post(overrides))).toMatchObject({ status, code })
  })

  it('answers 404 for a data set, or a model, from the moment it is deleted', async () => {
    const gone = await upload({
      columns: ['a', 'b', 'y'],
      rows: [
        [1, 2, 'u'],
        [2, 1, 'v'],
      ],
    })
    await test.send('DELETE', `/v1/datasets/${gone}`)
    expect(toProblem(await post({ dataset_id: gone })).code).toBe('dataset_not_found')

    const job = await test.insertJob()
    await test.finishWithWeights(await test.start(job))
    await test.send('POST', '/v1/models', { body: { name: 'gone', job_id: job.id } })
    await test.send('DELETE', '/v1/models/gone')
    expect(toProblem(await post({ model: 'gone' })).code).toBe('model_not_found')
  })
})

describe('a batch prediction', () => {
  it('holds its data set until it has ended, and what it was made of afterwards', async () => {
    const own = await upload({
      columns: ['a', 'b', 'y'],
      rows: [
        [3, 2, 'u'],
        [2, 5, 'v'],
      ],
    })
    const batch = await start({ dataset_id: own })

    expect(toProblem(await test.send('DELETE', `/v1/datasets/${own}`))).toMatchObject({
      ...{ status: 409, code: 'dataset_in_use', detail: expect.stringContaining(batch.id) },
    })
    await test.stores.batches.finish(await claim(batch.id), await succeeded())
    expect((await test.send('DELETE', `/v1/datasets/${own}`)).statusCode).toBe(204)

    const ended = await read(batch.id)
    expect(ended).toMatchObject({ status: 'succeeded', dataset_id: own, rows_done: 2 })
    const result = await test.send('GET', `/v1/datasets/${ended.result_dataset_id}`)
    expect(result.json().lineage).toEqual({
      batch_prediction_id: batch.id,
      model: 'larger',
      version: 1,
      model_sha256: batch.model_sha256,
      dataset_id: own,
      dataset_sha256: batch.dataset_sha256,
    })
  })

  it('keeps weights and table from being swept while it waits, whatever is deleted', async () => {
    const job = await test.insertJob()
    await test.finishWithWeights(await test.start(job))
    await test.send('POST', '/v1/models', { body: { name: 'purged', job_id: job.id } })
    const batch = await start({ model: 'purged' })
    await test.send('DELETE', '/v1/models/purged?purge=true')
    await test.stores.database
      .$executeRaw`UPDATE blobs SET touched_at = touched_at - interval '2 hours'`

    await test.stores.blobs.sweep()

    const bytes = await Array.fromAsync(test.stores.blobs.read(batch.model_sha256))
    expect(Buffer.concat(bytes).length).toBeGreaterThan(0)
    expect(await test.stores.batches.finish(await claim(batch.id), { status: 'cancelled' })).toBe(
      'done',
    )
  })

  it('ends at once when it is cancelled before it started, and as often as it is asked', async () => {
    const batch = await start()

    const responses = [
      await test.send('POST', `${PATH}/${batch.id}/cancel`),
      await test.send('POST', `${PATH}/${batch.id}/cancel`),
    ]

    expect(responses.map(({ statusCode }) => statusCode)).toEqual([200, 200])
    expect(responses[1]?.json()).toMatchObject({ status: 'cancelled' })
  })

  it('ends as cancelled once a cancel was answered, even if the work was done by then', async () => {
    const batch = await start()
    const lease = await claim(batch.id)

    const asked = await test.send('POST', `${PATH}/${batch.id}/cancel`)
    expect([asked.statusCode, asked.json().status]).toEqual([202, 'cancelling'])
    expect(await test.stores.batches.report(lease, 1)).toBe('cancel')
    await test.stores.batches.finish(lease, await succeeded())

    expect(await read(batch.id)).toMatchObject({ status: 'cancelled', result_dataset_id: null })
    const late = await test.send('POST', `${PATH}/${(await finished()).id}/cancel`)
    expect(toProblem(late)).toMatchObject({ status: 409, code: 'illegal_transition' })
  })

  it('is given to another when its worker is lost, whose writes count no more; five deaths end it', async () => {
    const batch = await start()
    const first = await claim(batch.id)
    await test.stores.batches.report(first, 1)
    await expire(batch.id)
    await test.stores.batches.recoverDead(Date.now())

    expect(await read(batch.id)).toMatchObject({ status: 'queued' })
    expect(await test.stores.batches.report(first, 2)).toBe('fenced')
    expect(await test.stores.batches.finish(first, await succeeded())).toBe('fenced')
    expect(await test.stores.batches.release(first, 'drained')).toBe('fenced')
    for (let death = 2; death <= 5; death++) {
      await test.stores.database.$executeRaw`
        UPDATE batch_predictions SET run_after = clock_timestamp() WHERE id = ${batch.id}`
      await claim(batch.id)
      await expire(batch.id)
      await test.stores.batches.recoverDead(Date.now())
    }
    expect(await read(batch.id)).toMatchObject({ status: 'failed', error: { code: 'worker_lost' } })
  })

  it('counts no death when its worker was told to go and could not give it back, however often', async () => {
    const batch = await start()
    for (let deploy = 1; deploy <= DEATHS_MAX; deploy++) {
      await test.stores.workers.heartbeat({ id: 'a worker', slots: 1 })
      await claim(batch.id)
      await test.stores.workers.drain('a worker')
      await test.stores.workers.leave('a worker')
      await expire(batch.id)
      await test.stores.batches.recoverDead(Date.now())
    }

    expect(await read(batch.id)).toMatchObject({ status: 'queued', attempt: DEATHS_MAX })
    await test.stores.workers.leave('a worker')
    expect(await test.stores.database.worker.count({ where: { id: 'a worker' } })).toBe(0)
  })

  it('of a dead worker waits no longer than a lease when the clock of Postgres was set back', async () => {
    const batch = await start()
    await test.stores.database.$executeRaw`
      UPDATE batch_predictions SET run_after = run_after + interval '1 hour' WHERE id = ${batch.id}`
    await claim(batch.id)
    await test.stores.database.$executeRaw`
      UPDATE batch_predictions SET lease_until = lease_until + interval '1 hour' WHERE id = ${batch.id}`

    await test.stores.batches.recoverDead(Date.now())
    await test.stores.batches.recoverDead(Date.now() + 10_000)

    expect(await read(batch.id)).toMatchObject({ status: 'queued', attempt: 1 })
  })

  it('tells its history as a list and as a stream that ends with it', async () => {
    const batch = await finished()

    const url = `${PATH}/${batch.id}/events`
    const events = listSchema(batchPredictionEventSchema).parse(
      (await test.send('GET', url)).json(),
    )
    const stream = await test.send('GET', url, { headers: { accept: 'text/event-stream' } })

    const types = ['created', 'started', 'progressed', 'succeeded'].map(
      (t) => `batch_prediction.${t}`,
    )
    expect(events.data.map(({ type }) => type)).toEqual(types)
    expect(stream.body.match(/(?<=^event: ).*/gm)).toEqual(types)
    const last = { accept: 'text/event-stream', 'last-event-id': '4' }
    expect((await test.send('GET', url, { headers: last })).statusCode).toBe(204)
  })

  it('is listed by status, newest first, in its own project alone', async () => {
    const [older, newer] = [await finished(), await finished()]

    const list = (await test.send('GET', `${PATH}?status=succeeded&limit=2`)).json()
    expect(list.data.map(({ id }: BatchPrediction) => id)).toEqual([newer.id, older.id])
    const { key } = { key: test.second.text }
    expect((await test.send('GET', PATH, { key })).json().data).toEqual([])
  })

  it('takes turns with those of other projects', async () => {
    for (const { id } of (await test.send('GET', `${PATH}?status=queued&limit=100`)).json().data) {
      await test.send('POST', `${PATH}/${id}/cancel`)
    }
    const many = [await start(), await start(), await start()]
    const batch = await test.stores.batchPredictions.find(test.first.projectId, many[0]?.id ?? '')
    await test.stores.database.$executeRaw`
      INSERT INTO batch_predictions (id, project_id, model, version, model_sha256, dataset_sha256, dataset_id, networks,
        columns, outputs, rows)
      SELECT 'bp_other', ${test.second.projectId}, model, version, model_sha256, dataset_sha256, dataset_id, networks,
        columns, outputs, rows FROM batch_predictions WHERE id = ${batch?.id}`

    const taken = [await test.stores.batches.claim('w'), await test.stores.batches.claim('w')]

    expect(taken.map((claimed) => claimed?.id)).toContain('bp_other')
  })
})

async function finished(): Promise<BatchPrediction> {
  const batch = await start()
  const lease = await claim(batch.id)
  await test.stores.batches.report(lease, 1)
  await test.stores.batches.finish(lease, await succeeded())
  return await read(batch.id)
}

async function expire(id: string): Promise<void> {
  await test.stores.database.$executeRaw`
    UPDATE batch_predictions SET lease_until = clock_timestamp() - interval '1 minute' WHERE id = ${id}`
}
