/** The life of jobs as a caller sees it: one stack per queue for all of it. */
import { type Checkpoint, type Job, jobSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeClient, type TestClient } from '../support/client.ts'
import { queuesToTest } from '../support/queues.ts'
import { startStack, type TestStack } from '../support/stack.ts'
import { waitFor } from '../support/wait-for.ts'

const EPOCHS = 300

describe.each(queuesToTest())('the life of a job on the %s queue', (queue) => {
  let stack: TestStack
  let client: TestClient
  let datasetId: string
  let undisturbed: Job

  beforeAll(async () => {
    stack = await startStack({ queue })
    client = makeClient(stack)
    datasetId = (await client.createDataset({ builtin: { generator: 'digits' } })).id
    undisturbed = await client.finishJob((await submit(EPOCHS)).id)
  }, 120_000)

  afterAll(() => stack?.stop())

  it('pauses, gives its slot back, and resumes to the result of a job that never did', async () => {
    const job = await submit(EPOCHS)
    await untilEpoch(job, 3)

    const asked = await ask(job, 'pause')
    const paused = await waitFor('the pause', async () => {
      const read = await client.readJob(job.id)
      return read.status === 'paused' ? read : null
    })
    const [checkpoint] = await checkpointsOf(job)
    const halfway = await client.send(
      'GET',
      `/v1/jobs/${job.id}/weights?checkpoint=${checkpoint?.id}`,
    )
    const resumed = await ask(job, 'resume')
    const ended = await client.finishJob(job.id)

    expect([asked.status, asked.body.status]).toEqual([202, 'pausing'])
    expect(checkpoint?.epoch).toBe(paused.epoch)
    expect(halfway.body.layers).toHaveLength(2)
    expect(resumed.body.status).toBe('queued')
    expect([ended.weights, ended.best, ended.attempt]).toEqual([
      undisturbed.weights,
      undisturbed.best,
      2,
    ])
    expect(await epochsOf(job)).toEqual(Array.from({ length: EPOCHS }, (_, i) => i + 1))
    const types = (await eventsOf(job)).filter((type) => /paus|resum|start/.test(type))
    expect(types).toEqual([
      ...['job.started', 'job.pausing', 'job.paused', 'job.resumed', 'job.started'],
    ])
  }, 120_000)

  it('is cancelled by force before the answer, and its slot takes the next job', async () => {
    const job = await submit(100_000)
    await untilEpoch(job, 3)

    const reply = await ask(job, 'cancel', { mode: 'force' })
    const next = await client.finishJob((await submit(2)).id)

    const { status, epoch } = await client.readJob(job.id)
    expect([reply.status, reply.body.status]).toEqual([200, 'cancelled'])
    expect([status, epoch, next.status]).toEqual(['cancelled', reply.body.epoch, 'succeeded'])
  }, 120_000)

  it('is forked for more epochs, cloned with a patch, retried and verified', async () => {
    const short = await client.finishJob((await submit(EPOCHS / 2)).id)
    const cancelled = await submit(100_000)
    await ask(cancelled, 'cancel')
    await client.finishJob(cancelled.id)

    const replies = [
      await ask(short, 'fork', { patch: { training: { epochs: EPOCHS } } }),
      await ask(short, 'clone', { training: { epochs: EPOCHS } }),
      await ask(short, 'verify'),
      await ask(cancelled, 'retry'),
    ]
    const [forked, cloned, verifier, retried] = replies.map((reply) => jobSchema.parse(reply.body))
    const fork = await client.finishJob(forked?.id ?? '')
    const clone = await client.finishJob(cloned?.id ?? '')
    await client.finishJob(verifier?.id ?? '')
    await ask(retried as Job, 'cancel')

    expect(replies.map(({ status }) => status)).toEqual([201, 201, 201, 201])
    expect(fork.weights).toEqual(undisturbed.weights)
    expect(clone.weights).toEqual(undisturbed.weights)
    expect(await epochsOf(fork)).toEqual(Array.from({ length: EPOCHS }, (_, i) => i + 1))
    expect((await client.readJob(short.id)).verification?.outcome).toBe('identical')
  }, 120_000)

  it('leaves a model at every checkpoint, which can be registered and begun with', async () => {
    const [newest] = await checkpointsOf(undisturbed)
    const register = async (body: object) =>
      await client.send('POST', '/v1/models', {
        name: 'snapshots',
        job_id: undisturbed.id,
        checkpoint: newest?.id,
        ...body,
      })

    const [last, best, none] = [
      await register({}),
      await register({ which: 'best' }),
      await register({ checkpoint: 'ckpt_none' }),
    ]
    const initial = { initial_weights: { model: 'snapshots', version: 1 } }
    const job = await client.finishJob((await submit(1, initial)).id)

    expect([last.status, best.status]).toEqual([201, 201])
    expect(last.body).toMatchObject({
      sha256: undisturbed.weights?.last.sha256,
      source: { type: 'job', which: 'last', epoch: EPOCHS, checkpoint: newest?.id },
      lineage: { job_id: undisturbed.id },
    })
    expect(best.body.sha256).toBe(undisturbed.weights?.best.sha256)
    expect([none.status, none.body.code]).toEqual([404, 'checkpoint_not_found'])
    expect(job.resolved_config.initial_weights?.sha256).toBe(undisturbed.weights?.last.sha256)
    // One epoch from there is as good as none before it could be.
    expect(job.final?.metrics.train_loss).toBeLessThan(0.1)
  }, 120_000)

  async function submit(epochs: number, more: object = {}): Promise<Job> {
    return await client.createJob({
      dataset_id: datasetId,
      seed: 3,
      model: { hidden: [{ units: 64 }] },
      training: { epochs, batch_size: 32, early_stopping: null },
      checkpoint: { every_seconds: 0.5 },
      ...more,
    })
  }

  function ask(job: Job, action: string, body?: unknown) {
    return client.send('POST', `/v1/jobs/${job.id}/${action}`, body)
  }

  async function untilEpoch(job: Job, epoch: number): Promise<void> {
    await waitFor('some epochs', async () => (await client.readJob(job.id)).epoch >= epoch)
  }

  async function checkpointsOf(job: Job): Promise<Checkpoint[]> {
    return (await client.send('GET', `/v1/jobs/${job.id}/checkpoints`)).body.data
  }

  async function epochsOf(job: Job): Promise<number[]> {
    const { body } = await client.send('GET', `/v1/jobs/${job.id}/metrics?max_points=10000`)
    return body.data.map(({ epoch }: { epoch: number }) => epoch)
  }

  async function eventsOf(job: Job): Promise<string[]> {
    const rows = await stack.stores.database.event.findMany({
      where: { jobId: job.id },
      orderBy: { seq: 'asc' },
    })
    return rows.map(({ type }) => type)
  }
})
