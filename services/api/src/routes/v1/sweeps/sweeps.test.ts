import { type Sweep, type SweepSpec, sweepEventSchema } from '@trainyard/contracts'
import { makeSuggest, resolveSweep } from '@trainyard/sweeps'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'
import { LEARNING_RATE, makeSweepSpec } from './sweep-spec.fixture.ts'

let test: TestApp
let datasetId = ''
beforeAll(async () => {
  test = await buildTestApp()
  datasetId = (await test.insertDataset()).id
})
afterAll(() => test.close())

const spec = (overrides: Partial<SweepSpec> = {}) => makeSweepSpec(datasetId, overrides)
const post = (body: unknown, headers: Record<string, string> = {}) =>
  test.send('POST', '/v1/sweeps', { body, headers })
const start = async (overrides: Partial<SweepSpec> = {}): Promise<Sweep> =>
  (await post(spec(overrides))).json()

describe('POST /v1/sweeps', () => {
  it('accepts 10,000 trials as one row within a second', async () => {
    const startedMs = performance.now()

    const response = await post(spec({ max_trials: 10_000 }))

    expect(performance.now() - startedMs).toBeLessThan(1000)
    expect(response.statusCode).toBe(201)
    expect(response.headers.location).toBe(`/v1/sweeps/${response.json().id}`)
    expect(response.json()).toMatchObject({
      status: 'queued',
      method: 'random',
      max_trials: 10_000,
      objective: { metric: 'train_loss', goal: 'minimize', at: 'best' },
      trials: { waiting: 10_000 },
    })
  })

  it('is carried out once for one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'a sweep' }

    const [first, second] = [await post(spec(), headers), await post(spec(), headers)]

    expect(second.json()).toEqual(first.json())
    expect(second.headers['idempotent-replayed']).toBe('true')
  })

  it.each([
    [
      'an unknown path',
      { parameters: { 'training.optimizer.lr': { min: 0.1, max: 1 } } },
      '#/parameters/training.optimizer.lr',
    ],
    [
      'an empty range',
      { parameters: { [LEARNING_RATE]: { min: 0.5, max: 0.5 } } },
      `#/parameters/${LEARNING_RATE}/max`,
    ],
    [
      'a value that no job takes',
      { parameters: { 'training.batch_size': { values: [2, 0] } } },
      '#/parameters/training.batch_size/values/1',
    ],
    [
      'a value that this data set does not take',
      { parameters: { 'training.batch_size': { values: [2, 64] } } },
      '#/parameters/training.batch_size',
    ],
    [
      'a network beyond the limits',
      { parameters: { 'model.hidden': { values: [[{ units: 65_536 }, { units: 65_536 }]] } } },
      '#/parameters/model.hidden',
    ],
    [
      'a fault of the base',
      { base: { training: { batch_size: 64 }, validation: null } },
      '#/base/training/batch_size',
    ],
    [
      'a constraint that refuses everything',
      { constraints: ['learning_rate > 1'] },
      '#/constraints',
    ],
    [
      'an initial point outside of its range',
      { initial_points: [{ [LEARNING_RATE]: 0.5 }] },
      `#/initial_points/0/${LEARNING_RATE}`,
    ],
    [
      'a metric that the task does not have',
      {
        base: { model: { hidden: [] }, training: { loss: 'mse' }, validation: null },
        objective: { metric: 'train_accuracy' },
      },
      '#/objective/metric',
    ],
    ['a stray field', { trails: 3 }, '#/trails'],
    ['more than the best of a trial', { gc: { save_trial_best: 2 } }, '#/gc/save_trial_best'],
  ])('refuses %s with its pointer, and stores nothing', async (_name, overrides, pointer) => {
    const before = await test.stores.database.sweep.count()

    const response = await post({ ...spec(), ...overrides })

    expect(response.statusCode).toBe(422)
    expect(toProblem(response).errors?.map((error) => error.pointer)).toContain(pointer)
    expect(await test.stores.database.sweep.count()).toBe(before)
  })

  it('answers a data set that is not there like any other', async () => {
    const response = await post({ ...spec(), dataset_id: 'ds_none' })

    expect(toProblem(response).code).toBe('dataset_not_found')
  })
})

describe('POST /v1/sweeps/preview', () => {
  it('shows the configurations that run, and their cost, and stores nothing', async () => {
    const before = await test.stores.database.sweep.count()
    const response = await test.send('POST', '/v1/sweeps/preview', {
      body: spec({ max_trials: 10_000 }),
    })

    const preview = response.json()
    const resolution = resolveSweep(spec({ max_trials: 10_000 }), { seed: 0 })
    const suggest = 'sweep' in resolution ? makeSuggest(resolution.sweep) : () => null
    expect(preview.trials).toHaveLength(1000)
    expect(preview.trials[999]).toMatchObject({
      trial_index: 999,
      params: suggest(999),
      parameter_count: 17,
    })
    expect(preview.total).toMatchObject({
      trials: 10_000,
      settled_trials: 10_000,
      jobs: 10_000,
      extrapolated: true,
    })
    expect(preview.speed.basis).toBe('assumed')
    expect(await test.stores.database.sweep.count()).toBe(before)
  })

  it('goes on after a trial', async () => {
    const url = '/v1/sweeps/preview?limit=5&after=16'

    const preview = (await test.send('POST', url, { body: spec() })).json()

    expect(preview.trials.map((trial: { trial_index: number }) => trial.trial_index)).toEqual([
      17, 18, 19,
    ])
    expect(preview.has_more).toBe(false)
  })

  it('refuses what a gc cannot keep, with every pointer and limit', async () => {
    const gc = { save_experiment_best: 10_001, save_trial_best: 2, save_trial_latest: -1 }

    const response = await test.send('POST', '/v1/sweeps/preview', { body: { ...spec(), gc } })

    expect(response.statusCode).toBe(422)
    expect(toProblem(response).errors).toEqual([
      { pointer: '#/gc/save_experiment_best', detail: 'must be at most 10000, got 10001' },
      { pointer: '#/gc/save_trial_best', detail: 'must be at most 1, got 2' },
      { pointer: '#/gc/save_trial_latest', detail: 'must be at least 0, got -1' },
    ])
  })

  it('expects the epochs that its trials have, where these are searched', async () => {
    const parameters = { 'training.epochs': { values: [1, 3] } }
    const body = spec({ method: 'grid', max_trials: undefined, parameters, repeats: 2 })

    const preview = (await test.send('POST', '/v1/sweeps/preview', { body })).json()

    expect(preview.expected_epochs).toBe(8)
  })

  it('says how many trials asha lets train on', async () => {
    const early_termination = { type: 'asha', min_epochs: 1, reduction: 2 } as const

    const preview = (
      await test.send('POST', '/v1/sweeps/preview', { body: spec({ early_termination }) })
    ).json()

    expect(preview.expected_pruning).toEqual([
      { epochs: 1, trials_reaching: 20 },
      { epochs: 2, trials_reaching: 10 },
      { epochs: 4, trials_reaching: 5 },
    ])
    expect(preview.expected_epochs).toBeLessThan(100)
  })
})

it('keeps the parameters as they were written: the last one of a grid changes fastest, as in its preview', async () => {
  // Postgres' own order of keys would be the other one: the shorter first.
  const grid = spec({
    method: 'grid',
    max_trials: undefined,
    parameters: { [LEARNING_RATE]: { values: [0.1, 0.2] }, seed: { values: [1, 2] } },
  })

  const preview = (await test.send('POST', '/v1/sweeps/preview', { body: grid })).json()
  const { config, seed } = (await post(grid)).json()

  const stored = resolveSweep(config, { seed })
  const suggest = 'sweep' in stored ? makeSuggest(stored.sweep) : () => null
  expect(preview.trials.map(({ params }: { params: unknown }) => params)).toEqual(
    [0, 1, 2, 3].map((i) => suggest(i)),
  )
})

describe('commands', () => {
  it('pause, resume and cancel a sweep, each told in its events', async () => {
    const { id } = await start()

    const paused = await test.send('POST', `/v1/sweeps/${id}/pause`)
    const resumed = await test.send('POST', `/v1/sweeps/${id}/resume`)
    const cancelled = await test.send('POST', `/v1/sweeps/${id}/cancel`)
    const again = await test.send('POST', `/v1/sweeps/${id}/cancel`)

    expect([paused, resumed, cancelled, again].map((response) => response.json().status)).toEqual([
      'paused',
      'running',
      'cancelled',
      'cancelled',
    ])
    // Paused before its first trial: it starts now, and so does its max_seconds.
    expect([paused, resumed].map((response) => response.json().started_at !== null)).toEqual([
      false,
      true,
    ])
    const events = (await test.send('GET', `/v1/sweeps/${id}/events`)).json().data
    expect(events.map((event: unknown) => sweepEventSchema.parse(event).type)).toEqual([
      'sweep.created',
      'sweep.paused',
      'sweep.resumed',
      'sweep.cancelled',
    ])
  })

  it('refuse what an ended sweep cannot do, and say what it could', async () => {
    const { id } = await start()
    await test.send('POST', `/v1/sweeps/${id}/cancel`)

    const response = await test.send('POST', `/v1/sweeps/${id}/resume`)

    expect(toProblem(response)).toMatchObject({ code: 'illegal_transition', allowed: ['cancel'] })
  })

  it('extend a sweep, but only by more, and a grid only by what it has', async () => {
    const { id } = await start()
    const grid = await start({
      method: 'grid',
      max_trials: 2,
      parameters: { [LEARNING_RATE]: { values: [0.1, 0.2, 0.3] } },
    })

    const more = await test.send('PATCH', `/v1/sweeps/${id}`, { body: { max_trials: 30 } })
    const fewer = await test.send('PATCH', `/v1/sweeps/${id}`, { body: { max_trials: 10 } })
    const beyond = await test.send('PATCH', `/v1/sweeps/${grid.id}`, { body: { max_trials: 4 } })

    expect(more.json()).toMatchObject({ max_trials: 30 })
    expect([fewer, beyond].map((response) => toProblem(response).errors?.[0]?.detail)).toEqual([
      'is 10, but must be more than the 30 trials that the sweep has',
      'is 4, but this sweep has at most 3 trials',
    ])
  })

  it('say that too few results are there for what needs them', async () => {
    const { id } = await start()

    const responses = [
      await test.send('GET', `/v1/sweeps/${id}/importance`),
      await test.send('POST', `/v1/sweeps/${id}/promote`, { body: { name: 'best' } }),
      await test.send('POST', `/v1/sweeps/${id}/ensemble`, { body: { name: 'best' } }),
    ]

    expect(responses.map((response) => toProblem(response).code)).toEqual(
      Array(3).fill('sweep_unfinished'),
    )
    const retry = await test.send('POST', `/v1/sweeps/${id}/trials/0/retry`)
    expect(toProblem(retry).code).toBe('trial_not_found')
  })
})

it('keeps its data set from being changed or deleted', async () => {
  const dataset = await test.insertDataset()
  await post(makeSweepSpec(dataset.id))

  const response = await test.send('DELETE', `/v1/datasets/${dataset.id}`)

  expect(toProblem(response).code).toBe('dataset_in_use')
})

it('stays as it ended where its data set was deleted since', async () => {
  const dataset = await test.insertDataset()
  const { id } = (await post(makeSweepSpec(dataset.id))).json()
  await test.stores.database.sweep.update({ where: { id }, data: { status: 'succeeded' } })
  await test.send('DELETE', `/v1/datasets/${dataset.id}`)

  const response = await test.send('PATCH', `/v1/sweeps/${id}`, { body: { max_trials: 30 } })

  expect(toProblem(response)).toMatchObject({ status: 409, code: 'illegal_transition' })
  expect((await test.send('GET', `/v1/sweeps/${id}`)).json()).toMatchObject({
    status: 'succeeded',
    max_trials: 20,
  })
})

it('lists sweeps newest first, by status', async () => {
  const { id } = await start()

  const page = (await test.send('GET', '/v1/sweeps?status=queued&limit=1')).json()

  expect(page.data.map((sweep: Sweep) => sweep.id)).toEqual([id])
  expect(page.has_more).toBe(true)
})
