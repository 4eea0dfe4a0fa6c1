import {
  type BatchPrediction,
  type BatchPredictionEvent,
  batchPredictionSchema,
  type Dataset,
} from '@trainyard/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeClient, type TestClient } from '../support/client.ts'
import { startStack, type TestStack } from '../support/stack.ts'
import { waitFor } from '../support/wait-for.ts'

/** So many that a second passes between the first report and the end. */
const ROWS = 60_000
const LOOKED_AT = ROWS - 1000
const UNITS = 512

let stack: TestStack
let client: TestClient
let orders: Dataset
beforeAll(async () => {
  stack = await startStack({ queue: 'postgres', environment: { TRAINYARD_LEASE_SECONDS: '2' } })
  client = makeClient(stack)
  const lines = Array.from(
    { length: ROWS },
    (_, i) => `order ${ROWS - i},${i % 7},${i % 11},${i % 2}`,
  )
  const csv = `order,input_1,input_2,y\n${lines.join('\n')}`
  const { body } = await client.send('POST', '/v1/datasets?target=y&name=orders', csv)
  await client.send('PATCH', `/v1/datasets/${body.id}`, { roles: { order: 'id' } })
  orders = (await client.send('GET', `/v1/datasets/${body.id}`)).body
  // Large enough that its predictions take seconds.
  const imported = await client.send('POST', '/v1/models', makeModel([2, UNITS, UNITS, UNITS, 2]))
  expect(imported.status).toBe(201)
})
afterAll(() => stack?.stop())

const read = async (id: string): Promise<BatchPrediction> =>
  batchPredictionSchema.parse((await client.send('GET', `/v1/batch_predictions/${id}`)).body)
const start = async (): Promise<BatchPrediction> => {
  const body = { model: 'wide', dataset_id: orders.id }
  return (await client.send('POST', '/v1/batch_predictions', body)).body
}
const untilSucceeded = (id: string) =>
  waitFor(`${id} has ended`, async () => (await read(id)).status === 'succeeded', 60_000)

it('survives the kill of its worker with the same bytes, and its result is a data set like any other', async () => {
  const batch = await start()
  await waitFor('rows are predicted', async () => (await read(batch.id)).rows_done > 0)
  await stack.process('worker').end('SIGKILL')
  await stack.start('worker')
  await untilSucceeded(batch.id)
  const undisturbed = await start()
  await untilSucceeded(undisturbed.id)

  const [killed, whole] = [await read(batch.id), await read(undisturbed.id)]
  expect([killed.attempt, whole.attempt]).toEqual([2, 1])
  const [result, other] = await Promise.all(
    [killed, whole].map(async ({ result_dataset_id: id }): Promise<Dataset> => {
      return (await client.send('GET', `/v1/datasets/${id}`)).body
    }),
  )
  expect(result?.sha256).toBe(other?.sha256)
  expect(result).toMatchObject({
    rows: ROWS,
    target: 'label',
    lineage: { batch_prediction_id: batch.id, model: 'wide', version: 1, dataset_id: orders.id },
  })
  const events = await client.send('GET', `/v1/batch_predictions/${batch.id}/events?limit=100`)
  const types = (events.body.data as BatchPredictionEvent[]).map(({ type }) => type.split('.')[1])
  expect(types.filter((type) => type !== 'progressed')).toEqual([
    ...['created', 'started', 'retrying', 'started', 'succeeded'],
  ])

  const page = await client.send(
    'GET',
    `/v1/datasets/${result?.id}/rows?offset=${LOOKED_AT}&limit=1`,
  )
  const [order, row, label, no, yes] = page.body.rows[0]
  const one = await client.send('POST', '/v1/models/wide/predict', {
    records: [{ input_1: LOOKED_AT % 7, input_2: LOOKED_AT % 11 }],
  })
  const [{ label: single, probabilities }] = one.body.predictions
  expect([order, row, label]).toEqual(['order 1000', LOOKED_AT, single])
  expect([no, yes]).toEqual([probabilities.no, probabilities.yes])
  const download = await client.send('GET', `/v1/datasets/${result?.id}/download`)
  expect(download.status).toBe(200)
  const job = await client.createJob({
    dataset_id: result?.id as string,
    training: { epochs: 2, batch_size: 1024 },
  })
  expect(await client.finishJob(job.id)).toMatchObject({ status: 'succeeded' })
})

function makeModel(widths: number[]) {
  const layers = widths.slice(1).map((units, i) => ({
    weight: Array.from({ length: units }, (_, k) =>
      Array.from({ length: widths[i] as number }, (_, j) => (((k * 31 + j * 17) % 13) - 6) / 64),
    ),
    bias: new Array<number>(units).fill(0),
  }))
  const hidden = widths.slice(1, -1).map((units) => ({ units, activation: 'relu' }))
  const architecture = {
    inputs: 2,
    hidden,
    outputs: 2,
    task: 'classification',
    classes: ['no', 'yes'],
  }
  return { name: 'wide', architecture, weights: { format: 'trainyard/1', layers } }
}
