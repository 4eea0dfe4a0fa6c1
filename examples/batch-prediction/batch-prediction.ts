/**
 * A table of orders with ids, predicted as a whole: the result is a data set that knows which order each row is of.
 * Usage: npm start in one terminal, then `node examples/batch-prediction/batch-prediction.ts` in another.
 */
import { readFile } from 'node:fs/promises'

const home = process.env.TRAINYARD_HOME ?? '.trainyard'
const { base_url, api_key } = JSON.parse(await readFile(`${home}/credentials.json`, 'utf8'))

const history = await post('/v1/datasets', { builtin: { generator: 'moons', rows: 500, seed: 1 } })
let job = await post('/v1/jobs', { dataset_id: history.id, seed: 1 })
while (!['succeeded', 'failed', 'cancelled'].includes(job.status)) {
  job = await call('GET', `/v1/jobs/${job.id}?wait=10`)
}
await post('/v1/models', { name: 'returns', job_id: job.id })

// What a model needs of a new table is its input columns; the id goes along.
const inputs = history.columns.filter(({ role }: { role: string }) => role === 'feature')
const orders = await post('/v1/datasets', {
  name: 'orders',
  columns: ['order', ...inputs.map(({ name }: { name: string }) => name), 'y'],
  rows: Array.from({ length: 1000 }, (_, i) => [`A-${i}`, Math.cos(i), Math.sin(i), i % 2]),
  target: 'y',
})
await call('PATCH', `/v1/datasets/${orders.id}`, { roles: { order: 'id' } })

let batch = await post('/v1/batch_predictions', { model: 'returns', dataset_id: orders.id })
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

function post(path: string, body: unknown) {
  return call('POST', path, body)
}

// biome-ignore lint/suspicious/noExplicitAny: a script reads what it needs
async function call(method: string, path: string, body?: unknown): Promise<any> {
  const response = await fetch(base_url + path, {
    method,
    headers: {
      authorization: `Bearer ${api_key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${answer.code}: ${answer.detail}`)
  return answer
}
