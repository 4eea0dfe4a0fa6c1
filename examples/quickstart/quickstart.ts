/**
 * The main job from a program: a table goes in, a trained model and a prediction come out. Needs no package.
 * Usage: npm start in one terminal, then `npm run example` in another.
 */
import { readFile } from 'node:fs/promises'

const home = process.env.TRAINYARD_HOME ?? '.trainyard'
const { base_url, api_key } = JSON.parse(await readFile(`${home}/credentials.json`, 'utf8'))

const dataset = await post(
  '/v1/datasets?name=wine&target=cultivar',
  await readFile('data/wine.csv', 'utf8'),
)
console.log(
  `${dataset.rows} rows, ${dataset.columns.length} columns, ${dataset.task} of ${dataset.target}`,
)

let job = await post('/v1/jobs', { name: 'wine', dataset_id: dataset.id, seed: 3 })
while (!['succeeded', 'failed', 'cancelled'].includes(job.status)) {
  // Answers at once when something has changed, and after ten seconds at the latest.
  job = await call('GET', `/v1/jobs/${job.id}?wait=10`)
  console.log(`${job.status}, epoch ${job.epoch} of ${job.resolved_config.training.epochs}`)
}
if (job.status !== 'succeeded') throw new Error(job.error?.message ?? job.status)
console.log(`validation accuracy ${job.best.metrics.val_accuracy} in epoch ${job.best.epoch}`)

// The first wine of the table, as a record of raw values.
const [header = '', first = ''] = (await readFile('data/wine.csv', 'utf8')).split('\n')
const values = first.split(',').map(Number)
const names = header.split(',').slice(0, -1)
const record = Object.fromEntries(names.map((name, i) => [name, values[i]]))
const { predictions } = await post(`/v1/jobs/${job.id}/predict`, { records: [record] })
console.log(`the first wine is of cultivar ${predictions[0].label}`)

function post(path: string, body: unknown) {
  return call('POST', path, body)
}

// biome-ignore lint/suspicious/noExplicitAny: a script reads what it needs
async function call(method: string, path: string, body?: unknown): Promise<any> {
  const isCsv = typeof body === 'string'
  const response = await fetch(base_url + path, {
    method,
    headers: {
      authorization: `Bearer ${api_key}`,
      ...(body === undefined ? {} : { 'content-type': isCsv ? 'text/csv' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isCsv ? body : JSON.stringify(body) }),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${answer.code}: ${answer.detail}`)
  return answer
}
