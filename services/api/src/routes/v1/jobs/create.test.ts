import { createId, eventSchema, jobQuoteSchema, jobSchema, listSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
let datasetId: string
let queued = 0
beforeAll(async () => {
  test = await buildTestApp()
  datasetId = (await test.makeDataset({ builtin: { generator: 'iris' } })).id
  test.pulse.onJobQueued(() => {
    queued += 1
  })
})
afterAll(() => test.close())

const post = (body: object, headers: Record<string, string> = {}, query = '') =>
  test.send('POST', `/v1/jobs${query}`, { body: { dataset_id: datasetId, ...body }, headers })

describe('201', () => {
  it('accepts a job with its first event, and tells the scheduler', async () => {
    const before = queued

    const spec = {
      name: 'mine',
      metadata: { team: 'ocr' },
      priority: 3,
      model: { hidden: [{ units: 8 }] },
    }
    const response = await post(spec)

    const job = jobSchema.parse(response.json())
    const events = listSchema(eventSchema).parse(
      (await test.send('GET', `/v1/jobs/${job.id}/events`)).json(),
    )
    expect(response.statusCode).toBe(201)
    expect(response.headers.location).toBe(`/v1/jobs/${job.id}`)
    expect(job).toMatchObject({
      status: 'queued',
      name: 'mine',
      priority: 3,
      metadata: { team: 'ocr' },
      queue: { position: 1 },
      config: { dataset_id: datasetId, ...spec },
    })
    expect(job.parameter_count).toBe((4 + 1) * 8 + (8 + 1) * 3)
    expect(events.data.map(({ type, seq }) => [seq, type])).toEqual([[1, 'job.created']])
    expect(queued).toBe(before + 1)
  })

  it('makes one job of a hundred requests with one key', async () => {
    const headers = { 'idempotency-key': createId('job') }
    const before = queued

    const responses = await Promise.all(
      Array.from({ length: 100 }, () => post({ seed: 1 }, headers)),
    )

    const made = responses.filter(({ statusCode }) => statusCode === 201)
    expect(made.length).toBe(100)
    expect(new Set(made.map((response) => response.json().id)).size).toBe(1)
    expect(
      responses.filter(({ headers }) => headers['idempotent-replayed'] === 'true').length,
    ).toBe(99)
    expect(queued).toBe(before + 1)
  })

  it('takes a key with and without quotes as the same', async () => {
    const quoted = await post({ seed: 2 }, { 'idempotency-key': '"k \\" 1"' })
    const again = await post({ seed: 2 }, { 'idempotency-key': '"k \\" 1"' })
    const bare = await post({ seed: 3 }, { 'idempotency-key': 'bare' })
    const dressed = await post({ seed: 3 }, { 'idempotency-key': '"bare"' })

    expect(again.json().id).toBe(quoted.json().id)
    expect(dressed.json().id).toBe(bare.json().id)
  })

  it('keeps the keys of projects apart', async () => {
    const headers = { 'idempotency-key': 'shared' }
    const mine = await post({ seed: 4 }, headers)

    const theirs = await test.send('POST', '/v1/jobs', {
      body: { dataset_id: datasetId, seed: 4 },
      headers,
      key: test.second.text,
    })

    expect(mine.statusCode).toBe(201)
    expect(toProblem(theirs).code).toBe('dataset_not_found')
  })
})

describe('200', () => {
  it('quotes a dry run and stores nothing', async () => {
    const before = (await test.send('GET', '/v1/jobs?limit=100')).json().data.length

    const response = await post({ model: { hidden: [{ units: 8 }] }, seed: 5 }, {}, '?dry_run=true')

    const quote = jobQuoteSchema.parse(response.json())
    expect(response.statusCode).toBe(200)
    expect(quote).toMatchObject({ parameter_count: 67, training_rows: 120, validation_rows: 30 })
    expect(quote.flops_per_epoch).toBeGreaterThan(0)
    expect((await test.send('GET', '/v1/jobs?limit=100')).json().data.length).toBe(before)
  })

  it('quotes the final model of a job with folds, and the memory of its largest training', async () => {
    const quote = async (validation: object | null) =>
      jobQuoteSchema.parse((await post({ validation }, {}, '?dry_run=true')).json())

    const folded = await quote({ folds: 5 })
    const plain = await quote(null)

    expect(folded).toMatchObject({ training_rows: 150, validation_rows: 0 })
    expect(folded.flops_per_epoch).toBe(plain.flops_per_epoch)
    expect(folded.memory_bytes).toBeGreaterThanOrEqual(plain.memory_bytes)
  })

  it('quotes a job that validates on another data set, whose table takes memory too', async () => {
    const other = await test.makeDataset({ builtin: { generator: 'iris' } })
    const quote = async (validation: object | null) =>
      jobQuoteSchema.parse((await post({ validation }, {}, '?dry_run=true')).json())

    const validated = await quote({ dataset_id: other.id })
    const plain = await quote(null)

    expect(validated).toMatchObject({ training_rows: 150, validation_rows: 150 })
    expect(validated.resolved_config.validation).toEqual({ dataset_id: other.id, rows: 150 })
    // Four numbers, a class of text and, encoded, five numbers of 4 bytes: of 150 rows more.
    expect(validated.memory_bytes - plain.memory_bytes).toBeGreaterThan(150 * (4 * 8 + 4 + 5 * 4))
  })

  it('quotes a job with a test part, of its own rows or of another data set', async () => {
    const other = await test.makeDataset({ builtin: { generator: 'iris' } })
    const quote = async (spec: object) =>
      jobQuoteSchema.parse((await post(spec, {}, '?dry_run=true')).json())

    const share = await quote({ test: { fraction: 0.2 } })
    const set = await quote({ test: { dataset_id: other.id }, validation: null })

    expect(share).toMatchObject({ training_rows: 90, validation_rows: 30, test_rows: 30 })
    expect(set).toMatchObject({ training_rows: 150, validation_rows: 0, test_rows: 150 })
    expect(set.resolved_config.test).toEqual({ dataset_id: other.id, rows: 150 })
  })

  it('counts the rows that oversampling adds, by the classes of the data set', async () => {
    const rows = Array.from({ length: 100 }, (_, i) => [i, i < 90 ? 'often' : 'rare'])
    const { id } = await test.makeDataset({ columns: ['x', 'y'], rows, target: 'y' })
    const quote = async (oversample: boolean) => {
      const body = { dataset_id: id, validation: null, training: { batch_size: 8, oversample } }
      return jobQuoteSchema.parse((await post(body, {}, '?dry_run=true')).json())
    }

    const [plain, repeated] = [await quote(false), await quote(true)]

    expect(repeated.resolved_config.training.oversample).toBe(true)
    expect(repeated.training_rows).toBe(100)
    // 90 rows of each of two classes.
    expect(repeated.flops_per_epoch / plain.flops_per_epoch).toBeCloseTo(1.8)
    expect(repeated.memory_bytes).toBeGreaterThan(plain.memory_bytes)
  })

  it('counts γ and β, and the memory that normalization and dropout take', async () => {
    const quote = async (layer: object, training: object) => {
      const body = { model: { hidden: [{ units: 2000, ...layer }] }, training }
      return jobQuoteSchema.parse((await post(body, {}, '?dry_run=true')).json())
    }

    const plain = await quote({}, {})
    const normalized = await quote({ batch_norm: true }, {})
    const dropping = await quote({ dropout: 0.5 }, {})
    const weighted = await quote({}, { class_weight: { setosa: 2 } })

    expect(normalized.parameter_count).toBe(plain.parameter_count + 2 * 2000)
    expect(normalized.resolved_config.model.hidden).toMatchObject([{ batch_norm: true }])
    expect(normalized.memory_bytes).toBeGreaterThan(plain.memory_bytes)
    expect(dropping.parameter_count).toBe(plain.parameter_count)
    expect(dropping.memory_bytes).toBeGreaterThan(plain.memory_bytes)
    expect(weighted.resolved_config.training.class_weight).toEqual([2, 1, 1])
  })
})

describe('a validation data set', () => {
  it('is refused when it does not fit, is the training set itself, or is not there', async () => {
    const gates = await test.makeDataset({ builtin: { generator: 'xor' } })
    const faultsOf = async (id: string) =>
      toProblem(await post({ validation: { dataset_id: id } })).errors ?? []

    const misfit = await faultsOf(gates.id)
    const itself = await faultsOf(datasetId)
    const none = toProblem(await post({ validation: { dataset_id: 'ds_none' } }))

    expect(misfit[0]).toEqual({
      pointer: '#/validation/dataset_id',
      detail: 'the validation data set has no column "sepal_length"',
    })
    expect(itself.map(({ pointer }) => pointer)).toEqual(['#/validation/dataset_id'])
    expect(none.code).toBe('dataset_not_found')
  })

  it('belongs to the job from then on', async () => {
    const other = await test.makeDataset({ builtin: { generator: 'iris' } })
    const job = jobSchema.parse((await post({ validation: { dataset_id: other.id } })).json())

    const change = await test.send('PATCH', `/v1/datasets/${other.id}`, { body: { name: 'late' } })
    const removal = await test.send('DELETE', `/v1/datasets/${other.id}`)

    expect(job.resolved_config.validation).toEqual({ dataset_id: other.id, rows: 150 })
    expect(toProblem(change).code).toBe('dataset_immutable')
    expect(toProblem(removal).code).toBe('dataset_in_use')
  })
})

describe('422', () => {
  it('refuses a key that came with another job', async () => {
    await post({ seed: 6 }, { 'idempotency-key': 'six' })

    const response = await post({ seed: 7 }, { 'idempotency-key': 'six' })

    expect(toProblem(response)).toMatchObject({ status: 422, code: 'idempotency_mismatch' })
  })

  it('does not remember a refused request under its key', async () => {
    const headers = { 'idempotency-key': 'mended' }
    const refused = await post({ seed: -1 }, headers)

    const mended = await post({ seed: 8 }, headers)

    expect([refused.statusCode, mended.statusCode]).toEqual([422, 201])
  })

  it('refuses groups that are too few for the folds, and levels that a data set for validation may not have', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => [i, `p${i % 3}`, i % 2 ? 'yes' : 'no'])
    const columns = ['x', 'patient', 'y']
    const dataset = await test.makeDataset({ columns, rows, target: 'y' })
    const other = await test.makeDataset({
      ...{ columns, target: 'y' },
      rows: rows.map(([x, , y], i) => [x, `p${i % 4}`, y]),
    })
    const submit = async (spec: object) =>
      await test.send('POST', '/v1/jobs', { body: { dataset_id: dataset.id, ...spec } })
    const grouped = (folds: number) => submit({ validation: { folds, group_column: 'patient' } })
    const validated = (unseen_category: string) =>
      submit({
        validation: { dataset_id: other.id },
        preprocessing: { unseen_category },
      })

    expect(toProblem(await grouped(4)).errors).toEqual([
      {
        pointer: '#/validation/folds',
        detail: '"patient" has 3 groups; at least 4 are needed, one for each part',
      },
    ])
    expect((await grouped(3)).statusCode).toBe(201)
    expect(toProblem(await validated('error')).errors).toEqual([
      { pointer: '#/validation/dataset_id', detail: expect.stringContaining('such as "p3"') },
    ])
    expect((await validated('other')).statusCode).toBe(201)
  })
})
