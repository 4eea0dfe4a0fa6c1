import type { Sweep, SweepEvent, SweepSpec, Trial } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeClient, type TestClient } from '../support/client.ts'
import { queuesToTest } from '../support/queues.ts'
import { startStack, type TestStack } from '../support/stack.ts'
import { waitFor } from '../support/wait-for.ts'

const LEARNING_RATE = 'training.optimizer.learning_rate'
const CANCEL_MS_MAX = 2000

describe.each(queuesToTest())('sweeps on the %s queue', (queue) => {
  let stack: TestStack
  let client: TestClient
  let datasetId = ''

  beforeAll(async () => {
    stack = await startStack({ queue, threads: 2, environment: { TRAINYARD_LEASE_SECONDS: '2' } })
    client = makeClient(stack)
    const body = { builtin: { generator: 'xor', rows: 100, noise: 0.1, seed: 1 } }
    datasetId = (await client.createDataset(body)).id
  })
  afterAll(() => stack?.stop())

  const spec = (overrides: Partial<SweepSpec> = {}): SweepSpec => ({
    dataset_id: datasetId,
    seed: 7,
    max_trials: 20,
    base: {
      model: { hidden: [{ units: 4, activation: 'tanh' }] },
      training: { epochs: 6, batch_size: 32 },
    },
    parameters: { [LEARNING_RATE]: { distribution: 'log_uniform', min: 1e-3, max: 1e-1 } },
    ...overrides,
  })
  const start = async (overrides: Partial<SweepSpec> = {}): Promise<Sweep> => {
    const { status, body } = await client.send('POST', '/v1/sweeps', spec(overrides))
    expect([status, body.errors]).toEqual([201, undefined])
    return body
  }
  const read = async (id: string): Promise<Sweep> =>
    (await client.send('GET', `/v1/sweeps/${id}`)).body
  const finish = (id: string): Promise<Sweep> =>
    waitFor(
      `sweep ${id} has ended`,
      async () => {
        const sweep = await read(id)
        return ['succeeded', 'failed', 'cancelled'].includes(sweep.status) ? sweep : null
      },
      90_000,
    )
  const run = async (overrides: Partial<SweepSpec> = {}) =>
    await finish((await start(overrides)).id)
  const trialsOf = async (id: string, query = ''): Promise<Trial[]> =>
    (await client.send('GET', `/v1/sweeps/${id}/trials?limit=1000${query}`)).body.data
  /** What a trial is, whoever trained it and when. */
  const resultsOf = async (id: string) =>
    (await trialsOf(id)).map(({ trial_index, params, status, objective, epochs, round }) => ({
      ...{ trial_index, params, status, objective, epochs, round },
    }))
  const eventsOf = async (id: string): Promise<SweepEvent[]> => {
    const events: SweepEvent[] = []
    for (;;) {
      const after = events.at(-1)?.seq ?? 0
      const page = await client.send('GET', `/v1/sweeps/${id}/events?limit=100&after=${after}`)
      events.push(...page.body.data)
      if (!page.body.has_more) return events
    }
  }

  it('trains what the preview showed, and gives the same results when workers and scheduler are killed in the middle', async () => {
    const overrides = {
      max_trials: 300,
      base: { ...spec().base, training: { epochs: 40, batch_size: 8 } },
    }
    const undisturbed = await run(overrides)
    const preview = await client.send('POST', '/v1/sweeps/preview', spec(overrides))
    const disturbed = await start(overrides)
    await waitFor('some trials', async () => (await read(disturbed.id)).trials.complete > 10)

    const [worker, scheduler] = [stack.process('worker'), stack.process('scheduler')]
    await Promise.all([worker.end('SIGKILL'), scheduler.end('SIGKILL')])
    // One thread where there were two.
    await Promise.all([
      stack.start('scheduler'),
      stack.start('worker', { TRAINYARD_WORKER_THREADS: '1' }),
    ])
    const ended = await finish(disturbed.id)

    expect(ended).toMatchObject({ status: 'succeeded', trials: { complete: 300 } })
    const results = await resultsOf(disturbed.id)
    expect(results).toEqual(await resultsOf(undisturbed.id))
    expect(results.map(({ params }) => params)).toEqual(
      preview.body.trials.map((trial: { params: unknown }) => trial.params),
    )
    const starts = (await eventsOf(disturbed.id)).filter(({ type }) => type === 'trial.completed')
    expect(
      starts.map(({ data }) => data.trial_index).toSorted((a, b) => Number(a) - Number(b)),
    ).toEqual(results.map(({ trial_index }) => trial_index))
  })

  it('searches coarse to fine, each round where the best of the last lie, the same twice', async () => {
    const overrides: Partial<SweepSpec> = {
      method: 'coarse_to_fine',
      rounds: [{ trials: 12 }, { trials: 8, shrink: 0.3, top: 3 }],
    }
    const { max_trials: _, ...rest } = spec(overrides)
    const start = async () => (await client.send('POST', '/v1/sweeps', rest)).body.id as string

    const [first, second] = [await finish(await start()), await finish(await start())]

    const [, fine] = first.rounds
    expect(fine?.from_trials).toHaveLength(3)
    expect(fine?.ranges[0]?.explanation).toContain('the best 3 trials lie from')
    for (const { params, round } of (await trialsOf(first.id)).slice(12)) {
      expect(round).toBe(2)
      expect(params[LEARNING_RATE]).toBeGreaterThanOrEqual(fine?.ranges[0]?.min as number)
    }
    expect(await resultsOf(second.id)).toEqual(await resultsOf(first.id))
    expect(second.rounds).toEqual(first.rounds)
  })

  it('stops trials by asha, says why, and spends less than half of the epochs', async () => {
    const base = { ...spec().base, training: { epochs: 27, batch_size: 32 } }

    const sweep = await run({
      base,
      early_termination: { type: 'asha', min_epochs: 1, reduction: 3 },
    })

    expect(sweep.trials.complete + sweep.trials.pruned).toBe(20)
    expect(sweep.epochs).toBeLessThan((20 * 27) / 2)
    const pruned = (await eventsOf(sweep.id)).find(({ type }) => type === 'trial.pruned')
    expect(pruned?.data.decision).toMatchObject({
      stops: true,
      rung: expect.any(Number),
      cutoff: expect.any(Number),
      value: expect.any(Number),
      rank: expect.any(Number),
    })
    const [trial] = await trialsOf(sweep.id, '&status=pruned')
    const job = await client.readJob(trial?.job_ids[0] ?? '')
    expect(job).toMatchObject({ status: 'succeeded', stop_reason: 'pruned' })
    expect(job.weights?.best.bytes).toBeGreaterThan(0)
  })

  it('ranks by the mean over repeats, whose spread and confidence it shows', async () => {
    const sweep = await run({ max_trials: 4, repeats: 3 })

    const trials = await trialsOf(sweep.id, '&sort=objective')
    expect(trials.map(({ rank }) => rank)).toEqual([1, 2, 3, 4])
    expect(trials[0]).toMatchObject({ ties_with_best: true, job_ids: expect.any(Array) })
    expect(trials[0]?.objective?.values).toHaveLength(3)
    expect(trials[0]?.objective?.confidence?.low).toBeLessThan(trials[0]?.objective?.mean ?? 0)
    const means = trials.map(({ objective }) => objective?.mean ?? Number.NaN)
    expect(means).toEqual(means.toSorted((a, b) => a - b))
  })

  it('goes on when it is extended, with the trials it would have had, and leaves the others as they are', async () => {
    const short = await run({ max_trials: 5 })
    const before = await resultsOf(short.id)

    await client.send('PATCH', `/v1/sweeps/${short.id}`, { max_trials: 8 })
    await finish(short.id)

    const long = await run({ max_trials: 8 })
    expect((await resultsOf(short.id)).slice(0, 5)).toEqual(before)
    expect(await resultsOf(short.id)).toEqual(await resultsOf(long.id))
  })

  it('starts nothing while it is paused, and goes on when it is resumed', async () => {
    const { id } = await start({ max_trials: 2000 })
    await waitFor('some trials', async () => (await read(id)).trials.complete > 0)

    await client.send('POST', `/v1/sweeps/${id}/pause`)
    const paused = await waitFor('the pause', async () => {
      const sweep = await read(id)
      return sweep.status === 'paused' ? sweep : null
    })
    expect(paused.trials.running).toBe(0)
    const count = { where: { sweepId: id, status: { in: ['running', 'cancelling'] } } }
    expect(await stack.stores.database.job.count(count)).toBe(0)

    await client.send('POST', `/v1/sweeps/${id}/resume`)
    await waitFor(
      'more trials',
      async () => (await read(id)).trials.complete > paused.trials.complete,
    )
    await client.send('POST', `/v1/sweeps/${id}/cancel`)
  })

  it('cancels 10,000 trials within 2 s, and none starts afterwards', async () => {
    const { id } = await start({ max_trials: 10_000 })
    await waitFor('some trials', async () => (await read(id)).trials.complete > 0)

    const startedMs = performance.now()
    await client.send('POST', `/v1/sweeps/${id}/cancel`)
    const cancelled = await finish(id)
    const elapsedMs = performance.now() - startedMs

    expect(cancelled.status).toBe('cancelled')
    expect(elapsedMs).toBeLessThan(CANCEL_MS_MAX)
    const open = { where: { sweepId: id, status: { in: ['queued', 'running', 'cancelling'] } } }
    expect(await stack.stores.database.job.count(open)).toBe(0)
  })

  it('fails with its causes counted when every trial diverges, and tries one again when asked', async () => {
    const layer = { units: 64, activation: 'linear' } as const
    const sweep = await run({
      max_trials: 6,
      base: { model: { hidden: [layer, layer, layer] }, training: { epochs: 6, batch_size: 8 } },
      parameters: {
        'training.optimizer.type': { value: 'sgd' },
        [LEARNING_RATE]: { distribution: 'uniform', min: 1e8, max: 1e9 },
      },
    })

    expect(sweep).toMatchObject({
      status: 'failed',
      failures: { diverged: 6 },
      trials: { failed: 6 },
    })
    expect(sweep.error?.message).toContain('diverged 6')
    const [before] = await trialsOf(sweep.id)
    await client.send('POST', `/v1/sweeps/${sweep.id}/trials/0/retry`)
    await finish(sweep.id)
    const [again] = await trialsOf(sweep.id)
    expect(again?.job_ids).not.toEqual(before?.job_ids)
    expect(again).toMatchObject({ status: 'failed', params: before?.params })
  })

  it('hands over its best trial and an ensemble as models, importances and pictures', async () => {
    const { id, best } = await run()

    const promoted = await client.send('POST', `/v1/sweeps/${id}/promote`, {
      name: `best-${queue}`,
    })
    const ensemble = await client.send('POST', `/v1/sweeps/${id}/ensemble`, {
      name: `many-${queue}`,
      top: 3,
    })
    const importance = await client.send('GET', `/v1/sweeps/${id}/importance`)
    const pictures = await Promise.all(
      ['history', 'parallel', 'importance'].map((name) =>
        client.send('GET', `/v1/sweeps/${id}/${name}.svg`),
      ),
    )

    expect(promoted.body.source).toMatchObject({ type: 'job', job_id: best?.job_ids[0] })
    expect(ensemble.body).toMatchObject({ kind: 'ensemble' })
    expect(importance.body.parameters[0]).toMatchObject({ parameter: LEARNING_RATE })
    expect(pictures.map(({ body }) => String(body).startsWith('<svg'))).toEqual([true, true, true])
  })

  it('does not keep a job of the same project, or of another, waiting behind ten thousand trials', async () => {
    const { id } = await start({ max_trials: 10_000 })
    await waitFor('some trials', async () => (await read(id)).trials.complete > 0)
    const other = makeClient({
      baseUrl: stack.baseUrl,
      apiKey: await stack.createKey(`other ${queue}`),
    })
    const body = { builtin: { generator: 'xor', rows: 100, noise: 0.1, seed: 1 } }
    const otherDataset = await other.createDataset(body)

    const own = await client.createJob({ dataset_id: datasetId, training: { epochs: 1 } })
    const foreign = await other.createJob({ dataset_id: otherDataset.id, training: { epochs: 1 } })
    const [ownEnded, foreignEnded] = await Promise.all([
      client.finishJob(own.id),
      other.finishJob(foreign.id),
    ])

    expect([ownEnded.status, foreignEnded.status]).toEqual(['succeeded', 'succeeded'])
    expect((await read(id)).status).toBe('running')
    await client.send('POST', `/v1/sweeps/${id}/cancel`)
  })
})
