/**
 * What the service makes of many short trials, whole service included, on each queue: time to accept and preview 10,000
 * trials, trials per second of a tiny network, 64 trials on digits from POST to done, and how long a cancel takes.
 * Usage: npm run bench:sweeps [-- <trials of the tiny network> <queue>]
 */
import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sweep } from '@trainyard/contracts'
import { cloneDatabase } from '../support/database.ts'
import { queuesToTest, type TestQueue } from '../support/queues.ts'
import { startStack } from '../support/stack.ts'
import { startTestPostgres } from '../support/test-postgres.ts'

const TRIALS = Number(process.argv[2] ?? 10_000)
const DIGITS_TRIALS = 64
const REPEATS = 5

const postgres = await startTestPostgres()
console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
)
console.log('| queue | what | result |\n|---|---|---|')
for (const queue of process.argv[3] === undefined
  ? queuesToTest()
  : [process.argv[3] as TestQueue]) {
  for (const [what, result] of await measure(queue))
    console.log(`| ${queue} | ${what} | ${result} |`)
}
await postgres.stop()
process.exit(0)

async function measure(queue: TestQueue): Promise<[string, string][]> {
  const stack = await startStack({ queue, database: await cloneDatabase(postgres.url) })
  const headers = { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' }
  const call = async <Result>(method: string, path: string, body?: unknown): Promise<Result> => {
    const response = await fetch(stack.baseUrl + path, {
      method,
      headers: body === undefined ? { authorization: headers.authorization } : headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const answer = await response.json()
    if (!response.ok) throw new Error(JSON.stringify(answer))
    return answer as Result
  }
  const finish = async (id: string): Promise<Sweep> => {
    for (;;) {
      const sweep = await call<Sweep>('GET', `/v1/sweeps/${id}?wait=30`)
      if (['succeeded', 'failed', 'cancelled'].includes(sweep.status)) return sweep
    }
  }
  const run = async (
    spec: unknown,
  ): Promise<{ sweep: Sweep; seconds: number; acceptedMs: number }> => {
    const startedMs = performance.now()
    const { id } = await call<Sweep>('POST', '/v1/sweeps', spec)
    const acceptedMs = performance.now() - startedMs
    const sweep = await finish(id)
    return { sweep, seconds: (performance.now() - startedMs) / 1000, acceptedMs }
  }
  const digits = await call<{ id: string }>('POST', '/v1/datasets', {
    builtin: { generator: 'digits' },
  })
  const xor = await call<{ id: string }>('POST', '/v1/datasets', {
    builtin: { generator: 'xor', rows: 100, noise: 0.1, seed: 1 },
  })
  const learningRate = { distribution: 'log_uniform', min: 1e-3, max: 1e-1 }
  const tiny = (trials: number) => ({
    dataset_id: xor.id,
    seed: 1,
    max_trials: trials,
    base: {
      model: { hidden: [{ units: 4, activation: 'tanh' }] },
      training: { epochs: 5, batch_size: 32 },
    },
    parameters: { 'training.optimizer.learning_rate': learningRate },
  })
  const onDigits = (seed: number) => ({
    dataset_id: digits.id,
    seed,
    max_trials: DIGITS_TRIALS,
    base: {
      model: { hidden: [{ units: 128 }, { units: 64 }] },
      training: { epochs: 5, batch_size: 32 },
    },
    parameters: { 'training.optimizer.learning_rate': learningRate },
  })
  // Loads modules and data, not counted.
  await run(tiny(64))
  await run(onDigits(0))

  const rows: [string, string][] = []
  const previewMs = performance.now()
  await call('POST', '/v1/sweeps/preview', tiny(10_000))
  rows.push([
    'preview of 10,000 trials, first 1,000',
    `${(performance.now() - previewMs).toFixed(0)} ms`,
  ])

  const times: number[] = []
  for (let i = 1; i <= REPEATS; i++) times.push((await run(onDigits(i))).seconds)
  times.sort((a, b) => a - b)
  rows.push([
    `${DIGITS_TRIALS} trials × 5 epochs of 64-128-64-10 on digits, POST to done, best and median of ${REPEATS}`,
    `${times[0]?.toFixed(2)} s, ${times[Math.floor(REPEATS / 2)]?.toFixed(2)} s`,
  ])

  const many = await run(tiny(TRIALS))
  rows.push([`accepting ${TRIALS} trials`, `${many.acceptedMs.toFixed(0)} ms`])
  rows.push([
    `${TRIALS} trials of the tiny network, 5 epochs (${many.sweep.trials.complete} complete)`,
    `${many.seconds.toFixed(1)} s, ${(TRIALS / many.seconds).toFixed(0)} trials/s`,
  ])

  const { id } = await call<Sweep>('POST', '/v1/sweeps', tiny(10_000))
  await delay(1000)
  const cancelMs = performance.now()
  await call('POST', `/v1/sweeps/${id}/cancel`)
  const cancelled = await finish(id)
  rows.push([
    `cancel of a sweep of 10,000 trials, to ${cancelled.status}`,
    `${(performance.now() - cancelMs).toFixed(0)} ms`,
  ])
  await stack.stop()
  return rows
}
