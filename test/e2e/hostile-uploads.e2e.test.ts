/** Uploads that want to exhaust the service, against its own process: refused as said, in bounded memory, nothing left. */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeClient } from '../support/client.ts'
import { hostileUploads, sendUpload } from '../support/hostile-uploads.ts'
import { memoryBytes, scratchFiles } from '../support/process-facts.ts'
import { startStack, type TestStack } from '../support/stack.ts'

/** What one upload may add to the memory of the API. */
const EXTRA_BYTES_MAX = 384e6
/** `npm run bench:uploads` sends gigabytes. */
const SIZES = { fileBytes: 12 * 1024 * 1024, unpackedBytes: 64e6 }

let stack: TestStack
let residentBytes: number
beforeAll(async () => {
  stack = await startStack({ queue: 'postgres' })
  // The first table of a process loads DuckDB.
  await makeClient(stack).createDataset('a,y\n1,p\n2,q\n')
  residentBytes = await memoryBytes(stack.process('api').pid, 'VmRSS')
})
afterAll(() => stack?.stop())

describe.each(hostileUploads(SIZES))('$name', (upload) => {
  it(`is answered ${upload.status}`, async () => {
    const { status, text } = await sendUpload(stack, upload)

    expect({ status, text }).toMatchObject({
      status: upload.status,
      text: upload.isCut ? '' : expect.stringMatching(upload.says),
    })
  })
})

it('answers the next request on the connection of an upload that was refused', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const headers = { authorization: `Bearer ${stack.apiKey}` }
  const send = async (method: string, more: Record<string, string>, body?: Uint8Array) => {
    const sent = request(`${stack.baseUrl}/v1/datasets`, {
      ...{ agent, method, headers: { ...headers, ...more } },
    })
    sent.end(body)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return { status: response.statusCode, text: await text(response), sent }
  }
  const damaged = Buffer.concat([Buffer.from('1f8b08', 'hex'), Buffer.alloc(1024 ** 2, 0xff)])

  const refused = await send('POST', { 'content-type': 'text/csv' }, damaged)
  const next = await send('GET', {})
  agent.destroy()

  expect(refused.status).toBe(422)
  expect(JSON.parse(refused.text).type).toBe(`${stack.baseUrl}/problems/invalid_data`)
  expect(next).toMatchObject({ status: 200, sent: { reusedSocket: true } })
})

it('has taken bounded memory for all of it', async () => {
  const peakBytes = await memoryBytes(stack.process('api').pid, 'VmHWM')

  expect(peakBytes - residentBytes).toBeLessThan(EXTRA_BYTES_MAX)
})

it('has left no row and no file', async () => {
  const { database } = stack.stores
  const left = async () => ({
    datasets: await database.dataset.count(),
    blobs: await database.blob.count(),
    chunks: await database.blobChunk.count(),
    ingests: await database.ingest.count(),
    files: (await scratchFiles(stack.process('api').pid)).length,
  })

  // Those of the good table of the beginning. A body that is cut has no answer to wait for.
  await expect
    .poll(left, { timeout: 20_000 })
    .toEqual({ datasets: 1, blobs: 1, chunks: 1, ingests: 0, files: 1 })
})
