/**
 * What a sweep of 10,000 trials does to others, on each queue (F43): how long single jobs of other projects and of its own
 * wait behind it, in lengths of what a thread takes at once (a trial, or a batch of short ones), and what share of the
 * threads two sweeping projects have.
 * Usage: npm run bench:fairness [-- <seconds of each share> <queue>]
 */
import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Dataset, Job, Sweep, SweepSpec } from '@trainyard/contracts'
import { makeClient, type TestClient } from '../support/client.ts'
import { cloneDatabase } from '../support/database.ts'
import { queuesToTest, type TestQueue } from '../support/queues.ts'
import { startStack, type TestStack } from '../support/stack.ts'
import { startTestPostgres } from '../support/test-postgres.ts'
import { readShare, readTaken, readWaitMs } from '../support/thread-time.ts'
import { waitFor } from '../support/wait-for.ts'

const SHARE_SECONDS = Number(process.argv[2] ?? 60)
const BEHIND_SECONDS = 5
const SINGLE_JOBS = 10
/** Guards against a hang, no more. */
const ENDED_MS_MAX = 600_000

type Size = 'tiny' | 'short' | 'long' | 'longer'

interface Project {
  client: TestClient
  datasets: Record<Size, string>
}

const postgres = await startTestPostgres()
console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
)
for (const queue of process.argv[3] === undefined
  ? queuesToTest()
  : [process.argv[3] as TestQueue]) {
  const stack = await startStack({ queue, database: await cloneDatabase(postgres.url) })
  const [a, b, c] = [await open(stack, 'a'), await open(stack, 'b'), await open(stack, 'c')]
  console.log(
    `\n| ${queue}, 10,000 trials | thread taken for | first of 10 of B | one of C | one's own |\n|---|---|---|---|---|`,
  )
  for (const size of ['tiny', 'long'] as const)
    console.log(await measureWaits(stack, [a, b, c], size))
  console.log(
    `\n| ${queue}, ${SHARE_SECONDS} s | share of A | share of B | trials |\n|---|---|---|---|`,
  )
  for (const sizes of [
    ['short', 'short'],
    ['long', 'long'],
    ['short', 'long'],
    ['long', 'longer'],
  ] as const) {
    console.log(await measureShares(stack, [a, b], sizes))
  }
  await stack.stop()
}
await postgres.stop()
process.exit(0)

async function open(stack: TestStack, name: string): Promise<Project> {
  const client = makeClient({ baseUrl: stack.baseUrl, apiKey: await stack.createKey(name) })
  const make = async (builtin: object): Promise<string> =>
    (await send<Dataset>(client, '/v1/datasets', { builtin })).id
  const xor = await make({ generator: 'xor', rows: 100, noise: 0.1, seed: 1 })
  const digits = await make({ generator: 'digits' })
  return { client, datasets: { tiny: xor, short: digits, long: digits, longer: digits } }
}

/** A millisecond or two, so many that ten thousand last for more than a minute, a few hundred, and four times as many. */
function toSpec({ datasets }: Project, size: Size): SweepSpec {
  const large = [{ units: 128 }, { units: 64 }]
  const layers = { tiny: [{ units: 4 }], short: [{ units: 32 }], long: large, longer: large }[size]
  const epochs = { tiny: 5, short: 5, long: 50, longer: 200 }[size]
  return {
    dataset_id: datasets[size],
    seed: 1,
    max_trials: 10_000,
    base: { model: { hidden: layers }, training: { epochs, batch_size: 32 } },
    parameters: {
      'training.optimizer.learning_rate': { distribution: 'log_uniform', min: 1e-3, max: 1e-1 },
    },
  }
}

async function measureWaits(
  stack: TestStack,
  [a, b, c]: [Project, Project, Project],
  size: Size,
): Promise<string> {
  const sweep = await send<Sweep>(a.client, '/v1/sweeps', toSpec(a, size))
  await delay(BEHIND_SECONDS * 1000)
  const from = new Date()
  const submit = ({ client, ...project }: Project) => {
    const { base, dataset_id } = toSpec({ client, ...project }, size)
    return send<Job>(client, '/v1/jobs', { ...base, dataset_id })
  }
  // Before the others come, with whom its project has to share.
  const own = await submit(a)
  await a.client.finishJob(own.id, ENDED_MS_MAX)
  const ofB: Job[] = []
  for (let i = 0; i < SINGLE_JOBS; i++) ofB.push(await submit(b))
  const ofC = await submit(c)
  await Promise.all([
    ...ofB.map(({ id }) => b.client.finishJob(id, ENDED_MS_MAX)),
    c.client.finishJob(ofC.id, ENDED_MS_MAX),
  ])
  const { database } = stack.stores
  const taken = await readTaken(database, from)
  const inLengths = async (jobs: Job[]) => {
    const waits = await Promise.all(jobs.map(({ id }) => readWaitMs(database, id)))
    const least = Math.min(...waits)
    return `${least.toFixed(0)} ms, ${(least / taken.longestMs).toFixed(2)} lengths`
  }
  const cells = [await inLengths(ofB), await inLengths([ofC]), await inLengths([own])]
  await a.client.send('POST', `/v1/sweeps/${sweep.id}/cancel`)
  return `| ${size} | ${taken.medianMs.toFixed(0)} ms, ${taken.longestMs.toFixed(0)} at most | ${cells.join(' | ')} |`
}

async function measureShares(
  stack: TestStack,
  projects: [Project, Project],
  sizes: readonly [Size, Size],
): Promise<string> {
  const sweeps: Sweep[] = []
  for (const [i, project] of projects.entries()) {
    const spec = toSpec(project, sizes[i] as Size)
    sweeps.push(await send<Sweep>(project.client, '/v1/sweeps', spec))
  }
  await delay(BEHIND_SECONDS * 1000)
  const from = new Date()
  await delay(SHARE_SECONDS * 1000)
  const to = new Date()
  const shares = await Promise.all(
    sweeps.map(({ id }) => readShare(stack.stores.database, id, from, to)),
  )
  const total = shares.reduce((sum, { threadSeconds }) => sum + threadSeconds, 0)
  const cells = shares.map(({ threadSeconds }) => `${((100 * threadSeconds) / total).toFixed(1)} %`)
  for (const [i, { client }] of projects.entries()) {
    const { status } = await client.send('POST', `/v1/sweeps/${sweeps[i]?.id}/cancel`)
    // One that ran out of trials has no share to ask for.
    if (status >= 400) throw new Error(`the sweep of ${sizes[i]} trials has ended too early`)
  }
  const trials = shares.map((share) => share.trials).join(' and ')
  return `| A ${sizes[0]}, B ${sizes[1]} | ${cells.join(' | ')} | ${trials} |`
}

/** Again while nothing is accepted: the first reading of a data set on a busy machine takes long. */
async function send<Result>(client: TestClient, path: string, body: unknown): Promise<Result> {
  const reply = await waitFor(`an answer to ${path}`, async () => {
    const answer = await client.send('POST', path, body)
    return answer.status === 503 ? null : answer
  })
  if (reply.status >= 300) throw new Error(JSON.stringify(reply.body))
  return reply.body
}
