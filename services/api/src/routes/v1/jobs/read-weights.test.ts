import { createHash } from 'node:crypto'
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

  it('writes names that PyTorch loads, and arrays that NumPy loads', async () => {
    const torch = await get('?format=safetensors&naming=torch')
    const npz = await get('?format=npz')

    const length = Number(torch.rawPayload.readBigUInt64LE(0))
    const header = JSON.parse(torch.rawPayload.subarray(8, 8 + length).toString())
    expect(Object.keys(header)).toEqual(['__metadata__', '0.weight', '0.bias'])
    expect(header.__metadata__.torch).toBe('nn.Sequential(nn.Linear(2, 1))')
    expect(npz.headers['content-type']).toBe('application/x-npz')
    expect(npz.rawPayload.subarray(0, 4).toString('latin1')).toBe('PK\x03\x04')
  })

  it('says the SHA-256 of what it sends', async () => {
    for (const query of ['?format=json', '?format=safetensors', '?format=npz']) {
      const response = await get(query)

      const hash = createHash('sha256').update(response.rawPayload)
      const hex = hash.copy().digest('hex')
      expect(response.headers['repr-digest']).toBe(`sha-256=:${hash.digest('base64')}:`)
      expect(response.headers.etag).toBe(`"${hex}"`)
      expect(Number(response.headers['content-length'])).toBe(response.rawPayload.length)
    }
  })

  it.each(['?format=json', '?format=safetensors', '?format=npz'])(
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

describe('206', () => {
  it('sends any part of a file, of text as of bytes', async () => {
    for (const query of ['', '?format=safetensors', '?format=npz']) {
      const whole = await get(query)
      const size = whole.rawPayload.length
      for (const [range, start, end] of [
        ['bytes=0-9', 0, 10],
        ['bytes=7-30', 7, 31],
        [`bytes=${size - 5}-`, size - 5, size],
        ['bytes=-3', size - 3, size],
      ] as const) {
        const part = await get(query, { range, 'if-range': String(whole.headers.etag) })

        expect(part.statusCode).toBe(206)
        expect(part.rawPayload.equals(whole.rawPayload.subarray(start, end))).toBe(true)
        expect(part.headers).toMatchObject({
          'content-range': `bytes ${start}-${end - 1}/${size}`,
          'content-length': String(end - start),
          'repr-digest': whole.headers['repr-digest'],
        })
      }
    }
  })

  it('is refused beyond the end', async () => {
    const response = await get('', { range: 'bytes=999999-' })

    expect(toProblem(response).code).toBe('range_not_satisfiable')
  })
})

describe('422', () => {
  it('refuses an option that means nothing for the format', async () => {
    expect(toProblem(await get('?naming=torch')).errors).toEqual([
      { parameter: 'naming', detail: 'means something for the format safetensors, not for json' },
    ])
    expect(toProblem(await get('?format=pickle')).errors?.[0]?.parameter).toBe('format')
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
