import type { Sweep, SweepEvent, SweepSpec, Trial, TrialReplay } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeClient, type TestClient } from '../support/client.ts'
import { subscribeToSweep } from '../support/event-source.ts'
import { queuesToTest } from '../support/queues.ts'
import { startStack, type TestStack } from '../support/stack.ts'
import { readShare, readTaken, readWaitMs } from '../support/thread-time.ts'
import { waitFor } from '../support/wait-for.ts'

const LEARNING_RATE = 'training.optimizer.learning_rate'
const CANCEL_MS_MAX = 2000
/** From a free thread to the start of what was picked for it. */
const HANDING_OVER_MS_MAX = 500
/** Over so much thread time of each. `npm run bench:fairness` holds shares over a minute. */
const SHARE_SECONDS_MIN = 4
const SHARE_MIN = 0.45
const EQUAL_MS_MAX = 90_000

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

  /** All that is bit for bit the same whoever trains: results, the bytes of the best and last weights, and which are kept. */
  const fingerprintOf = async (id: string) => ({
    results: await resultsOf(id),
    weights: await stack.stores.database.$queryRaw`
      SELECT j.trial_index, j.repeat, w.which, COALESCE(w.sha256, w.removed_sha256) AS sha256, w.sha256 IS NOT NULL AS is_kept
      FROM jobs j JOIN job_weights w ON w.job_id = j.id
      WHERE j.sweep_id = ${id} ORDER BY j.trial_index, j.repeat, w.which`,
  })
  const replayOf = async (id: string): Promise<TrialReplay[]> =>
    (await client.send('GET', `/v1/sweeps/${id}/replay?limit=1000`)).body.data

  it('trains what the preview showed, to the same bytes with 1 and 4 threads and when workers and scheduler are killed in the middle', async () => {
    const { max_trials: _, ...coarse } = spec({
      method: 'coarse_to_fine',
      base: { ...spec().base, training: { epochs: 40, batch_size: 8 } },
      rounds: [{ trials: 40 }, { trials: 20, shrink: 0.3, top: 3 }],
      gc: { save_experiment_best: 4, save_trial_best: 0 },
    })
    // Of these each takes a thread of its own for a while, of the others many are taken at a time.
    const layers = [{ units: 128 }, { units: 128 }]
    const specs: SweepSpec[] = [
      { ...coarse, method: 'random', max_trials: 120, rounds: undefined },
      coarse,
      spec({
        method: 'grid',
        max_trials: undefined,
        base: { model: { hidden: layers }, training: { epochs: 300, batch_size: 32 } },
        parameters: {
          [LEARNING_RATE]: { distribution: 'log_uniform', min: 1e-3, max: 1e-1, count: 10 },
        },
      }),
    ]
    const begin = () =>
      Promise.all(
        specs.map(async (one) => {
          const { status, body } = await client.send('POST', '/v1/sweeps', one)
          expect([status, body.errors]).toEqual([201, undefined])
          return body.id as string
        }),
      )
    const untilTrials = (ids: string[], more: number) =>
      Promise.all(
        ids.map(async (id) => {
          const before = (await read(id)).trials.complete
          const isFurther = async () => {
            const { status, trials } = await read(id)
            return status === 'succeeded' || trials.complete >= before + more
          }
          await waitFor('more trials', isFurther)
        }),
      )
    const undisturbed = await begin()
    await Promise.all(undisturbed.map(finish))

    const disturbed = await begin()
    await untilTrials(disturbed, 2)
    const [worker, scheduler] = [stack.process('worker'), stack.process('scheduler')]
    await Promise.all([worker.end('SIGKILL'), scheduler.end('SIGKILL')])
    const [, alone] = await Promise.all([
      stack.start('scheduler'),
      stack.start('worker', { TRAINYARD_WORKER_THREADS: '1' }),
    ])
    await untilTrials(disturbed, 1)
    await alone.end('SIGKILL')
    const many = await stack.start('worker', { TRAINYARD_WORKER_THREADS: '4' })
    const ended = await Promise.all(disturbed.map(finish))
    // As many as there were for what follows.
    await Promise.all([many.end('SIGTERM'), stack.start('worker')])

    expect(ended.map(({ status, trials }) => [status, trials.complete])).toEqual([
      ['succeeded', 120],
      ['succeeded', 60],
      ['succeeded', 10],
    ])
    for (const [i, id] of disturbed.entries()) {
      const fingerprint = await fingerprintOf(id)
      expect(fingerprint).toEqual(await fingerprintOf(undisturbed[i] ?? ''))
      expect((await read(id)).rounds).toEqual((await read(undisturbed[i] ?? '')).rounds)
      const preview = await client.send('POST', '/v1/sweeps/preview', specs[i])
      const shown: { params: unknown }[] = preview.body.trials
      expect(fingerprint.results.slice(0, shown.length).map(({ params }) => params)).toEqual(
        shown.map(({ params }) => params),
      )
      const ends = (await eventsOf(id)).filter(({ type }) => type === 'trial.completed')
      expect(
        ends.map(({ data }) => data.trial_index).toSorted((a, b) => Number(a) - Number(b)),
      ).toEqual(fingerprint.results.map(({ trial_index }) => trial_index))
    }
    const [, fine] = ended[1]?.rounds ?? []
    expect(fine?.from_trials).toHaveLength(3)
    expect(fine?.ranges[0]?.explanation).toContain('the best 3 trials lie from')
    for (const { params } of (await trialsOf(disturbed[1] ?? '')).slice(40)) {
      expect(params[LEARNING_RATE]).toBeGreaterThanOrEqual(fine?.ranges[0]?.min as number)
    }
  })

  it('streams starts, epochs of a trial once a second, stops with their reasons and every new best to any SSE client', async () => {
    const slow = { ...spec().base, training: { epochs: 20_000, early_stopping: null } }
    const base = { ...spec().base, training: { epochs: 9, batch_size: 32 } }
    const [long, pruning] = await Promise.all([
      start({ max_trials: 2, base: slow }),
      start({ base, early_termination: { type: 'asha', min_epochs: 1 } }),
    ])
    const [slowly, stopping] = [
      subscribeToSweep(stack, long.id),
      subscribeToSweep(stack, pruning.id),
    ]

    await Promise.all([slowly.ended, stopping.ended])

    const typesOf = (events: SweepEvent[]) => new Set(events.map(({ type }) => type))
    expect(slowly.events.map(({ seq }) => seq)).toEqual(slowly.events.map((_, i) => i + 1))
    expect(stopping.events).toEqual(await eventsOf(pruning.id))
    expect(typesOf(stopping.events)).toEqual(
      new Set([
        ...['sweep.created', 'sweep.started', 'trial.started', 'trial.pruned', 'trial.completed'],
        ...['trial.best', 'sweep.succeeded', ...typesOf(stopping.events)],
      ]),
    )
    for (const { type, message, data } of stopping.events) {
      if (type !== 'trial.pruned') continue
      expect(message).toMatch(/rank \d+ of \d+ at epoch \d+/)
      expect(data.decision).toMatchObject({ stops: true, rung: expect.any(Number) })
    }
    const epochs = slowly.events.filter(({ type }) => type === 'trial.epoch_completed')
    expect(epochs.length).toBeGreaterThan(0)
    for (const trialIndex of [0, 1]) {
      const times = epochs
        .filter(({ data }) => data.trial_index === trialIndex)
        .map(({ created_at }) => Date.parse(created_at))
      const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0)
      // Told a second apart by one clock, written by another, of which each write may come late.
      expect(spanMs).toBeGreaterThan((times.length - 1) * 1000 - 700)
    }
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
    const { status } = await client.send('POST', `/v1/sweeps/${id}/cancel`)
    const cancelled = await finish(id)
    const elapsedMs = performance.now() - startedMs

    expect([status, cancelled.status]).toEqual([202, 'cancelled'])
    expect(elapsedMs).toBeLessThan(CANCEL_MS_MAX)
    const open = { where: { sweepId: id, status: { in: ['queued', 'running', 'cancelling'] } } }
    expect(await stack.stores.database.job.count(open)).toBe(0)
    const later = {
      where: { sweepId: id, startedAt: { gt: new Date(cancelled.finished_at ?? 0) } },
    }
    expect(await stack.stores.database.job.count(later)).toBe(0)
  })

  it('starts a job of one’s own or of another project within two trial lengths behind ten thousand trials', async () => {
    const other = await openProject()
    const { id } = await start({ max_trials: 10_000 })
    await waitFor('some trials', async () => (await read(id)).trials.complete > 0)
    const from = new Date()

    const own = await client.createJob({ dataset_id: datasetId, training: { epochs: 1 } })
    const foreign = await other.client.createJob({
      dataset_id: other.datasetId,
      training: { epochs: 1 },
    })
    const [ownEnded, foreignEnded] = await Promise.all([
      client.finishJob(own.id),
      other.client.finishJob(foreign.id),
    ])

    expect([ownEnded.status, foreignEnded.status]).toEqual(['succeeded', 'succeeded'])
    expect((await read(id)).status).toBe('running')
    // Of what a thread takes at once: a trial, or a batch of short ones.
    const { longestMs } = await readTaken(stack.stores.database, from)
    for (const job of [own, foreign]) {
      const waitMs = await readWaitMs(stack.stores.database, job.id)
      expect(waitMs).toBeLessThan(2 * longestMs + HANDING_OVER_MS_MAX)
    }
    await client.send('POST', `/v1/sweeps/${id}/cancel`)
  })

  it('comes to equal shares of the threads for two sweeping projects, one of short trials and one of long ones', async () => {
    const other = await openProject()
    const layers = [{ units: 128 }, { units: 128 }]
    const long = spec({
      dataset_id: other.datasetId,
      max_trials: 10_000,
      base: { model: { hidden: layers }, training: { epochs: 250, batch_size: 32 } },
    })
    const short = await start({ max_trials: 10_000 })
    const { body } = await other.client.send('POST', '/v1/sweeps', long)
    const sweepIds = [short.id, body.id as string]
    const { database } = stack.stores
    const begun = await waitFor('both have begun', async () => {
      const first = await Promise.all(
        sweepIds.map((sweepId) =>
          database.job.findFirst({ where: { sweepId, status: 'succeeded' } }),
        ),
      )
      return first.every((job) => job !== null) ? new Date() : null
    })

    // What one had more in the beginning the other has more afterwards.
    await waitFor(
      'equal shares',
      async () => {
        const shares = await Promise.all(
          sweepIds.map((id) => readShare(database, id, begun, new Date())),
        )
        const seconds = shares.map(({ threadSeconds }) => threadSeconds)
        const least = Math.min(...seconds)
        const total = seconds.reduce((sum, one) => sum + one, 0)
        return least > SHARE_SECONDS_MIN && least / total > SHARE_MIN
      },
      EQUAL_MS_MAX,
    )

    await client.send('POST', `/v1/sweeps/${short.id}/cancel`)
    await other.client.send('POST', `/v1/sweeps/${body.id}/cancel`)
  })

  // What is chosen, decided and shown has nothing to do with the queue.
  if (queue !== queuesToTest().at(-1)) return

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
    const verifying = await client.send('POST', `/v1/jobs/${job.id}/verify`)
    expect(verifying.body).toMatchObject({ status: 409, code: 'illegal_transition' })
    expect(job.weights?.best.bytes).toBeGreaterThan(0)
    // What a fork goes on from.
    const checkpoints = await client.send('GET', `/v1/jobs/${job.id}/checkpoints`)
    expect(checkpoints.body.data.length).toBeGreaterThan(0)
  })

  it('replays what tpe, asha and median chose and decided from what it recorded, identically', async () => {
    const base = { ...spec().base, training: { epochs: 9, batch_size: 32 } }
    const rules = [
      { type: 'asha', min_epochs: 1 },
      { type: 'median', startup_trials: 2 },
    ] as const
    const sweeps = await Promise.all(
      rules.map((early_termination) =>
        run({ method: 'tpe', max_trials: 24, base, early_termination }),
      ),
    )

    for (const { id } of sweeps) {
      const replay = await replayOf(id)
      const trials = await trialsOf(id)
      expect(replay.map(({ params }) => params)).toEqual(trials.map(({ params }) => params))
      expect(replay.filter(({ identical }) => !identical)).toEqual([])
      // Not the trivial case: the later choices had seen others, and trials were stopped.
      expect(Math.max(...replay.map(({ seen_trials }) => seen_trials ?? 0))).toBeGreaterThan(10)
      const decisions = replay.flatMap((trial) => trial.decisions)
      expect(decisions.some(({ decision }) => decision.stops === true)).toBe(true)
      expect(decisions.map(({ position }) => position).toSorted((a, b) => a - b)).toEqual(
        decisions.map((_, i) => i + 1),
      )
    }
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
    const seeds = await Promise.all(
      [before, again].map(async (trial) => {
        const { resolved_config } = await client.readJob(trial?.job_ids[0] ?? '')
        return resolved_config.seed
      }),
    )
    expect(seeds[1]).toBe(seeds[0])
    expect(again).toMatchObject({ status: 'failed', params: before?.params })
  })

  it('trains a trial among others to the bytes of a job that trains alone', async () => {
    const parameters = { 'model.hidden': { values: [[{ units: 4 }], [{ units: 9 }]] } }
    const sweep = await run({ parameters })
    const [, second, third] = await trialsOf(sweep.id)

    for (const trial of [second, third]) {
      const id = trial?.job_ids[0] ?? ''
      const retrained = await client.send('POST', `/v1/jobs/${id}/verify`)
      await client.finishJob(retrained.body.id)
      expect((await client.readJob(id)).verification?.outcome).toBe('identical')
    }
  })

  it('keeps the best weights of the best trial alone when its gc says so, and says of the others that they are removed and what they were', async () => {
    const gc = { save_experiment_best: 1, save_trial_best: 0, save_trial_latest: 0 }
    const { id, best } = await run({ max_trials: 12, gc })

    const trials = await trialsOf(id)
    const jobs = await Promise.all(trials.map(({ job_ids }) => client.readJob(job_ids[0] ?? '')))
    const kept = jobs.flatMap(({ trial_index, weights }) =>
      (['best', 'last'] as const)
        .filter((which) => weights?.[which].bytes != null)
        .map((which) => [trial_index, which]),
    )
    expect(kept).toEqual([[best?.trial_index, 'best']])
    const other = jobs.find(({ trial_index }) => trial_index !== best?.trial_index)
    const refused = [
      await client.send('GET', `/v1/jobs/${other?.id}/weights`),
      await client.send('POST', `/v1/jobs/${other?.id}/fork`),
      await client.send('GET', `/v1/jobs/${other?.id}/weights?checkpoint=ckpt_none`),
      await client.send('POST', `/v1/sweeps/${id}/promote`, {
        name: `last-${queue}`,
        which: 'last',
      }),
      await client.send('POST', `/v1/sweeps/${id}/ensemble`, { name: `gone-${queue}`, top: 2 }),
    ]
    expect(refused.map(({ status, body }) => [status, body.code])).toEqual(
      Array(5).fill([410, 'removed_by_gc']),
    )
    expect(refused[0]?.body.detail).toBe(
      `The gc of its sweep has removed the best weights of ${other?.id}.`,
    )
    const promoted = await client.send('POST', `/v1/sweeps/${id}/promote`, { name: `gc-${queue}` })
    expect(promoted.status).toBe(201)
    const verifying = await client.send('POST', `/v1/jobs/${other?.id}/verify`)
    const again = await client.finishJob(verifying.body.id)
    expect(again.weights?.best).toEqual({ ...other?.weights?.best, bytes: expect.any(Number) })
    expect((await client.readJob(other?.id ?? '')).verification?.outcome).toBe('identical')
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

  async function openProject(): Promise<{ client: TestClient; datasetId: string }> {
    const apiKey = await stack.createKey(`other ${queue} ${performance.now()}`)
    const other = makeClient({ baseUrl: stack.baseUrl, apiKey })
    const body = { builtin: { generator: 'xor', rows: 100, noise: 0.1, seed: 1 } }
    return { client: other, datasetId: (await other.createDataset(body)).id }
  }
})
