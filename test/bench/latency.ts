/**
 * From `POST /v1/jobs` to the first epoch on the job's stream, whole service included, on each queue.
 * Usage: npm run bench:latency
 */
import { cpus } from 'node:os'
import type { Event } from '@trainyard/contracts'
import { EventSource } from 'eventsource'
import { cloneDatabase } from '../support/database.ts'
import { queuesToTest, type TestQueue } from '../support/queues.ts'
import { startStack } from '../support/stack.ts'
import { startTestPostgres } from '../support/test-postgres.ts'

const TRIES = 50
const GOAL_P50_MS = 150

const postgres = await startTestPostgres()
console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
)
console.log('| queue | tries | p50 ms | p90 ms | p99 ms | max ms |\n|---|---|---|---|---|---|')
let isMissed = false
for (const queue of queuesToTest()) {
  const timesMs = await measure(queue)
  const [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1].map((share) => quantile(timesMs, share))
  isMissed ||= (p50 ?? Number.POSITIVE_INFINITY) > GOAL_P50_MS
  console.log(
    `| ${[queue, TRIES, p50, p90, p99, max].map((cell) => (typeof cell === 'number' && cell !== TRIES ? cell.toFixed(0) : cell)).join(' | ')} |`,
  )
}
await postgres.stop()
if (isMissed) console.error(`p50 above ${GOAL_P50_MS} ms`)
process.exit(isMissed ? 1 : 0)

async function measure(queue: TestQueue): Promise<number[]> {
  const stack = await startStack({ queue, database: await cloneDatabase(postgres.url) })
  const headers = { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' }
  const post = async (path: string, body: unknown) => {
    const response = await fetch(stack.baseUrl + path, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    return (await response.json()) as { id: string }
  }
  const dataset = await post('/v1/datasets', { builtin: { generator: 'digits' } })
  const timesMs: number[] = []
  // One more, not counted: the first job of a stack loads modules and data.
  for (let i = 0; i <= TRIES; i++) {
    const startedMs = performance.now()
    const job = await post('/v1/jobs', {
      dataset_id: dataset.id,
      seed: i,
      training: { epochs: 20 },
    })
    const { first, last } = follow(`${stack.baseUrl}/v1/jobs/${job.id}/events`, headers)
    const elapsedMs = (await first) - startedMs
    if (i > 0) timesMs.push(elapsedMs)
    await last
  }
  await stack.stop()
  return timesMs.sort((a, b) => a - b)
}

/** When the first epoch arrives, and when the job has ended. */
function follow(url: string, headers: Record<string, string>) {
  const { promise: first, resolve: onFirst } = Promise.withResolvers<number>()
  const { promise: last, resolve: onLast } = Promise.withResolvers<Event>()
  const source = new EventSource(url, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
  })
  source.addEventListener('job.epoch_completed', () => onFirst(performance.now()))
  source.addEventListener('job.succeeded', (message) => {
    source.close()
    onLast(JSON.parse(message.data))
  })
  return { first, last }
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
