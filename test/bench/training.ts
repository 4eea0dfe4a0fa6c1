/**
 * The same job trained by the library alone and by the whole service, in turns: the sum of its epochs' durations, which
 * is training time alone on both sides, and whether the weights are the same. Usage: npm run bench:training
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Job, MetricsList } from '@trainyard/contracts'
import { openTables } from '@trainyard/datasets'
import { createNetwork, train } from '@trainyard/engine'
import { packLayers, prepareTraining, toNetworkConfig, toTrainingOptions } from '@trainyard/model'
import { cloneDatabase } from '../support/database.ts'
import { startStack } from '../support/stack.ts'
import { startTestPostgres } from '../support/test-postgres.ts'

const ROUNDS = 5
const EPOCHS = 1000
/** Of the library's speed that the service must reach. */
const GOAL = 0.95
const GENERATOR = 'digits'
const LAYER = { activation: 'relu' } as const

const postgres = await startTestPostgres()
const database = await cloneDatabase(postgres.url)
const stack = await startStack({ queue: 'postgres', database })
const headers = { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' }
const dataset = await request<{ id: string }>('/v1/datasets', { builtin: { generator: GENERATOR } })
const folder = await mkdtemp(join(tmpdir(), 'trainyard-bench-'))
const tables = await openTables({ folder })
const { parquetPath, columns, target } = await tables.ingestGenerated({ generator: GENERATOR })
const table = await tables.readTable(parquetPath, columns)

const shares: number[] = []
const date = new Date().toISOString().slice(0, 10)
console.log(`${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}, ${date}`)
console.log('| seed | library s | service s | share of its speed |\n|---|---|---|---|')
for (let seed = 1; seed <= ROUNDS; seed++) {
  const job = await trainByService(seed)
  const metrics = await request<MetricsList>(`/v1/jobs/${job.id}/metrics?max_points=10000`)
  const serviceMs = metrics.data.reduce((sum, row) => sum + row.duration_ms, 0)
  const library = await trainByLibrary(job)
  if (library.sha256 !== job.weights?.last.sha256) throw new Error('the weights differ')
  shares.push(library.ms / serviceMs)
  const cells = [library.ms / 1000, serviceMs / 1000, library.ms / serviceMs]
  console.log(`| ${[String(seed), ...cells.map((value) => value.toFixed(3))].join(' | ')} |`)
}
await tables.close()
await stack.stop()
await postgres.stop()
await rm(folder, { recursive: true })
const median = shares.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0
console.log(`median ${(100 * median).toFixed(1)} %, goal ${100 * GOAL} %`)
process.exit(median < GOAL ? 1 : 0)

async function trainByService(seed: number): Promise<Job> {
  const { id } = await request<Job>('/v1/jobs', {
    dataset_id: dataset.id,
    seed,
    model: {
      hidden: [
        { units: 128, ...LAYER },
        { units: 64, ...LAYER },
      ],
    },
    training: { epochs: EPOCHS, batch_size: 32, early_stopping: null },
    validation: null,
  })
  for (;;) {
    const job = await request<Job>(`/v1/jobs/${id}?wait=60`)
    if (job.status === 'succeeded') return job
    if (job.finished_at !== null) throw new Error(`the job is ${job.status}`)
  }
}

async function trainByLibrary({ resolved_config: resolved }: Job) {
  const { training } = prepareTraining({ table, columns, target, resolved })
  const network = await createNetwork(toNetworkConfig(resolved), { seed: BigInt(resolved.seed) })
  let ms = 0
  const options = { ...toTrainingOptions(resolved), training, validation: null }
  for (const { durationMs } of train(network, options)) ms += durationMs
  const sha256 = createHash('sha256').update(packLayers(network.weights())).digest('hex')
  return { ms, sha256 }
}

async function request<Answer>(path: string, body?: unknown): Promise<Answer> {
  const method = body === undefined ? 'GET' : 'POST'
  const init = body === undefined ? {} : { body: JSON.stringify(body) }
  const response = await fetch(stack.baseUrl + path, { method, headers, ...init })
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
  return (await response.json()) as Answer
}
