import { ensembleDocumentSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
let jobId: string
beforeAll(async () => {
  test = await buildTestApp()
  const lease = await test.start(await test.insertJob())
  await test.finishWithWeights(lease)
  jobId = lease.jobId
  await create({ name: 'one', job_id: jobId })
  await create({ name: 'three', members: [1, 2, 3].map(() => ({ job_id: jobId })) })
})
afterAll(() => test.close())

const create = (body: object) => test.send('POST', '/v1/models', { body })
const get = (name: string, query = '', headers = {}) =>
  test.send('GET', `/v1/models/${name}/versions/latest/weights${query}`, { headers })

describe('a version', () => {
  it('is the same file as its job, but for the facts', async () => {
    const [ofJob, ofVersion] = [
      await test.send('GET', `/v1/jobs/${jobId}/weights`),
      await get('one'),
    ]

    expect(ofVersion.rawPayload.equals(ofJob.rawPayload)).toBe(true)
    expect(ofVersion.headers['content-disposition']).toBe('attachment; filename="one-1.json"')
    const safetensors = await get('one', '?format=safetensors')
    const length = Number(safetensors.rawPayload.readBigUInt64LE(0))
    const header = JSON.parse(safetensors.rawPayload.subarray(8, 8 + length).toString())
    expect(header.__metadata__).toMatchObject({ model: 'one', version: '1', job_id: jobId })
  })

  it('that is deleted has no weights from then on', async () => {
    await create({ name: 'gone', job_id: jobId })
    const { etag } = (await get('gone')).headers
    await test.send('DELETE', '/v1/models/gone')

    const response = await get('gone', '', { 'if-none-match': etag })

    expect(toProblem(response).code).toBe('model_not_found')
  })
})

describe('an ensemble', () => {
  it('is one document of all its members, and imported again is the same to the bit', async () => {
    const response = await get('three')

    const document = ensembleDocumentSchema.parse(response.json())
    expect(document.members).toHaveLength(3)
    const back = await create({ name: 'back', weights: response.json() })
    const before = await test.send('GET', '/v1/models/three/versions/1')
    expect(back.json()).toMatchObject({ kind: 'ensemble', sha256: before.json().sha256 })
    expect((await get('back')).rawPayload.equals(response.rawPayload)).toBe(true)
  })

  it('has the tensors of all members in one file', async () => {
    const { rawPayload } = await get('three', '?format=safetensors')

    const header = JSON.parse(
      rawPayload.subarray(8, 8 + Number(rawPayload.readBigUInt64LE(0))).toString(),
    )
    expect(Object.keys(header)).toContain('members.2.layers.0.bias')
    expect(JSON.parse(header.__metadata__.members)).toHaveLength(3)
  })
})
