/** Jobs that come from others. What training them gives is the worker's test. */
import { checkpointSchema, type Job, jobSchema, listSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeEpochMetrics, makeJobCheckpoint } from '../../../../../../test/support/factories.ts'
import { buildTestApp, type TestApp, type TestLease, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
let datasetId: string
beforeAll(async () => {
  test = await buildTestApp()
  datasetId = (await test.makeDataset({ builtin: { generator: 'iris' } })).id
})
afterAll(() => test.close())

const ask = (action: string, id: string, body?: unknown, headers: Record<string, string> = {}) =>
  test.send('POST', `/v1/jobs/${id}/${action}`, { body, headers })
const pointersOf = async (reply: ReturnType<typeof ask>) =>
  toProblem(await reply).errors?.map(({ pointer }) => pointer)

async function submit(spec: object = {}): Promise<Job> {
  const body = { dataset_id: datasetId, training: { epochs: 10 }, ...spec }
  return jobSchema.parse((await test.send('POST', '/v1/jobs', { body })).json())
}

async function end(job: Job, status: 'succeeded' | 'failed' | 'cancelled'): Promise<TestLease> {
  const lease = await test.start(job)
  await test.finish(lease, { status })
  return lease
}

/** Three epochs and a checkpoint after the second. */
async function runWithCheckpoint(spec: object = {}): Promise<{ job: Job; lease: TestLease }> {
  const job = await submit(spec)
  const lease = await test.start(job)
  const bytes = new Uint8Array([1, 2, 3, 4])
  const sha256 = '9f64a747e1b97f131fabb6b447296c9b6f0201e79fb3c5356e6c77e89b6a806a'
  await test.stores.checkpoints.put(lease, { sha256, bytes })
  await test.stores.leases.report(lease, {
    metrics: [1, 2, 3].map((epoch) => makeEpochMetrics(epoch)),
    layers: [],
    epoch: 3,
    best: null,
    checkpoint: makeJobCheckpoint({
      sha256,
      bytes: 4,
      progress: { epoch: 2, seconds: 1.5, best: makeEpochMetrics(1), last: makeEpochMetrics(2) },
    }),
  })
  return { job, lease }
}

describe('clone', () => {
  it('makes a job that differs in nothing but the patch, the drawn seed included', async () => {
    const parent = await submit({ name: 'first', metadata: { a: '1' } })

    const reply = await ask('clone', parent.id, { training: { epochs: 20 }, metadata: { b: '2' } })

    const job = jobSchema.parse(reply.json())
    expect(reply.statusCode).toBe(201)
    expect(reply.headers.location).toBe(`/v1/jobs/${job.id}`)
    expect(job).toMatchObject({
      status: 'queued',
      parent_job_id: parent.id,
      origin: 'clone',
      seed: parent.seed,
      metadata: { a: '1', b: '2' },
      name: 'first',
    })
    expect(job.resolved_config).toEqual({
      ...parent.resolved_config,
      training: { ...parent.resolved_config.training, epochs: 20 },
    })
  })

  it('takes no body for the same again, and null to remove a field', async () => {
    const parent = await submit({ name: 'first' })

    const [same, unnamed] = [
      await ask('clone', parent.id),
      await ask('clone', parent.id, { name: null, seed: null }),
    ]

    expect(same.json().resolved_config).toEqual(parent.resolved_config)
    expect(unnamed.json()).toMatchObject({ name: null, config: { dataset_id: datasetId } })
    expect(unnamed.json().config).not.toHaveProperty('seed')
  })

  it('refuses what comes out by name and place', async () => {
    const parent = await submit()

    expect(
      await pointersOf(ask('clone', parent.id, { learningRate: 1, training: { epochs: 0 } })),
    ).toEqual(expect.arrayContaining(['#/training/epochs', '#/learningRate']))
    expect(await pointersOf(ask('clone', parent.id, { dataset_id: null }))).toEqual([
      '#/dataset_id',
    ])
  })

  it('makes one job of several requests with one key', async () => {
    const parent = await submit()
    const headers = { 'idempotency-key': 'clone once' }

    const replies = await Promise.all([1, 2, 3].map(() => ask('clone', parent.id, {}, headers)))

    expect(new Set(replies.map((reply) => reply.json().id)).size).toBe(1)
    expect(replies.filter((reply) => reply.headers['idempotent-replayed'])).toHaveLength(2)
  })

  it('answers a repeated key also when the job that was cloned is gone by then', async () => {
    const parent = await submit()
    const headers = { 'idempotency-key': 'clone before it goes' }
    const first = await ask('clone', parent.id, {}, headers)
    await end(parent, 'succeeded')
    await test.send('DELETE', `/v1/jobs/${parent.id}?purge=true`)

    const again = await ask('clone', parent.id, {}, headers)

    expect([again.statusCode, again.json().id]).toEqual([201, first.json().id])
  })
})

describe('a command', () => {
  it.each(['cancel', 'pause', 'resume', 'clone', 'fork', 'retry', 'verify'])(
    '%s passes over no parameter that it does not know',
    async (action) => {
      const job = await submit()

      const reply = await ask(`${action}?dry_run=true`, job.id)

      expect(toProblem(reply)).toMatchObject({
        code: 'validation_error',
        errors: [{ parameter: 'dry_run' }],
      })
    },
  )

  it.each(['pause', 'resume', 'retry', 'verify'])('%s passes over no setting', async (action) => {
    const job = await submit()

    expect(await pointersOf(ask(action, job.id, { training: { epochs: 5 } }))).toEqual([
      '#/training',
    ])
    expect(toProblem(await ask(action, 'job_none', {})).code).toBe('job_not_found')
  })
})

describe('retry', () => {
  it.each(['failed', 'cancelled'] as const)(
    'trains a %s job again, resolved as it was',
    async (status) => {
      const parent = await submit()
      await end(parent, status)

      const reply = await ask('retry', parent.id)

      expect(reply.statusCode).toBe(201)
      expect(jobSchema.parse(reply.json())).toMatchObject({
        status: 'queued',
        parent_job_id: parent.id,
        origin: 'retry',
        resolved_config: parent.resolved_config,
        epoch: 0,
      })
      expect((await test.send('GET', `/v1/jobs/${parent.id}`)).json().status).toBe(status)
    },
  )

  it('is refused for a job that has succeeded, and says what can be done', async () => {
    const parent = await submit()
    await end(parent, 'succeeded')

    expect(toProblem(await ask('retry', parent.id))).toMatchObject({
      status: 409,
      allowed: ['clone', 'fork', 'verify', 'delete'],
    })
  })
})

describe('verify', () => {
  it('trains again without a clock’s limit, and shows on the first job that it is pending', async () => {
    const parent = await submit({ limits: { max_seconds: 60 } })
    await test.finishWithWeights(await test.start(parent))

    const reply = await ask('verify', parent.id)

    expect(jobSchema.parse(reply.json())).toMatchObject({
      origin: 'verify',
      parent_job_id: parent.id,
    })
    expect(reply.json().resolved_config.limits.max_seconds).toBeNull()
    expect(await verificationOf(parent)).toEqual({
      job_id: reply.json().id,
      outcome: 'pending',
      differences: [],
      verified_at: null,
    })
  })

  it('says that both are identical, or in what they differ', async () => {
    const parent = await submit()
    await test.finishWithWeights(await test.start(parent), [makeEpochMetrics(1)])
    const same = jobSchema.parse((await ask('verify', parent.id)).json())
    // A clock measures otherwise each time.
    const timed = makeEpochMetrics(1, { duration_ms: 99, examples_per_second: 1 })
    await test.finishWithWeights(await test.start(same), [timed])
    const identical = await verificationOf(parent)

    const other = jobSchema.parse((await ask('verify', parent.id)).json())
    const lease = await test.start(other)
    await test.finishWithWeights(lease, [makeEpochMetrics(1, { train_loss: 0.1 + 0.2 })])

    expect(identical).toMatchObject({ job_id: same.id, outcome: 'identical', differences: [] })
    expect(await verificationOf(parent)).toMatchObject({
      job_id: other.id,
      outcome: 'different',
      differences: ['metrics'],
      verified_at: expect.stringMatching(/Z$/),
    })
  })

  it('is unfinished when the second training was cancelled', async () => {
    const parent = await submit()
    await test.finishWithWeights(await test.start(parent))
    const again = (await ask('verify', parent.id)).json()

    await ask('cancel', again.id)

    expect(await verificationOf(parent)).toMatchObject({ outcome: 'unfinished' })
  })

  it('is refused before the end, without weights, and where the clock has ended it', async () => {
    const [queued, empty, timed] = [await submit(), await submit(), await submit()]
    await end(empty, 'succeeded')
    const lease = await test.start(timed)
    await test.finishWithWeights(lease)
    await test.stores.database.$executeRaw`ALTER TABLE jobs DISABLE TRIGGER jobs_terminal_is_final`
    await test.stores.database.$executeRaw`
      UPDATE jobs SET stop_reason = 'max_seconds' WHERE id = ${timed.id}`
    await test.stores.database.$executeRaw`ALTER TABLE jobs ENABLE TRIGGER jobs_terminal_is_final`

    expect(toProblem(await ask('verify', queued.id)).code).toBe('illegal_transition')
    expect(toProblem(await ask('verify', empty.id)).code).toBe('weights_not_found')
    expect(toProblem(await ask('verify', timed.id)).detail).toMatch(/max_seconds/)
  })

  async function verificationOf(job: Job) {
    return jobSchema.parse((await test.send('GET', `/v1/jobs/${job.id}`)).json()).verification
  }
})

describe('checkpoints', () => {
  it('are listed newest first, and read one by one', async () => {
    const { job } = await runWithCheckpoint()

    const list = await test.send('GET', `/v1/jobs/${job.id}/checkpoints`)
    const [checkpoint] = listSchema(checkpointSchema).parse(list.json()).data
    const one = await test.send('GET', `/v1/jobs/${job.id}/checkpoints/${checkpoint?.id}`)

    expect(checkpoint).toMatchObject({
      job_id: job.id,
      step_number: 10,
      epoch: 2,
      metrics: { train_loss: 0.5 },
      best: { epoch: 1 },
      seconds: 1.5,
      bytes: 4,
    })
    expect(one.json()).toEqual(checkpoint)
  })

  it('are not there under another job, nor weights of one that is not whole', async () => {
    const [{ job }, other] = [await runWithCheckpoint(), await submit()]
    const { id } = (await test.stores.checkpoints.list(job.id))[0] ?? { id: '' }
    const read = async (path: string) => toProblem(await test.send('GET', path)).code

    expect(await read(`/v1/jobs/${other.id}/checkpoints/${id}`)).toBe('checkpoint_not_found')
    expect(await read(`/v1/jobs/${job.id}/weights?checkpoint=nothing`)).toBe('checkpoint_not_found')
    expect(await read(`/v1/jobs/${job.id}/weights?checkpoint=${id}`)).toBe('checkpoint_unusable')
  })
})

describe('fork', () => {
  it('begins with the checkpoint and the history before it, which are its own', async () => {
    const { job, lease } = await runWithCheckpoint()
    await test.finish(lease)

    const reply = await ask('fork', job.id, {
      patch: { training: { optimizer: { type: 'adam', learning_rate: 0.5 } } },
    })
    await test.send('DELETE', `/v1/jobs/${job.id}?purge=true`)

    const fork = jobSchema.parse(reply.json())
    const metrics = await test.send('GET', `/v1/jobs/${fork.id}/metrics`)
    const claimed = await test.stores.leases.claim(fork.id, 'a worker')
    expect(reply.statusCode).toBe(201)
    expect(fork).toMatchObject({
      origin: 'fork',
      parent_job_id: job.id,
      epoch: 2,
      best: { epoch: 1 },
    })
    expect(metrics.json().data.map(({ epoch }: { epoch: number }) => epoch)).toEqual([1, 2])
    expect(claimed).toMatchObject({ isFork: true, checkpoint: { step: 10 } })
    expect(await test.stores.checkpoints.read(fork.id, claimed?.checkpoint?.sha256 ?? '')).toEqual(
      new Uint8Array([1, 2, 3, 4]),
    )
  })

  it('waits for the copy of its checkpoint, longer than a request does for any other answer', async () => {
    const { job } = await runWithCheckpoint()
    const other = await test.stores.database.pool.connect()
    await other.query('BEGIN; LOCK TABLE checkpoint_chunks IN ACCESS EXCLUSIVE MODE')

    const asked = ask('fork', job.id)
    // Postgres copies the checkpoint of a large network for about as long.
    await other.query('SELECT pg_sleep(2.2)')
    await other.query('COMMIT')
    other.release()

    expect((await asked).statusCode).toBe(201)
  })

  it('keeps the checkpoint that it began with beside its own newest', async () => {
    const { job } = await runWithCheckpoint()
    const fork = jobSchema.parse((await ask('fork', job.id)).json())
    const lease = await test.start(fork)

    for (const step of [20, 30, 40]) {
      const checkpoint = makeJobCheckpoint({ step, sha256: String(step) })
      await test.stores.leases.report(lease, {
        metrics: [],
        layers: [],
        epoch: 2,
        best: null,
        checkpoint,
      })
    }

    const kept = await test.stores.checkpoints.list(fork.id)
    expect(kept.map(({ step_number }) => step_number)).toEqual([40, 30, 10])
  })

  it('refuses what decides the meaning of the state, as a place in the patch', async () => {
    const { job } = await runWithCheckpoint()
    const patch = { seed: 1, training: { batch_size: 7, epochs: 2 }, typo: 1 }

    expect(await pointersOf(ask('fork', job.id, { patch }))).toEqual(['#/patch/typo'])
    expect(await pointersOf(ask('fork', job.id, { patch: { ...patch, typo: null } }))).toEqual([
      '#/patch/seed',
      '#/patch/training/batch_size',
      '#/patch/training/epochs',
    ])
  })

  it('needs a checkpoint, and one of this job', async () => {
    const [{ job }, none] = [await runWithCheckpoint(), await submit()]
    await test.start(none)
    const { id } = (await test.stores.checkpoints.list(job.id))[0] ?? { id: '' }

    expect(toProblem(await ask('fork', none.id)).code).toBe('checkpoint_not_found')
    expect(toProblem(await ask('fork', none.id, { checkpoint: id })).code).toBe(
      'checkpoint_not_found',
    )
    expect((await ask('fork', job.id, { checkpoint: id })).statusCode).toBe(201)
  })
})
