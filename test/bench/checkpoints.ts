/**
 * What checkpoints cost a training, database included: the same jobs through the service with the default of one every ten
 * seconds and with none but that of the end, in turns, from claim to end. Both slots train, so that what the main thread and
 * Postgres need is taken from a training as well. On a busy machine compare the processor time of both. Linux only: it reads
 * /proc. Usage: npm run bench:checkpoints [-- <rounds>]
 */
import { cpus } from 'node:os'
import type { Job } from '@trainyard/contracts'
import pg from 'pg'
import { cloneDatabase } from '../support/database.ts'
import { processorSeconds, serverProcessorSeconds } from '../support/process-facts.ts'
import { startStack } from '../support/stack.ts'
import { startTestPostgres } from '../support/test-postgres.ts'

const ROUNDS = Number(process.argv[2] ?? 2)
const SLOTS = 2
/** In percent of the training time. */
const GOAL = 2
const NEVER_SECONDS = 1e6
const PIXELS = 784
const IMAGES = 2000

/** Epochs for some 23 s: two checkpoints, as in the long run. */
const WORKLOADS = [
  { name: '64-128-64-10, batch 32', units: [128, 64], batchSize: 32, epochs: 5600, data: 'digits' },
  {
    name: '784-512-256-10, batch 128',
    units: [512, 256],
    batchSize: 128,
    epochs: 230,
    data: 'images',
  },
] as const
type Workload = (typeof WORKLOADS)[number]

const postgres = await startTestPostgres()
const database = await cloneDatabase(postgres.url)
const stack = await startStack({ queue: 'postgres', database, threads: SLOTS })
const told = new pg.Client({ connectionString: stack.databaseUrl })
await told.connect()
const authorization = `Bearer ${stack.apiKey}`
const datasets = {
  digits: await post<{ id: string }>('/v1/datasets', { builtin: { generator: 'digits' } }),
  images: await request<{ id: string }>('/v1/datasets?target=label&types={"label":"category"}', {
    method: 'POST',
    headers: { authorization, 'content-type': 'text/csv' },
    body: makeImages(),
  }),
}

const backendPid = (await told.query('SELECT pg_backend_pid() AS pid')).rows[0].pid

const date = new Date().toISOString().slice(0, 10)
console.log(`${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}, ${date}`)
console.log(
  `| network | round | checkpoints | without s | with s | cost | processor s without | with | cost |\n${'|---'.repeat(9)}|`,
)
const medians: number[] = []
for (const workload of WORKLOADS) {
  const costs: number[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    // Each goes first as often as the other.
    const isOdd = round % 2 === 1
    const first = await trainAll(workload, isOdd ? NEVER_SECONDS : 10, round)
    const second = await trainAll(workload, isOdd ? 10 : NEVER_SECONDS, round)
    const [without, kept] = isOdd ? [first, second] : [second, first]
    const cost = 100 * (kept.seconds / without.seconds - 1)
    const processorCost = 100 * (kept.processor / without.processor - 1)
    costs.push(cost)
    const cells = [
      ...[without.seconds, kept.seconds, cost, without.processor, kept.processor, processorCost],
    ].map((value) => value.toFixed(2))
    console.log(`| ${[workload.name, round, kept.taken, ...cells].join(' | ')} |`)
  }
  costs.sort((a, b) => a - b)
  const [below = 0, above = 0] = [costs[(ROUNDS - 1) >> 1], costs[ROUNDS >> 1]]
  medians.push((below + above) / 2)
  console.log(`${workload.name}: median ${((below + above) / 2).toFixed(2)} %, goal ${GOAL} %`)
}
await told.end()
await stack.stop()
await postgres.stop()
process.exit(medians.some((median) => median > GOAL) ? 1 : 0)

/** One job on each slot: means of their seconds and checkpoints, and the processor time of worker and Postgres. */
async function trainAll(workload: Workload, everySeconds: number, round: number) {
  const processor = async () =>
    (await processorSeconds(stack.process('worker').pid)) +
    (await serverProcessorSeconds(backendPid))
  const before = await processor()
  const jobs = await Promise.all(
    Array.from({ length: SLOTS }, (_, slot) => train(workload, everySeconds, SLOTS * round + slot)),
  )
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
  return {
    seconds: sum(jobs.map((job) => job.seconds)) / SLOTS,
    taken: sum(jobs.map((job) => job.taken)) / SLOTS,
    processor: (await processor()) - before,
  }
}

/** Seconds from its claim to its end by Postgres' clock, and the checkpoints taken before the end. */
async function train(
  { units, batchSize, epochs, data }: Workload,
  everySeconds: number,
  seed: number,
): Promise<{ seconds: number; taken: number }> {
  const { id } = await post<Job>('/v1/jobs', {
    dataset_id: datasets[data].id,
    seed,
    validation: null,
    model: { hidden: units.map((count) => ({ units: count, activation: 'relu' })) },
    training: { epochs, batch_size: batchSize, early_stopping: null },
    checkpoint: { every_seconds: everySeconds },
  })
  for (;;) {
    const job = await request<Job>(`/v1/jobs/${id}?wait=60`, { headers: { authorization } })
    if (job.finished_at === null) continue
    if (job.status !== 'succeeded') throw new Error(`the job is ${job.status}`)
    const seconds = (Date.parse(job.finished_at) - Date.parse(job.started_at ?? '')) / 1000
    const { rows } = await told.query<{ taken: number }>(
      `SELECT count(*)::int AS taken FROM events WHERE job_id = $1 AND type = 'job.checkpoint_created'`,
      [id],
    )
    return { seconds, taken: (rows[0]?.taken ?? 0) - 1 }
  }
}

/** Noise in the shape of handwritten digits: what is learnt costs the same. */
function makeImages(): string {
  const names = Array.from({ length: PIXELS }, (_, i) => `p${i}`)
  const rows = Array.from({ length: IMAGES }, (_, row) =>
    [row % 10, ...names.map((_, i) => (row * 31 + i * 17 + ((row * i) % 97)) % 256)].join(','),
  )
  return `${['label', ...names].join(',')}\n${rows.join('\n')}\n`
}

async function post<Answer>(path: string, body: unknown): Promise<Answer> {
  const headers = { authorization, 'content-type': 'application/json' }
  return await request<Answer>(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function request<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(stack.baseUrl + path, init)
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
  return (await response.json()) as Answer
}
