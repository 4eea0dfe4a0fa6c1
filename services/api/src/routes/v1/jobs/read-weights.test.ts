import { weightsDocumentSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
let jobId: string
beforeAll(async () => {
  test = await buildTestApp()
  const lease = await test.start(await test.insertJob())
  await test.finishWithWeights(lease)
  jobId = lease.jobId
})
afterAll(() => test.close())

const get = (query = '', headers: Record<string, string> = {}, method = 'GET') =>
  test.send(method, `/v1/jobs/${jobId}/weights${query}`, { headers })

describe('200', () => {
  it('writes numbers a person can read', async () => {
    const response = await get()

    const document = weightsDocumentSchema.parse(response.json())
    expect(document.layers).toEqual([{ weight: [[-4, 4]], bias: [0] }])
    expect(document.architecture.classes).toEqual(['no', 'yes'])
    expect(response.headers['content-disposition']).toBe(
      `attachment; filename="${jobId}-best.json"`,
    )
  })

  it('writes safetensors of the announced length', async () => {
    const response = await get('?format=safetensors&which=last')

    const bytes = response.rawPayload
    const headerLength = Number(bytes.readBigUInt64LE(0))
    const header = JSON.parse(bytes.subarray(8, 8 + headerLength).toString())
    const data = bytes.subarray(8 + headerLength)
    expect(response.headers['content-type']).toBe('application/octet-stream')
    expect(Number(response.headers['content-length'])).toBe(bytes.length)
    expect(header['layers.0.weight']).toEqual({ dtype: 'F32', shape: [1, 2], data_offsets: [0, 8] })
    expect([data.readFloatLE(0), data.readFloatLE(4), data.readFloatLE(8)]).toEqual([-4, 4, 0])
    expect(header.__metadata__).toMatchObject({ job_id: jobId, epoch: '10' })
    expect(header.__metadata__.dataset_sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each(['?format=json', '?format=safetensors'])(
    'answers HEAD of %s like GET without a body',
    async (query) => {
      const [whole, head] = [await get(query), await get(query, {}, 'HEAD')]

      expect(head.statusCode).toBe(200)
      expect(head.body).toBe('')
      for (const name of ['etag', 'content-type', 'content-disposition', 'content-length']) {
        expect(head.headers[name]).toBe(whole.headers[name])
      }
    },
  )
})

describe('304', () => {
  it.each([(tag: string) => tag, (tag: string) => `"other", W/${tag}`, () => '*'])(
    'sends nothing to who has them (%#)',
    async (toHeader) => {
      const etag = String((await get()).headers.etag)

      const response = await get('', { 'if-none-match': toHeader(etag) })

      expect(response.statusCode).toBe(304)
      expect(response.body).toBe('')
      expect(response.headers.etag).toBe(etag)
    },
  )

  it('sends what another format or another tag does not mean', async () => {
    const etag = String((await get()).headers.etag)

    expect((await get('?format=safetensors', { 'if-none-match': etag })).statusCode).toBe(200)
    expect((await get('', { 'if-none-match': '"other"' })).statusCode).toBe(200)
  })
})

describe('404', () => {
  it('says why there are none', async () => {
    const queued = await test.insertJob()
    const failed = await test.start(await test.insertJob())
    await test.finish(failed, { status: 'failed', stopReason: null, best: null, final: null })

    const early = toProblem(await test.send('GET', `/v1/jobs/${queued.id}/weights`))
    const never = toProblem(await test.send('GET', `/v1/jobs/${failed.jobId}/weights`))

    expect(early).toMatchObject({
      code: 'weights_not_found',
      detail: 'The job is queued; its weights are there when it has ended.',
    })
    expect(never.detail).toBe('The job has failed without weights.')
  })
})
