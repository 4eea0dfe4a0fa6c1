import { spawnSync } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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

describe('a bundle', () => {
  it.each(['one', 'three'])(
    'of %s verifies itself with nothing but Node, and finds a changed file',
    async (name) => {
      const folder = await mkdtemp(join(tmpdir(), 'trainyard-bundle-test-'))
      const response = await get(name, '?format=bundle')
      for (const [path, content] of unzip(response.rawPayload)) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        await writeFile(join(folder, path), content)
      }
      const verify = () => spawnSync(process.execPath, [join(folder, 'verify.mjs')])

      const whole = verify()
      await appendFile(join(folder, 'model.onnx'), 'x')
      const broken = verify()

      expect(whole.stdout.toString()).toBe('verified: 8 records answered as by the server\n')
      expect(whole.status).toBe(0)
      expect(broken.stderr.toString()).toBe('model.onnx is not the file that was written\n')
      expect(broken.status).toBe(1)
      await rm(folder, { recursive: true })
    },
  )

  it('holds every format and what belongs to the model', async () => {
    const job = await test.start(await test.insertJob())
    await test.report(job, [1, 2])
    await test.finishWithWeights(job)
    const response = await test.send('GET', `/v1/jobs/${job.jobId}/weights?format=bundle`)

    expect([...unzip(response.rawPayload).keys()]).toEqual([
      'model-card.md',
      'signature.json',
      'config.json',
      'lineage.json',
      'curves.svg',
      'metrics.csv',
      'vectors.json',
      'verify.mjs',
      'model.mjs',
      'model.d.mts',
      'model.json',
      'model.safetensors',
      'torch.safetensors',
      'model.npz',
      'model.onnx',
      'tfjs/model.json',
      'tfjs/weights.bin',
      'SHA256SUMS',
    ])
    const again = await test.send('GET', `/v1/jobs/${job.jobId}/weights?format=bundle`)
    expect(again.rawPayload.equals(response.rawPayload)).toBe(true)
  })
})

describe('a model card', () => {
  it('tells what the model is, what was measured and where it comes from, as long as it is there', async () => {
    const job = await test.start(await test.insertJob())
    await test.report(job, [1, 2])
    await test.finishWithWeights(job)
    await create({ name: 'carded', job_id: job.jobId })
    const read = () => test.send('GET', '/v1/models/carded/versions/1/card')

    const card = await read()
    await test.send('DELETE', `/v1/jobs/${job.jobId}?purge=true`)
    const later = await read()

    expect(card.headers['content-type']).toBe('text/markdown; charset=utf-8')
    expect(card.body).toContain('# carded, version 1')
    expect(card.body).toContain('that tells 2 classes of y apart')
    expect(card.body).toContain('](data:image/svg+xml;base64,')
    expect(card.body).toContain('| a | number | yes | 0 to 1 |')
    expect(card.body).toContain(`| ${job.jobId} |`)
    expect(later.statusCode).toBe(200)
    expect(later.body).not.toContain('data:image')
    expect(later.body).toContain(`| ${job.jobId} |`)
  })

  it('cannot be broken by a name', async () => {
    const lease = await test.start(await test.insertJob({ name: '# <b>|' }))
    await test.finishWithWeights(lease)

    const { rawPayload } = await test.send('GET', `/v1/jobs/${lease.jobId}/weights?format=bundle`)

    const card = unzip(rawPayload).get('model-card.md')?.toString()
    expect(card?.split('\n')[0]).toBe('# \\# \\<b\\>\\|, best weights')
  })
})

describe('422', () => {
  it('says what a format has no words for', async () => {
    await create({
      name: 'stepped',
      weights: {
        format: 'trainyard/1',
        architecture: {
          inputs: 1,
          hidden: [],
          outputs: 1,
          output_activation: 'step',
          task: 'classification',
          classes: ['0', '1'],
        },
        layers: [{ weight: [[1]], bias: [0] }],
      },
    })

    const problem = toProblem(await get('stepped', '?format=tfjs'))

    expect([problem.code, problem.detail]).toEqual([
      'export_unsupported',
      'TensorFlow.js has no step activation; take onnx or esm, which have.',
    ])
    expect((await get('stepped', '?format=onnx')).statusCode).toBe(200)
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

/** Of an archive without compression, by its directory. */
function unzip(bytes: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  const end = bytes.length - 22
  let at = bytes.readUInt32LE(end + 16)
  while (at < end) {
    const offset = bytes.readUInt32LE(at + 42)
    const nameLength = bytes.readUInt16LE(at + 28)
    const start = offset + 30 + bytes.readUInt16LE(offset + 26)
    const name = bytes.subarray(at + 46, at + 46 + nameLength).toString()
    files.set(name, bytes.subarray(start, start + bytes.readUInt32LE(at + 24)))
    at += 46 + nameLength
  }
  return files
}
