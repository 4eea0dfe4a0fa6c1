/** Names, numbers and aliases of models: what moves, what goes, and what a reader sees meanwhile. */
import { listSchema, modelEventSchema, modelSchema, modelVersionSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
beforeAll(async () => {
  test = await buildTestApp()
})
afterAll(() => test.close())

/** A network of one input that says yes above zero. */
const network = (slope: number, classes = ['no', 'yes']) => ({
  weights: { format: 'trainyard/1', layers: [{ weight: [[slope]], bias: [0] }] },
  architecture: { inputs: 1, hidden: [], outputs: 1, task: 'classification', classes },
})
const importModel = (name: string, slope = 1) =>
  test.send('POST', '/v1/models', { body: { name, ...network(slope) } })
const read = (path: string) => test.send('GET', `/v1/models/${path}`)
const move = (name: string, alias: string, version: unknown) =>
  test.send('PUT', `/v1/models/${name}/aliases/${alias}`, { body: { version } })
const remove = (path: string) => test.send('DELETE', `/v1/models/${path}`)

describe('an alias', () => {
  it('names a version, stands wherever its number may, and moves', async () => {
    await importModel('alias')
    await importModel('alias', 2)

    const made = await move('alias', 'candidate', 2)
    const moved = await move('alias', 'candidate', 1)

    expect(made.json()).toEqual({
      object: 'model_alias',
      model: 'alias',
      alias: 'candidate',
      version: 2,
      previous_version: null,
    })
    expect(moved.json()).toMatchObject({ version: 1, previous_version: 2 })
    const version = modelVersionSchema.parse((await read('alias/versions/candidate')).json())
    expect([version.version, version.aliases]).toEqual([1, ['candidate']])
    expect((await read('alias/versions/latest')).json().version).toBe(2)
    expect(modelSchema.parse((await read('alias')).json()).aliases).toEqual({ candidate: 1 })
  })

  it('called champion decides where a job names no version to begin with', async () => {
    const dataset = await test.makeDataset({ builtin: { generator: 'xor' } })
    for (const slope of [1, 2]) {
      await test.send('POST', '/v1/models', {
        body: {
          name: 'start',
          weights: { format: 'trainyard/1', layers: [{ weight: [[slope, 1]], bias: [0] }] },
          architecture: { ...network(1, ['0', '1']).architecture, inputs: 2 },
        },
      })
    }
    const quote = () =>
      test.send('POST', '/v1/jobs?dry_run=true', {
        body: {
          dataset_id: dataset.id,
          model: { hidden: [] },
          initial_weights: { model: 'start' },
        },
      })

    const latest = await quote()
    await move('start', 'champion', 1)
    const champion = await quote()

    expect(latest.json().resolved_config.initial_weights.version).toBe(2)
    expect(champion.json().resolved_config.initial_weights.version).toBe(1)
  })

  it('that is moved without rest never gives an error to who reads by it', async () => {
    await importModel('moving')
    await importModel('moving', 2)
    await move('moving', 'champion', 1)
    const seen = new Set<number>()
    let isReading = true

    const mover = (async () => {
      for (let version = 2; isReading; version = 3 - version) {
        expect((await move('moving', 'champion', version)).statusCode).toBe(200)
      }
    })()
    for (let i = 0; i < 200; i++) {
      const response = await read('moving/versions/champion')
      expect(response.statusCode).toBe(200)
      seen.add(response.json().version)
    }
    isReading = false
    await mover

    expect([...seen].sort()).toEqual([1, 2])
  })

  it.each([
    ['latest', 'always means the newest'],
    ['1', 'must begin with a letter'],
    ['a%2Fb', 'must begin with a letter'],
  ])('cannot be called %s', async (alias, detail) => {
    await importModel('names')

    expect(toProblem(await move('names', alias, 1)).errors).toEqual([
      { parameter: 'alias', detail: expect.stringContaining(detail) },
    ])
  })

  it('cannot name what is not there, and goes alone', async () => {
    await importModel('goes')
    await move('goes', 'champion', 1)

    expect(toProblem(await move('goes', 'champion', 2)).code).toBe('model_not_found')
    expect(toProblem(await move('none', 'champion', 1)).code).toBe('model_not_found')
    expect((await remove('goes/aliases/champion')).statusCode).toBe(204)
    expect(toProblem(await remove('goes/aliases/champion')).code).toBe('alias_not_found')
    expect(toProblem(await read('goes/versions/champion')).code).toBe('model_not_found')
    expect((await read('goes/versions/1')).statusCode).toBe(200)
  })
})

describe('deleting', () => {
  it('a model makes it and its versions 404 at once, and its name counts on', async () => {
    await importModel('old')
    await move('old', 'champion', 1)

    expect((await remove('old')).statusCode).toBe(204)

    for (const path of ['old', 'old/versions/1', 'old/versions/champion', 'old/events']) {
      expect(toProblem(await read(path)).code).toBe('model_not_found')
    }
    expect(toProblem(await remove('old')).code).toBe('model_not_found')
    const names = (await test.send('GET', '/v1/models?limit=100')).json().data
    expect(names.map(({ name }: { name: string }) => name)).not.toContain('old')
    expect((await importModel('old')).json().version).toBe(2)
    expect(toProblem(await read('old/versions/1')).code).toBe('model_not_found')
    expect(toProblem(await read('old/versions/champion')).code).toBe('model_not_found')
  })

  it('with purge removes its rows, so that its name begins again', async () => {
    await importModel('purged')
    await importModel('purged')
    await remove('purged')

    expect((await remove('purged?purge=true')).statusCode).toBe(204)
    expect((await importModel('purged')).json().version).toBe(1)
  })

  it('a version leaves the others, waits for its aliases, and takes the model if it was the last', async () => {
    await importModel('some')
    await importModel('some', 2)
    await move('some', 'champion', 2)

    const named = toProblem(await remove('some/versions/2'))
    await move('some', 'champion', 1)
    const deleted = await remove('some/versions/2')

    expect([named.code, named.detail]).toEqual([
      'model_version_aliased',
      '"champion" names version 2.',
    ])
    expect(deleted.statusCode).toBe(204)
    expect(toProblem(await read('some/versions/2')).code).toBe('model_not_found')
    expect((await read('some/versions/latest')).json().version).toBe(1)
    expect((await read('some')).json()).toMatchObject({ latest_version: 1 })
    await remove('some/aliases/champion')
    await remove('some/versions/1')
    expect(toProblem(await read('some')).code).toBe('model_not_found')
  })

  it('is not for another project', async () => {
    await importModel('mine')
    const { text: key } = test.second

    const tries = [
      await test.send('DELETE', '/v1/models/mine?purge=true', { key }),
      await test.send('DELETE', '/v1/models/mine/versions/1', { key }),
      await test.send('PUT', '/v1/models/mine/aliases/champion', { key, body: { version: 1 } }),
    ]

    expect(tries.map((response) => toProblem(response).code)).toEqual(
      tries.map(() => 'model_not_found'),
    )
    expect((await read('mine')).statusCode).toBe(200)
  })
})

it('tells what happened to a model, in order', async () => {
  await importModel('told')
  await importModel('told', 2)
  await move('told', 'champion', 1)
  await move('told', 'champion', 1)
  await remove('told/versions/2')

  const events = listSchema(modelEventSchema).parse((await read('told/events')).json())
  const rest = (await read('told/events?after=3')).json()

  expect(events.data.map(({ seq, type }) => [seq, type])).toEqual([
    [1, 'model.version_created'],
    [2, 'model.version_created'],
    [3, 'model.alias_moved'],
    [4, 'model.version_deleted'],
  ])
  expect(events.data[2]?.data).toEqual({ alias: 'champion', version: 1, previous_version: null })
  expect(rest.data).toHaveLength(1)
  expect(toProblem(await read('told/events?after=x')).code).toBe('invalid_cursor')
})

it('tells it live to who listens, and from where a connection broke', async () => {
  await importModel('live')
  const url = `${await test.app.listen({ port: 0 })}/v1/models/live/events`
  const leaving = new AbortController()
  const headers = { authorization: `Bearer ${test.first.text}`, accept: 'text/event-stream' }

  const stream = await fetch(url, {
    headers: { ...headers, 'last-event-id': '1' },
    signal: leaving.signal,
  })
  await move('live', 'champion', 1)
  let text = ''
  for await (const chunk of stream.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.includes('model.alias_moved')) break
  }
  leaving.abort()

  expect(text.match(/(?<=^id: ).*/gm)).toEqual(['2'])
})

describe('a version of a job', () => {
  it('keeps what its weights follow from when the job is purged', async () => {
    const job = await test.insertJob()
    await test.finishWithWeights(await test.start(job))
    const body = { name: 'kept', job_id: job.id }
    await test.send('POST', '/v1/models', { body })

    await test.send('DELETE', `/v1/jobs/${job.id}?purge=true`)

    const version = modelVersionSchema.parse((await read('kept/versions/1')).json())
    expect(version.lineage).toMatchObject({
      job_id: job.id,
      dataset_id: job.dataset_id,
      dataset_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      config: { training: job.resolved_config.training },
      engine_version: job.engine_version,
      parent: null,
    })
    expect(version.signature).toEqual({
      inputs: ['a', 'b'].map((name) => ({
        ...{ name, type: 'number', required: false, min: 0, max: 1, levels: null },
      })),
      output: { name: 'y', task: 'classification', classes: ['no', 'yes'] },
    })
    expect(version.example).toEqual({ records: [{ a: 0, b: 0 }] })
  })
})

describe('an ensemble', () => {
  it('is made of versions and jobs, and stays when they go', async () => {
    const job = await test.insertJob()
    await test.finishWithWeights(await test.start(job))
    await test.send('POST', '/v1/models', { body: { name: 'member', job_id: job.id } })

    const members = [{ model: 'member' }, { job_id: job.id }, { model: 'member', version: 1 }]
    const made = await test.send('POST', '/v1/models', { body: { name: 'many', members } })
    const nested = await test.send('POST', '/v1/models', {
      body: { name: 'more', members: [{ model: 'many' }, { job_id: job.id }] },
    })
    await remove('member?purge=true')

    const version = modelVersionSchema.parse((await read('many/versions/1')).json())
    expect(version).toEqual(made.json())
    expect(version).toMatchObject({
      kind: 'ensemble',
      architecture: null,
      preprocessing: null,
      source: { type: 'ensemble' },
      parameter_count: 3 * job.parameter_count,
      bytes: 3 * 12,
    })
    expect(version.members?.map(({ lineage }) => lineage?.job_id)).toEqual([job.id, job.id, job.id])
    expect(version.signature?.inputs.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(nested.json().members).toHaveLength(4)
  })

  it('needs members that answer the same question', async () => {
    await importModel('one')
    await test.send('POST', '/v1/models', {
      body: { name: 'other', ...network(1, ['yes', 'no']) },
    })
    const join = (members: unknown[]) =>
      test.send('POST', '/v1/models', { body: { name: 'bad', members } })

    expect(toProblem(await join([{ model: 'one' }, { model: 'other' }])).errors).toEqual([
      {
        pointer: '#/members/1',
        detail: 'has other classes than the first member; they must be the same in the same order',
      },
    ])
    expect(toProblem(await join([{ model: 'one' }])).errors?.[0]?.pointer).toBe('#/members')
    expect(toProblem(await join([{ model: 'one' }, { model: 'none' }])).code).toBe(
      'model_not_found',
    )
  })

  it('cannot begin a training or be traced', async () => {
    const dataset = await test.makeDataset({ builtin: { generator: 'xor' } })
    await importModel('part')
    await test.send('POST', '/v1/models', {
      body: { name: 'whole', members: [{ model: 'part' }, { model: 'part' }] },
    })

    const job = await test.send('POST', '/v1/jobs', {
      body: { dataset_id: dataset.id, initial_weights: { model: 'whole' } },
    })
    const trace = await test.send('POST', '/v1/trace', {
      body: { model: 'whole', sample: { inputs: [1] } },
    })

    for (const [response, pointer] of [
      [job, '#/initial_weights/model'],
      [trace, '#/model'],
    ] as const) {
      expect(toProblem(response).errors).toEqual([
        {
          pointer,
          detail: 'model "whole" version 1 is an ensemble; name one network',
        },
      ])
    }
  })
})
