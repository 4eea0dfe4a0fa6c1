import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type Dataset,
  datasetSchema,
  type IngestingDataset,
  ingestingDatasetSchema,
  listSchema,
} from '@trainyard/contracts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../../../../../test/support/wait-for.ts'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

/** Nine mebibytes of a column of notes and one of numbers. */
const HEAD = 'note,x,y\n'
const CHUNK = Array.from({ length: 1000 }, (_, i) => `${'a'.repeat(90)}${i},${i},${i % 2}\n`).join(
  '',
)
const CHUNKS = Math.ceil((9 * 1024 ** 2) / CHUNK.length)

let test: TestApp
let origin: string
beforeAll(async () => {
  test = await buildTestApp()
  origin = await test.app.listen({ port: 0, host: '127.0.0.1' })
})
afterAll(() => test.close())

/** Sends what is large enough to be shown, and the rest when it is told to. */
function startUpload({ isLarge = true, name = 'large' } = {}) {
  const gate = Promise.withResolvers<void>()
  const abort = new AbortController()
  const body = Readable.from(
    (async function* () {
      yield Buffer.from(HEAD + CHUNK)
      for (let i = 1; isLarge && i < CHUNKS; i++) {
        yield Buffer.from(CHUNK)
        await nextTurn()
      }
      await gate.promise
      yield Buffer.from(CHUNK)
    })(),
  )
  const headers = { authorization: `Bearer ${test.first.text}`, 'content-type': 'text/csv' }
  const response = fetch(`${origin}/v1/datasets?name=${name}&target=y`, {
    ...{ method: 'POST', headers, signal: abort.signal, duplex: 'half' },
    body: Readable.toWeb(body) as BodyInit,
  } as RequestInit)
  // Whoever aborts does not look at it.
  response.catch(() => undefined)
  return { response, finish: () => gate.resolve(), abort: () => abort.abort() }
}

const listIngesting = async (key = test.first.text): Promise<IngestingDataset[]> => {
  const response = await test.send('GET', '/v1/datasets?status=ingesting', { key })
  return listSchema(ingestingDatasetSchema).parse(response.json()).data
}
const shown = () => waitFor('the upload is shown', async () => (await listIngesting())[0] ?? null)

beforeEach(async () => {
  await test.stores.database.ingest.deleteMany()
})

describe('a large upload', () => {
  it('is shown with its progress from eight mebibytes on, and becomes the data set of that id', async () => {
    const upload = startUpload()
    const first = await shown()
    const all = HEAD.length + CHUNKS * CHUNK.length
    const later = await waitFor('all that was sent so far', async () => {
      const read = await test.send('GET', `/v1/datasets/${first.id}`)
      const dataset = ingestingDatasetSchema.parse(read.json())
      return dataset.progress.bytes_received === all ? dataset : null
    })

    upload.finish()
    const response = await upload.response
    const dataset = datasetSchema.parse(await response.json())

    expect(first).toMatchObject({ name: 'large', status: 'ingesting' })
    expect(later.progress).toEqual({ phase: 'receiving', bytes_received: all, bytes_total: null })
    expect(response.status).toBe(201)
    expect(dataset).toMatchObject({ id: first.id, status: 'ready', rows: (CHUNKS + 1) * 1000 })
    expect((await test.send('GET', `/v1/datasets/${first.id}`)).json()).toEqual(dataset)
    expect(await listIngesting()).toEqual([])
    expect(await test.stores.database.ingest.count()).toBe(0)
  })

  it('can be used for nothing before it is a data set, and is nobody else’s', async () => {
    const upload = startUpload()
    const { id } = await shown()

    const job = await test.send('POST', '/v1/jobs', { body: { dataset_id: id } })
    const rows = await test.send('GET', `/v1/datasets/${id}/rows`)
    const theirs = await test.send('GET', `/v1/datasets/${id}`, { key: test.second.text })
    upload.finish()
    await upload.response

    for (const response of [job, rows]) {
      expect(toProblem(response)).toMatchObject({ status: 409, code: 'dataset_ingesting' })
    }
    expect(toProblem(theirs).code).toBe('dataset_not_found')
    expect(await listIngesting(test.second.text)).toEqual([])
  })

  it('leaves nothing when it is cut', async () => {
    const upload = startUpload()
    const { id } = await shown()

    upload.abort()

    await waitFor('the row is gone', async () => (await test.stores.database.ingest.count()) === 0)
    expect(toProblem(await test.send('GET', `/v1/datasets/${id}`)).code).toBe('dataset_not_found')
  })

  it('leaves nothing when it cannot be read', async () => {
    const upload = startUpload({ name: 'bad&separator=;' })
    await shown()

    upload.finish()
    const response = await upload.response

    expect(response.status).toBe(422)
    expect(await test.stores.database.ingest.count()).toBe(0)
  })

  it('leaves nothing when its progress is stored later than it is refused', async () => {
    const { database } = test.stores
    // Longer than a request waits for Postgres.
    await database.$executeRaw`
      CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(2.5); RETURN NEW; END'`
    await database.$executeRaw`
      CREATE TRIGGER hold BEFORE INSERT ON ingests FOR EACH ROW EXECUTE FUNCTION hold()`

    const upload = startUpload({ name: 'bad&separator=;' })
    upload.finish()
    const response = await upload.response
    // Whoever still holds the table has written.
    await database.$executeRaw`DROP FUNCTION hold CASCADE`

    expect(response.status).toBe(422)
    expect(await database.ingest.count()).toBe(0)
  })

  it('of a process that has died is not shown any more, and its row goes with the next sweep', async () => {
    const upload = startUpload()
    const { id } = await shown()
    const row = await test.stores.database.ingest.findUniqueOrThrow({ where: { id } })
    upload.finish()
    await upload.response
    // As a killed process leaves it, eleven seconds later.
    const orphan = `${id.slice(0, -2)}00`
    const seenAt = new Date(Date.now() - 11_000)
    await test.stores.database.ingest.create({ data: { ...row, id: orphan, seenAt } })

    const read = await test.send('GET', `/v1/datasets/${orphan}`)
    const listed = await listIngesting()
    const swept = await test.stores.ingests.expire()

    expect(toProblem(read).code).toBe('dataset_not_found')
    expect(listed).toEqual([])
    expect(swept).toBe(1)
    expect(await test.stores.database.ingest.count()).toBe(0)
  })
})

it('shows no small upload, which costs no row', async () => {
  const upload = startUpload({ isLarge: false })
  await waitFor('the upload has begun', () => test.app.server.connections !== 0)

  upload.finish()
  const dataset: Dataset = datasetSchema.parse(await (await upload.response).json())

  expect(dataset.rows).toBe(2000)
})

it('refuses a status that no list is of', async () => {
  const response = await test.send('GET', '/v1/datasets?status=failed')

  expect(toProblem(response)).toMatchObject({ status: 422, errors: [{ parameter: 'status' }] })
})
