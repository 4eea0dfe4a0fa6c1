/**
 * A table of orders with ids, predicted as a whole: the result is a data set that knows which order each row is of.
 * Usage: npm start in one terminal, then `npx node examples/batch-prediction/batch-prediction.ts` in another.
 */
import { connect } from '../client.ts'

const { call, train } = await connect()

const history = await call('POST', '/v1/datasets', {
  builtin: { generator: 'moons', rows: 500, seed: 1 },
})
const job = await train({ dataset_id: history.id, seed: 1 })
await call('POST', '/v1/models', { name: 'returns', job_id: job.id })

// What a model needs of a new table is its input columns; the id goes along.
const inputs = history.columns.filter(({ role }: { role: string }) => role === 'feature')
const orders = await call('POST', '/v1/datasets', {
  name: 'orders',
  columns: ['order', ...inputs.map(({ name }: { name: string }) => name), 'y'],
  rows: Array.from({ length: 1000 }, (_, i) => [`A-${i}`, Math.cos(i), Math.sin(i), i % 2]),
  target: 'y',
})
await call('PATCH', `/v1/datasets/${orders.id}`, { roles: { order: 'id' } })

let batch = await call('POST', '/v1/batch_predictions', { model: 'returns', dataset_id: orders.id })
while (!['succeeded', 'failed', 'cancelled'].includes(batch.status)) {
  batch = await call('GET', `/v1/batch_predictions/${batch.id}?wait=10`)
}
if (batch.status !== 'succeeded') throw new Error(batch.error?.message ?? batch.status)
const result = await call('GET', `/v1/datasets/${batch.result_dataset_id}`)
const { model, version } = result.lineage
console.log(`${result.rows} rows by ${model} version ${version} are the data set "${result.name}"`)
const { columns, rows } = await call('GET', `/v1/datasets/${result.id}/rows?limit=3`)
console.log(columns.join(', '))
for (const row of rows) console.log(row.join(', '))
