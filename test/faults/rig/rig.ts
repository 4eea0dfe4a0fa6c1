/**
 * One Trainyard of real processes, with a Postgres and a Redis of its own behind proxies, all on this machine. Faults are
 * done to it for real, and only to processes that it has started itself.
 */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { migrate } from '../../../packages/store/src/index.ts'
import type { TestQueue } from '../../support/queues.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import {
  type ServiceName,
  startStack,
  type TestProcess,
  type TestStack,
} from '../../support/stack.ts'
import { waitFor } from '../../support/wait-for.ts'
import { type Follower, followJob } from './follow-job.ts'
import { BUILTINS, type Datasets, type KindName } from './job-kinds.ts'
import { type Journal, openJournal, type Submission } from './journal.ts'
import { type PostgresServer, startPostgresServer } from './postgres-server.ts'
import { type Random, seededRandom } from './random.ts'
import type { MountedDisk } from './small-disk.ts'
import { makeSubmit, type Send, sendRequest } from './submit.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

export const LEASE_SECONDS = 2
export const SLOTS = 2
const DATABASE = 'trainyard'
/** One accepted job in so many has a client that follows it. */
const FOLLOWED_EACH = 25
const TERMINAL = `('succeeded', 'failed', 'cancelled')`
/** Guards against a hang, no more: promises about time are bounds of the findings. */
const HANG_MS = 240_000
/** Longer than any back-off, lease and lost delivery together. */
const STILL_MS_MAX = 120_000
/** Doubled from one attempt to the next: a thousand clients that repeat five times a second are a fault of their own. */
const RETRY_MS = 200
const RETRY_MS_MAX = 2000
/** Longer than any outage; whatever is not accepted then never will be. */
const ACCEPTED_MS_MAX = 120_000

export interface Server<Kind> {
  server: Kind
  proxy: TcpProxy
}

export interface Death {
  service: ServiceName
  pid: number
  code: number | null
}

export interface Rig {
  queue: TestQueue
  /** That of its Postgres, when it has one of its own. */
  disk: MountedDisk | null
  random: Random
  stack: TestStack
  postgres: Server<PostgresServer>
  /** Null when the queue is on Postgres. */
  redis: Server<TestRedis> | null
  journal: Journal
  datasets: Datasets
  /** By their jobs. */
  followers: ReadonlyMap<string, Follower>
  /** Ends of processes that nobody has asked for. */
  deaths: Death[]
  /** Sends once, writes the journal, and says what came of it. */
  submit(kind: KindName, again?: Submission): Promise<Submission>
  /** Until it is accepted; every attempt with the same key. */
  submitUntilAccepted(kind: KindName, again?: Submission): Promise<Submission & { jobId: string }>
  send: Send
  /** Asks Postgres itself, not through the proxy. */
  query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>
  /** Those alive. */
  processes(service: ServiceName): TestProcess[]
  start(service: ServiceName, environment?: Record<string, string>): Promise<TestProcess>
  /** Ends a process on purpose. */
  end(process: TestProcess, signal: NodeJS.Signals): Promise<number | null>
  /** Ends every process of the service and starts one with `environment`, which may end by itself. */
  replace(service: ServiceName, environment?: Record<string, string>): Promise<TestProcess>
  /** The end of this process is part of the plan. */
  forgive(process: TestProcess): void
  /** Until every job has ended, however slowly, as long as they get further. */
  settle(): Promise<void>
  /** Until the job is in one of these states. */
  untilStatus(jobId: string, statuses: readonly string[], deadlineMs?: number): Promise<string>
  /** Every server and every service runs again, one process each, through open proxies. */
  restore(): Promise<void>
  close(): Promise<void>
}

export async function openRig(options: {
  queue: TestQueue
  seed: number
  environment?: Record<string, string>
  disk?: MountedDisk
}): Promise<Rig> {
  const { queue } = options
  const server = await startPostgresServer(options.disk)
  await createDatabase(server.url)
  const url = withDatabase(server.url)
  await migrate(url)
  const postgres = { server, proxy: await startTcpProxy(server.port) }
  const redis = queue === 'redis' ? await openRedis() : null
  const stack = await startStack({
    queue,
    threads: SLOTS,
    environment: { TRAINYARD_LEASE_SECONDS: String(LEASE_SECONDS), ...options.environment },
    database: { url, drop: async () => undefined },
    ...(redis !== null && { redis: redis.server }),
    through: {
      databaseUrl: withPort(url, postgres.proxy.port),
      redisUrl: redis === null ? null : withPort(redis.server.url, redis.proxy.port),
    },
  })
  const pool = new pg.Pool({ connectionString: url, max: 4 })
  // Broken on purpose, again and again.
  pool.on('error', () => undefined)
  const journal = await openJournal()
  const alive = new Set<TestProcess>()
  const forgiven = new Set<number>()
  const deaths: Death[] = []

  const watch = (process: TestProcess) => {
    alive.add(process)
    void process.exited.then((code) => {
      alive.delete(process)
      const { service, pid } = process
      if (!forgiven.has(pid)) deaths.push({ service, pid, code })
    })
    return process
  }
  for (const service of ['api', 'scheduler', 'worker'] as const) watch(stack.process(service))

  const send: Send = (method, path, body, headers) =>
    sendRequest(stack, method, path, body, headers)
  const datasets = Object.fromEntries(
    await Promise.all(
      Object.entries(BUILTINS).map(async ([name, body]) => {
        const reply = await waitFor(`the data set ${name}`, async () => {
          const answer = await send('POST', '/v1/datasets', body)
          return answer.status === 201 ? answer : null
        })
        return [name, (reply.body as { id: string }).id]
      }),
    ),
  ) as Datasets
  const followers = new Map<string, Follower>()
  const submitOnce = makeSubmit({ journal, send, datasets })
  const submit: Rig['submit'] = async (kind, again) => {
    const submission = await submitOnce(kind, again)
    const { jobId, number } = submission
    if (jobId !== null && number % FOLLOWED_EACH === 0 && !followers.has(jobId)) {
      followers.set(jobId, followJob(stack, jobId))
    }
    return submission
  }

  const query: Rig['query'] = async (sql, values = []) => {
    const { rows } = await pool.query(sql, values)
    return rows
  }
  const start: Rig['start'] = async (service, environment) =>
    watch(await stack.start(service, environment))
  const end: Rig['end'] = async (process, signal) => {
    forgiven.add(process.pid)
    return await process.end(signal)
  }
  const processes: Rig['processes'] = (service) =>
    [...alive].filter((process) => process.service === service)

  return {
    queue,
    disk: options.disk ?? null,
    random: seededRandom(options.seed),
    stack,
    postgres,
    redis,
    journal,
    datasets,
    followers,
    deaths,
    submit,
    async submitUntilAccepted(kind, again) {
      const givenUpAt = performance.now() + ACCEPTED_MS_MAX
      let waitMs = RETRY_MS
      let submission = await submit(kind, again)
      while (submission.jobId === null) {
        if (performance.now() > givenUpAt) {
          throw new Error(`not accepted in ${ACCEPTED_MS_MAX} ms; ended: ${JSON.stringify(deaths)}`)
        }
        await delay(waitMs)
        waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)
        submission = await submit(kind, submission)
      }
      return submission as Submission & { jobId: string }
    },
    send,
    query,
    processes,
    start,
    end,
    async replace(service, environment) {
      for (const process of processes(service)) await end(process, 'SIGTERM')
      const process = await stack.start(service, environment)
      // Before it is watched: one that is armed may have ended by now.
      if (environment !== undefined) forgiven.add(process.pid)
      return watch(process)
    },
    forgive: (process) => forgiven.add(process.pid),
    async settle() {
      let seen = ''
      let givenUpAt = 0
      for (;;) {
        const [row] = await query<{ left: number; epochs: string }>(
          `SELECT count(*) FILTER (WHERE status NOT IN ${TERMINAL})::int AS left, sum(epoch) AS epochs FROM jobs`,
        )
        if (row?.left === 0) return
        const now = JSON.stringify(row)
        if (now !== seen) givenUpAt = performance.now() + STILL_MS_MAX
        seen = now
        if (performance.now() > givenUpAt) {
          throw new Error(`no job gets further, and ${row?.left} have not ended`)
        }
        await delay(50)
      }
    },
    untilStatus: (jobId, statuses, deadlineMs = HANG_MS) =>
      waitFor(
        `${jobId} is ${statuses.join(' or ')}`,
        async () => {
          const [row] = await query<{ status: string }>('SELECT status FROM jobs WHERE id = $1', [
            jobId,
          ])
          return row !== undefined && statuses.includes(row.status) ? row.status : null
        },
        deadlineMs,
      ),
    async restore() {
      await Promise.all([postgres, redis].map((one) => one?.proxy.set({ kind: 'pass' })))
      for (const service of ['api', 'scheduler', 'worker'] as const) {
        const [, ...others] = processes(service)
        for (const process of others) await end(process, 'SIGTERM')
        if (processes(service).length === 0) await start(service)
      }
    },
    async close() {
      for (const follower of followers.values()) follower.stop()
      for (const process of alive) forgiven.add(process.pid)
      await pool.end()
      await stack.stop()
      await Promise.all([postgres, redis].map((one) => one?.proxy.close()))
      await server.remove()
      await journal.remove()
    },
  }
}

async function openRedis(): Promise<Server<TestRedis>> {
  const server = await startRedis()
  return { server, proxy: await startTcpProxy(server.port) }
}

async function createDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`CREATE DATABASE ${DATABASE}`)
  await client.end()
}

function withDatabase(text: string): string {
  const url = new URL(text)
  url.pathname = `/${DATABASE}`
  return url.href
}

function withPort(text: string, port: number): string {
  const url = new URL(text)
  url.port = String(port)
  return url.href
}
