import type { Job } from '@trainyard/contracts'
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeClient, type TestClient } from '../support/client.ts'
import { queuesToTest } from '../support/queues.ts'
import { startStack, type TestStack } from '../support/stack.ts'
import { waitFor } from '../support/wait-for.ts'

/** A dead worker's job runs again within this. */
const RECOVERY_MS_MAX = 15_000
const CANCEL_MS_MAX = 1000

describe.each(queuesToTest())('faults on the %s queue', (queue) => {
  let stack: TestStack
  let client: TestClient
  let datasetId: string

  beforeEach(async () => {
    stack = await startStack({ queue })
    client = makeClient(stack)
    datasetId = (await client.createDataset({ builtin: { generator: 'digits' } })).id
  })

  afterEach(() => stack?.stop())

  it('finishes every job once when the queue is emptied under 50 queued and 2 running', async () => {
    const running = [await submit({ epochs: 200 }), await submit({ epochs: 200 })]
    await Promise.all(running.map((job) => untilRunning(job.id)))
    const queued: Job[] = []
    for (let i = 0; i < 50; i++) queued.push(await submit({ epochs: 2 }))

    await emptyQueue(stack)

    const ended: Job[] = []
    // One after the other: fifty that poll at once would keep both cores from the training.
    for (const job of [...running, ...queued]) ended.push(await client.finishJob(job.id))
    expect(ended.map((job) => job.status)).toEqual(ended.map(() => 'succeeded'))
    expect(ended.map((job) => job.attempt)).toEqual(ended.map(() => 1))
    const results = await stack.stores.database.event.count({ where: { type: 'job.succeeded' } })
    expect(results).toBe(52)
  })

  it('goes on with the job of a killed worker within 15 s, to the result of an undisturbed run', async () => {
    const job = await submit({ epochs: 600 })
    const kept = await waitFor('a checkpoint', () => newestCheckpoint(job.id))

    await stack.process('worker').end('SIGKILL')
    const killedMs = performance.now()
    await stack.start('worker')
    await waitFor('a second attempt', async () => (await client.readJob(job.id)).attempt === 2)
    const recoveredMs = performance.now() - killedMs
    const [disturbed, undisturbed] = await Promise.all([
      client.finishJob(job.id),
      client.finishJob((await submit({ epochs: 600 })).id),
    ])

    expect(recoveredMs).toBeLessThan(RECOVERY_MS_MAX)
    expect(disturbed.weights).toEqual(undisturbed.weights)
    const metrics = await client.send('GET', `/v1/jobs/${job.id}/metrics?max_points=10000`)
    const epochs = metrics.body.data.map((row: { epoch: number }) => row.epoch)
    expect(epochs).toEqual(Array.from({ length: 600 }, (_, i) => i + 1))
    expect(await firstEpochOfLastAttempt(job.id)).toBeGreaterThan(kept.epoch)
  })

  it('gives running jobs back at SIGTERM, and another worker goes on where they were', async () => {
    const jobs = [await submit({ epochs: 500 }), await submit({ epochs: 500 })]
    await Promise.all(
      jobs.map((job) =>
        waitFor('some epochs', async () => (await client.readJob(job.id)).epoch >= 5),
      ),
    )

    const exitCode = await stack.process('worker').end('SIGTERM')
    const between = await Promise.all(jobs.map((job) => client.readJob(job.id)))
    const crashes = await stack.stores.database.job.findMany({ where: { crashCount: { gt: 0 } } })
    await stack.start('worker')
    const ended = await Promise.all(jobs.map((job) => client.finishJob(job.id)))

    expect(exitCode).toBe(0)
    expect(between.map((job) => job.status)).toEqual(['queued', 'queued'])
    expect(ended.map((job) => [job.status, job.attempt])).toEqual([
      ['succeeded', 2],
      ['succeeded', 2],
    ])
    expect(crashes).toEqual([])
    const undisturbed = await client.finishJob((await submit({ epochs: 500 })).id)
    expect(ended.map((job) => job.weights)).toEqual(jobs.map(() => undisturbed.weights))
    for (const job of between) {
      expect(await firstEpochOfLastAttempt(job.id)).toBeGreaterThan(job.epoch)
    }
  })

  it('stops a running job within a second of its cancel, and keeps its weights', async () => {
    const job = await submit({ epochs: 100_000 })
    await waitFor('some epochs', async () => (await client.readJob(job.id)).epoch >= 5)

    const askedMs = performance.now()
    const reply = await client.send('POST', `/v1/jobs/${job.id}/cancel`)
    const ended = await client.finishJob(job.id)
    const tookMs = performance.now() - askedMs

    expect(reply.status).toBe(202)
    expect(reply.body.status).toBe('cancelling')
    expect([ended.status, ended.stop_reason]).toEqual(['cancelled', 'cancelled'])
    expect(tookMs).toBeLessThan(CANCEL_MS_MAX)
    const weights = await client.send('GET', `/v1/jobs/${job.id}/weights`)
    expect(weights.status).toBe(200)
  })

  it('goes on when the scheduler is killed and another takes over', async () => {
    await stack.start('scheduler')
    await stack.process('scheduler').end('SIGKILL')

    const job = await submit({ epochs: 2 })

    expect((await client.finishJob(job.id)).status).toBe('succeeded')
  })

  async function submit(training: { epochs: number }): Promise<Job> {
    return await client.createJob({
      dataset_id: datasetId,
      seed: 3,
      training: { ...training, early_stopping: null },
      checkpoint: { every_seconds: 0.2 },
    })
  }

  async function newestCheckpoint(jobId: string): Promise<{ epoch: number } | undefined> {
    const newest = await stack.stores.database.checkpoint.findFirst({
      where: { jobId },
      orderBy: { step: 'desc' },
    })
    return newest?.progress as { epoch: number } | undefined
  }

  /** Of those an event tells, which are at most four a second. */
  async function firstEpochOfLastAttempt(jobId: string): Promise<number | undefined> {
    const events = await stack.stores.database.event.findMany({
      where: { jobId, type: { in: ['job.started', 'job.epoch_completed'] } },
      orderBy: { seq: 'asc' },
    })
    const started = events.findLastIndex(({ type }) => type === 'job.started')
    return (events[started + 1]?.data as { epoch?: number } | undefined)?.epoch
  }

  async function untilRunning(id: string): Promise<void> {
    await waitFor(`${id} runs`, async () => (await client.readJob(id)).status === 'running')
  }
})

async function emptyQueue(stack: TestStack): Promise<void> {
  if (stack.redis !== null) {
    const redis = new Redis(stack.redis.url)
    await redis.flushall()
    redis.disconnect()
    return
  }
  const client = new pg.Client({ connectionString: stack.databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname = 'bullmq' AND tablename <> 'migration'`,
  )
  await client.query(`TRUNCATE ${rows.map((row) => row.name).join(', ')} CASCADE`)
  await client.end()
}
