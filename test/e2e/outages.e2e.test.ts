/** What jobs and workers go through while Postgres or Redis is there but does not answer, and while nothing moves at all. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Job } from '@trainyard/contracts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeClient, type TestClient } from '../support/client.ts'
import { cloneDatabase } from '../support/database.ts'
import { queuesToTest } from '../support/queues.ts'
import { startStack, type TestProcess, type TestStack } from '../support/stack.ts'
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts'
import { waitFor } from '../support/wait-for.ts'

/** Short, so that outages are longer than it. */
const LEASE_SECONDS = 2
const OUTAGE_MS = 2 * LEASE_SECONDS * 1000
/** A grace is over by then; the test of an outage begins with a scheduler that would declare somebody dead. */
const WATCHED_MS = (LEASE_SECONDS + 3) * 1000
/** Several rounds of a scheduler. */
const ROUNDS_MS = 1000
const DRAIN_MS_MAX = 10_000
const BACK_MS_MAX = 5000
/** BullMQ by itself would wait for its lock of 30 s. */
const CLAIMED_MS_MAX = 15_000

/** Redis where there is one: it can be frozen too, and everything else is the same on both. */
const queue = queuesToTest().at(-1) ?? 'postgres'

describe(`outages on the ${queue} queue`, () => {
  let postgres: TestPostgres
  let stack: TestStack
  let client: TestClient
  let datasetId: string
  let worker: TestProcess

  beforeAll(async () => {
    // Of its own: what is frozen here must not keep anybody else waiting.
    postgres = await startTestPostgres()
    stack = await startStack({
      queue,
      threads: 4,
      database: await cloneDatabase(postgres.url),
      environment: { TRAINYARD_LEASE_SECONDS: String(LEASE_SECONDS), TRAINYARD_DRAIN_SECONDS: '4' },
    })
    client = makeClient(stack)
    datasetId = (await client.createDataset({ builtin: { generator: 'digits' } })).id
    worker = stack.process('worker')
  })

  afterAll(async () => {
    await stack?.stop()
    await postgres?.stop()
  })

  afterEach(async () => {
    const left = await stack.stores.database.job.findMany({ where: { finishedAt: null } })
    for (const { id } of left) await client.send('POST', `/v1/jobs/${id}/cancel`)
    await Promise.all(left.map(({ id }) => client.finishJob(id)))
  })

  it('takes no attempt from a job while Postgres is frozen for longer than a lease', async () => {
    const job = await startEndless()
    await delay(WATCHED_MS)

    postgres.signal('SIGSTOP')
    await delay(OUTAGE_MS)
    postgres.signal('SIGCONT')
    const backSinceMs = performance.now()
    await untilReports(job)
    const backMs = performance.now() - backSinceMs
    await delay(ROUNDS_MS)

    expect(backMs).toBeLessThan(BACK_MS_MAX)
    await expectUntouched(job)
  })

  it('takes no attempt from a job while every process stands still, as on a machine that sleeps', async () => {
    const job = await startEndless()
    await delay(WATCHED_MS)
    const processes = [worker, stack.process('scheduler'), stack.process('api')]

    for (const { pid } of processes) process.kill(pid, 'SIGSTOP')
    stack.redis?.signal('SIGSTOP')
    postgres.signal('SIGSTOP')
    await delay(OUTAGE_MS)
    postgres.signal('SIGCONT')
    stack.redis?.signal('SIGCONT')
    for (const { pid } of processes) process.kill(pid, 'SIGCONT')
    await untilReports(job)
    await delay(ROUNDS_MS)

    await expectUntouched(job)
  })

  it('gives four running jobs back at SIGTERM within 10 s, each with a checkpoint of its own', async () => {
    const jobs = await Promise.all(Array.from({ length: 4 }, startEndless))

    const toldMs = await stack.stores.dispatch.clockMs()
    const sinceMs = performance.now()
    const exitCode = await worker.end('SIGTERM')
    const tookMs = performance.now() - sinceMs
    const rows = await Promise.all(jobs.map(readRow))
    worker = await stack.start('worker')

    expect(exitCode).toBe(0)
    expect(tookMs).toBeLessThan(DRAIN_MS_MAX)
    for (const row of rows) {
      expect([row.status, row.crashCount]).toEqual(['queued', 0])
      expect(row.checkpoints.at(-1)?.createdAt.getTime()).toBeGreaterThanOrEqual(Math.floor(toldMs))
    }
  })

  it.each(queue === 'redis' ? (['Postgres', 'Redis'] as const) : (['Postgres'] as const))(
    'ends a worker at SIGTERM within 10 s while %s is frozen, and its job goes on with the next',
    async (frozen) => {
      const job = await startEndless()
      const server = frozen === 'Redis' ? stack.redis : postgres

      server?.signal('SIGSTOP')
      const sinceMs = performance.now()
      const exitCode = await worker.end('SIGTERM')
      const tookMs = performance.now() - sinceMs
      server?.signal('SIGCONT')
      worker = await stack.start('worker')
      await waitFor('the next attempt', async () => (await readRow(job)).attempt === 2)

      expect(exitCode).toBe(0)
      expect(tookMs).toBeLessThan(DRAIN_MS_MAX)
      if (frozen === 'Redis') expect((await readRow(job)).crashCount).toBe(0)
    },
  )

  it('starts a job with another worker when the one it was given to is killed before it claims it', async () => {
    await worker.end('SIGTERM')
    const doomed = await stack.start('worker', { TRAINYARD_FAILPOINTS: 'worker.delivered=kill' })
    const job = await client.createJob({ dataset_id: datasetId, training: { epochs: 2 } })
    await doomed.exited
    worker = await stack.start('worker')
    const sinceMs = performance.now()

    const ended = await client.finishJob(job.id)

    expect(performance.now() - sinceMs).toBeLessThan(CLAIMED_MS_MAX)
    expect([ended.status, ended.attempt]).toEqual(['succeeded', 1])
  })

  async function startEndless(): Promise<Job> {
    const job = await client.createJob({
      dataset_id: datasetId,
      training: { epochs: 100_000, early_stopping: null },
    })
    await untilReports(job)
    return job
  }

  /** Something new is stored of it. */
  async function untilReports(job: Job): Promise<void> {
    const before = await readRow(job)
    await waitFor(
      `news of ${job.id}`,
      async () => (await readRow(job)).epoch > before.epoch,
      60_000,
    )
  }

  async function expectUntouched(job: Job): Promise<void> {
    const { status, attempt, crashCount } = await readRow(job)
    expect({ status, attempt, crashCount }).toEqual({
      status: 'running',
      attempt: 1,
      crashCount: 0,
    })
  }

  function readRow(job: Job) {
    return stack.stores.database.job.findUniqueOrThrow({
      where: { id: job.id },
      include: { checkpoints: { orderBy: { step: 'asc' } } },
    })
  }
})
