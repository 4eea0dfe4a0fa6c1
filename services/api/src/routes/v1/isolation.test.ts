/** Another project's id answers exactly like one that never was. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp } from '../../test-app.fixture.ts'
import { makeSweepSpec } from './sweeps/sweep-spec.fixture.ts'

let test: TestApp
const ids = { job: '', dataset: '', sweep: '', batch_prediction: '' }
beforeAll(async () => {
  test = await buildTestApp()
  const job = await test.insertJob()
  Object.assign(ids, { job: job.id, dataset: job.dataset_id })
  await test.finishWithWeights(await test.start(job))
  const sweep = await test.send('POST', '/v1/sweeps', { body: makeSweepSpec(job.dataset_id) })
  ids.sweep = sweep.json().id
  await test.send('POST', '/v1/models', { body: { name: 'mine', job_id: job.id } })
  const body = { model: 'mine', dataset_id: job.dataset_id }
  ids.batch_prediction = (await test.send('POST', '/v1/batch_predictions', { body })).json().id
})
afterAll(() => test.close())

const ROUTES: [
  method: string,
  path: (id: string) => string,
  noun: keyof typeof ids,
  body?: unknown,
][] = [
  ['GET', (id) => `/v1/jobs/${id}`, 'job'],
  ['GET', (id) => `/v1/jobs/${id}?wait=1`, 'job'],
  ['GET', (id) => `/v1/jobs/${id}/events`, 'job'],
  ['GET', (id) => `/v1/jobs/${id}/metrics`, 'job'],
  ['GET', (id) => `/v1/jobs/${id}/curves.svg`, 'job'],
  ['GET', (id) => `/v1/jobs/${id}/layers`, 'job'],
  ['GET', (id) => `/v1/jobs/${id}/diagnosis`, 'job'],
  ['GET', (id) => `/v1/jobs/${id}/split`, 'job'],
  ['GET', (id) => `/v1/jobs/${id}/weights`, 'job'],
  ['POST', (id) => `/v1/jobs/${id}/predict`, 'job', { rows: [[1, 2]] }],
  ['POST', (id) => `/v1/jobs/${id}/cancel`, 'job'],
  ['POST', (id) => `/v1/jobs/${id}/pause`, 'job'],
  ['POST', (id) => `/v1/jobs/${id}/resume`, 'job'],
  ['POST', (id) => `/v1/jobs/${id}/retry`, 'job'],
  ['POST', (id) => `/v1/jobs/${id}/verify`, 'job'],
  ['POST', (id) => `/v1/jobs/${id}/clone`, 'job', {}],
  ['POST', (id) => `/v1/jobs/${id}/fork`, 'job', {}],
  ['GET', (id) => `/v1/jobs/${id}/checkpoints`, 'job'],
  ['GET', (id) => `/v1/jobs/${id}/checkpoints/ckpt_1`, 'job'],
  ['DELETE', (id) => `/v1/jobs/${id}?purge=true`, 'job'],
  ['GET', (id) => `/v1/sweeps/${id}`, 'sweep'],
  ['GET', (id) => `/v1/sweeps/${id}?wait=1`, 'sweep'],
  ['GET', (id) => `/v1/sweeps/${id}/trials`, 'sweep'],
  ['GET', (id) => `/v1/sweeps/${id}/events`, 'sweep'],
  ['GET', (id) => `/v1/sweeps/${id}/importance`, 'sweep'],
  ['GET', (id) => `/v1/sweeps/${id}/replay`, 'sweep'],
  ['GET', (id) => `/v1/sweeps/${id}/parallel.svg`, 'sweep'],
  ['POST', (id) => `/v1/sweeps/${id}/cancel`, 'sweep'],
  ['POST', (id) => `/v1/sweeps/${id}/pause`, 'sweep'],
  ['POST', (id) => `/v1/sweeps/${id}/trials/0/retry`, 'sweep'],
  ['POST', (id) => `/v1/sweeps/${id}/promote`, 'sweep', { name: 'mine' }],
  ['POST', (id) => `/v1/sweeps/${id}/ensemble`, 'sweep', { name: 'mine' }],
  ['PATCH', (id) => `/v1/sweeps/${id}`, 'sweep', { max_trials: 100 }],
  ['GET', (id) => `/v1/batch_predictions/${id}`, 'batch_prediction'],
  ['GET', (id) => `/v1/batch_predictions/${id}?wait=1`, 'batch_prediction'],
  ['GET', (id) => `/v1/batch_predictions/${id}/events`, 'batch_prediction'],
  ['POST', (id) => `/v1/batch_predictions/${id}/cancel`, 'batch_prediction'],
  ['GET', (id) => `/v1/datasets/${id}`, 'dataset'],
  ['GET', (id) => `/v1/datasets/${id}/rows`, 'dataset'],
  ['GET', (id) => `/v1/datasets/${id}/download`, 'dataset'],
  ['DELETE', (id) => `/v1/datasets/${id}`, 'dataset'],
]
const STREAM = { accept: 'text/event-stream' }

describe.each(ROUTES)('%s %s', (method, path, noun, body) => {
  it('answers another project byte for byte like a missing id', async () => {
    const missing = ids[noun].replace(/.{6}$/, '000000')
    const ask = (id: string, headers: Record<string, string> = {}) =>
      test.send(method, path(id), {
        body,
        key: test.second.text,
        headers: { ...headers, 'x-request-id': 'same' },
      })

    for (const headers of [{}, STREAM]) {
      const [foreign, unknown] = [await ask(ids[noun], headers), await ask(missing, headers)]

      expect(foreign.statusCode).toBe(404)
      expect(foreign.rawPayload.equals(unknown.rawPayload)).toBe(true)
      expect({ ...foreign.headers, date: '' }).toEqual({ ...unknown.headers, date: '' })
    }
  })
})

it.each([
  ['/v1/jobs', 'dataset', (id: string) => ({ dataset_id: id })],
  ['/v1/sweeps', 'dataset', (id: string) => makeSweepSpec(id)],
  ['/v1/sweeps/preview', 'dataset', (id: string) => makeSweepSpec(id)],
  ['/v1/augmentation_preview', 'dataset', (id: string) => ({ dataset_id: id })],
  ['/v1/gradient_check', 'dataset', (id: string) => ({ dataset_id: id })],
  ['/v1/trace', 'job', (id: string) => ({ job_id: id, sample: { record: { a: 1, b: 2 } } })],
] as const)('does the same for ids in bodies of %s', async (path, noun, makeBody) => {
  const ask = (id: string) =>
    test.send('POST', path, {
      body: makeBody(id),
      key: test.second.text,
      headers: { 'x-request-id': 'same' },
    })

  const [foreign, unknown] = [await ask(ids[noun]), await ask(ids[noun].replace(/.{6}$/, '000000'))]

  expect(foreign.statusCode).toBe(404)
  expect(foreign.body).toBe(unknown.body)
})

it('lists nothing of another project, and knows none of its cursors', async () => {
  const list = await test.send('GET', '/v1/jobs', { key: test.second.text })
  const page = await test.send('GET', `/v1/jobs?after=${ids.job}`, { key: test.second.text })

  expect(list.json().data).toEqual([])
  expect(page.json().code).toBe('invalid_cursor')
})

it('leaves what it did not show where it was', async () => {
  expect((await test.send('GET', `/v1/jobs/${ids.job}`)).statusCode).toBe(200)
  expect((await test.send('GET', `/v1/datasets/${ids.dataset}`)).statusCode).toBe(200)
})
