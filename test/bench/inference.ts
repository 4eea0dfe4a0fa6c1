/**
 * Predictions over HTTP with a key, connections kept alive, the client on the same cores: single records of a small model, and raw
 * tensors of 1,024 rows of a large one; a whole data set as a batch prediction; beside them the engine alone.
 * Usage: npm run bench:inference
 */
import { connect, type Socket } from 'node:net'
import { cpus } from 'node:os'
import { compileKernels, openInference } from '@trainyard/engine'
import { createRandom } from '@trainyard/engine/random'
import { cloneDatabase } from '../support/database.ts'
import { startStack } from '../support/stack.ts'
import { startTestPostgres } from '../support/test-postgres.ts'

const SECONDS = 5
const WARM_UP_SECONDS = 2
const SMALL = [4, 16, 16, 3]
const LARGE = [784, 512, 256, 10]
const ROWS = 1024
const BATCH_ROWS = 500_000
const GOALS = { requests: 2000, p99Ms: 25, rows: 35_000, engineUs: 60 }

const postgres = await startTestPostgres()
const stack = await startStack({ queue: 'postgres', database: await cloneDatabase(postgres.url) })
console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
)
await register('small', SMALL)
await register('large', LARGE)

const record = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`input_${i + 1}`, i / 3]))
const single = Buffer.from(JSON.stringify({ records: [record] }))
const small = await load('/v1/models/small/predict', 8, single, {
  'content-type': 'application/json',
})

const head = Buffer.from(
  JSON.stringify({
    inputs: [
      {
        ...{ name: 'features', shape: [ROWS, LARGE[0]], datatype: 'FP32' },
        parameters: { binary_data_size: ROWS * (LARGE[0] ?? 0) * 4 },
      },
    ],
    outputs: [{ name: 'probabilities', parameters: { binary_data: true } }],
  }),
)
const pixels = Float32Array.from({ length: ROWS * (LARGE[0] ?? 0) }, (_, i) => (i % 255) / 255)
const tensors = Buffer.concat([head, Buffer.from(pixels.buffer)])
const large = await load('/v2/models/large/infer', 4, tensors, {
  'content-type': 'application/octet-stream',
  'inference-header-content-length': String(head.length),
})
const batchSeconds = await predictDataset('small', SMALL[0] ?? 0)
await stack.stop()
await postgres.stop()
const engineUs = await measureEngine(SMALL)

console.log('| what | goal | measured |\n|---|---|---|')
console.log(
  `| single records, small model | ≥ ${GOALS.requests}/s | ${small.perSecond.toFixed(0)}/s |`,
)
console.log(
  `| their p50, p99 | p99 ≤ ${GOALS.p99Ms} ms | ${small.p50Ms.toFixed(1)}, ${small.p99Ms.toFixed(1)} ms |`,
)
console.log(
  `| rows of 784-512-256-10, ${ROWS} a request | ≥ ${GOALS.rows}/s | ${(large.perSecond * ROWS).toFixed(0)}/s |`,
)
console.log(
  `| engine alone, one row of the small model | ≤ ${GOALS.engineUs} µs | ${engineUs.toFixed(1)} µs |`,
)
console.log(
  `| a data set of ${BATCH_ROWS} rows as a batch prediction, POST to result | – | ${batchSeconds.toFixed(1)} s, ${(BATCH_ROWS / batchSeconds).toFixed(0)} rows/s |`,
)
const isMet =
  small.perSecond >= GOALS.requests &&
  small.p99Ms <= GOALS.p99Ms &&
  large.perSecond * ROWS >= GOALS.rows &&
  engineUs <= GOALS.engineUs
process.exit(isMet ? 0 : 1)

function layersOf(widths: readonly number[]) {
  const random = createRandom(1n, 'bench')
  let index = 0
  return widths.slice(1).map((units, i) => {
    const inputs = widths[i] ?? 0
    const draw = (count: number) =>
      Float32Array.from({ length: count }, () => random.normal(index++) / Math.sqrt(inputs))
    return { inputs, units, weight: draw(units * inputs), bias: draw(units) }
  })
}

async function register(name: string, widths: readonly number[]): Promise<void> {
  const layers = layersOf(widths).map(({ inputs, units, weight, bias }) => ({
    weight: Array.from({ length: units }, (_, unit) => [
      ...weight.subarray(unit * inputs, (unit + 1) * inputs),
    ]),
    bias: [...bias],
  }))
  const response = await fetch(`${stack.baseUrl}/v1/models`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      name,
      weights: { format: 'trainyard/1', layers },
      architecture: {
        inputs: widths[0],
        hidden: widths.slice(1, -1).map((units) => ({ units, activation: 'relu' })),
        ...{ outputs: widths.at(-1), task: 'classification' },
        classes: Array.from({ length: widths.at(-1) ?? 0 }, (_, k) => `class ${k}`),
      },
    }),
  })
  if (response.status !== 201) throw new Error(await response.text())
}

/** Seconds until every row of a table is predicted and the result stored as a data set. */
async function predictDataset(model: string, inputs: number): Promise<number> {
  const call = async (method: string, path: string, type: string, body?: string) => {
    const headers = { authorization: `Bearer ${stack.apiKey}`, 'content-type': type }
    const response = await fetch(stack.baseUrl + path, { method, headers, ...(body && { body }) })
    if (!response.ok) throw new Error(await response.text())
    return (await response.json()) as { id: string; status: string; error: unknown }
  }
  const names = Array.from({ length: inputs }, (_, i) => `input_${i + 1}`)
  const lines = Array.from({ length: BATCH_ROWS }, (_, row) =>
    [...names.map((_, i) => (row % (7 + i)) / 8), row % 2].join(','),
  )
  const csv = `${names.join(',')},y\n${lines.join('\n')}`
  const dataset = await call('POST', '/v1/datasets?target=y', 'text/csv', csv)
  const startedMs = performance.now()
  const body = JSON.stringify({ model, dataset_id: dataset.id })
  let batch = await call('POST', '/v1/batch_predictions', 'application/json', body)
  while (batch.status === 'queued' || batch.status === 'running') {
    batch = await call('GET', `/v1/batch_predictions/${batch.id}?wait=30`, 'application/json')
  }
  if (batch.status !== 'succeeded') throw new Error(JSON.stringify(batch.error))
  return (performance.now() - startedMs) / 1000
}

/** As many requests as so many connections bring through, one after the other each. */
async function load(
  path: string,
  connections: number,
  body: Buffer,
  headers: Record<string, string>,
) {
  const { hostname, port } = new URL(stack.baseUrl)
  const fields = { host: hostname, authorization: `Bearer ${stack.apiKey}`, ...headers }
  const lines = Object.entries({ ...fields, 'content-length': String(body.length) })
  const request = Buffer.concat([
    Buffer.from(
      `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    ),
    body,
  ])
  const timesMs: number[] = []
  const startedMs = performance.now()
  const countedFromMs = startedMs + WARM_UP_SECONDS * 1000
  const endMs = countedFromMs + SECONDS * 1000
  const run = async () => {
    const socket = connect(Number(port), hostname).setNoDelay()
    while (performance.now() < endMs) {
      const sentMs = performance.now()
      await exchange(socket, request)
      if (sentMs >= countedFromMs) timesMs.push(performance.now() - sentMs)
    }
    socket.destroy()
  }
  await Promise.all(Array.from({ length: connections }, run))
  timesMs.sort((a, b) => a - b)
  const at = (share: number) => timesMs[Math.ceil(share * timesMs.length) - 1] ?? Number.NaN
  return { perSecond: timesMs.length / SECONDS, p50Ms: at(0.5), p99Ms: at(0.99) }
}

/** Sends a request and reads the whole answer; a client that costs little, since it runs on the measured cores. */
async function exchange(socket: Socket, request: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let received = 0
  let wanted: number | null = null
  let head = ''
  const onData = (chunk: Buffer) => {
    received += chunk.length
    if (wanted === null) {
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      if (!head.startsWith('HTTP/1.1 200')) return reject(new Error(head))
      wanted = end + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1])
    }
    if (received >= wanted) resolve()
  }
  socket.on('data', onData).once('error', reject)
  socket.write(request)
  await promise
  socket.off('data', onData).off('error', reject)
}

async function measureEngine(widths: readonly number[]): Promise<number> {
  const { module } = await compileKernels()
  const layers = layersOf(widths)
  const config = {
    inputs: widths[0] ?? 0,
    layers: layers.map(({ units }, i) => ({
      units,
      activation: i < layers.length - 1 ? ('relu' as const) : ('linear' as const),
      initializer: { type: 'zeros' as const },
    })),
  }
  const { predict } = openInference(module, config, layers)
  const row = new Float32Array(config.inputs).fill(0.5)
  const timesUs: number[] = []
  for (let i = 0; i < 20_000; i++) {
    const startedMs = performance.now()
    predict(row, 1)
    timesUs.push((performance.now() - startedMs) * 1000)
  }
  return timesUs.sort((a, b) => a - b)[timesUs.length / 2] ?? Number.NaN
}
