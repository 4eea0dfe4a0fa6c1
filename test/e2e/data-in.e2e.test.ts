import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeClient } from '../support/client.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'
import { startStack, type TestStack } from '../support/stack.ts'
import { waitFor } from '../support/wait-for.ts'

let s3: S3Server
let stack: TestStack

beforeAll(async () => {
  s3 = await startS3Server()
  const environment = { TRAINYARD_S3_URL: s3.url('/blobs') }
  stack = await startStack({ queue: 'postgres', threads: 1, environment })
})

afterAll(async () => {
  await stack?.stop()
  await s3?.close()
})

it('keeps data sets, weights and splits of every service in the bucket, and no bytes in Postgres', async () => {
  const client = makeClient(stack)
  const dataset = await client.createDataset({ builtin: { generator: 'iris' } })
  const { id } = await client.createJob({
    dataset_id: dataset.id,
    test: { fraction: 0.2 },
    training: { epochs: 2 },
  })
  const job = await client.finishJob(id)
  const headers = { authorization: `Bearer ${stack.apiKey}` }
  const get = async (path: string, more: Record<string, string> = {}) =>
    Buffer.from(
      await (await fetch(stack.baseUrl + path, { headers: { ...headers, ...more } })).arrayBuffer(),
    )

  const table = await get(`/v1/datasets/${dataset.id}/download`)
  const end = await get(`/v1/datasets/${dataset.id}/download`, { range: 'bytes=-100' })
  const split = JSON.parse(String(await get(`/v1/jobs/${id}/split`)))
  const weights = await get(`/v1/jobs/${id}/weights?format=safetensors`)

  expect(job).toMatchObject({ status: 'succeeded', test: { rows: 30 } })
  expect(createHash('sha256').update(table).digest('hex')).toBe(dataset.sha256)
  expect(end.equals(table.subarray(-100))).toBe(true)
  expect([split.training.length, split.validation.length, split.test.length]).toEqual([90, 30, 30])
  expect(weights.length).toBeGreaterThan(0)
  const objects = await readdir(dirname(s3.fileOf('blobs/x')))
  for (const sha256 of [dataset.sha256, job.weights?.best.sha256, job.weights?.last.sha256]) {
    expect(objects).toContain(`${sha256}._S3rver_object`)
  }
  expect(await stack.stores.database.blobChunk.count()).toBe(0)
})

it('has nothing left of an upload in whose middle the API was killed, and takes it again', async () => {
  const client = makeClient(stack)
  const chunk = Buffer.from('a,b,y\n'.padEnd(1024 ** 2, '1,2,0\n3,4,1\n'))
  const held = Promise.withResolvers<void>()
  const body = Readable.from(
    (async function* () {
      for (let i = 0; i < 9; i++) yield chunk
      await held.promise
    })(),
  )
  const upload = fetch(`${stack.baseUrl}/v1/datasets`, {
    ...{ method: 'POST', body: Readable.toWeb(body) as BodyInit, duplex: 'half' },
    headers: { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'text/csv' },
  } as RequestInit)
  const broken = expect(upload).rejects.toThrow()
  const listed = () => client.send('GET', '/v1/datasets?status=ingesting')
  const id: string = await waitFor('the upload is shown', async () => {
    return (await listed()).body.data[0]?.id ?? null
  })
  const [datasets, blobs] = await count()

  await stack.process('api').end('SIGKILL')
  await broken
  held.resolve()
  await stack.start('api')
  // As eleven seconds do.
  await stack.stores.database.$executeRaw`
    UPDATE ingests SET seen_at = seen_at - interval '11 seconds' WHERE id = ${id}`

  expect((await client.send('GET', `/v1/datasets/${id}`)).status).toBe(404)
  expect((await listed()).body.data).toEqual([])
  expect(await count()).toEqual([datasets, blobs])
  expect((await client.send('POST', '/v1/datasets', 'a,y\n1,p\n2,q\n')).status).toBe(201)

  async function count() {
    const { database } = stack.stores
    return await Promise.all([database.dataset.count(), database.blob.count()])
  }
})
