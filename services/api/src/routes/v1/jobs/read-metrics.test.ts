import { metricsListSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeEpochMetrics } from '../../../../../../test/support/factories.ts'
import { buildTestApp, type TestApp } from '../../../test-app.fixture.ts'

let test: TestApp
let jobId: string
beforeAll(async () => {
  test = await buildTestApp()
  const lease = await test.start(await test.insertJob({ name: '<script>&"' }))
  const metrics = Array.from({ length: 50 }, (_, i) =>
    makeEpochMetrics(i + 1, { val_loss: 2 / (i + 1), val_accuracy: i / 50 }),
  )
  metrics[20] = makeEpochMetrics(21, { train_loss: null, non_finite: { train_loss: 'inf' } })
  await test.finishWithWeights(lease, metrics)
  jobId = lease.jobId
})
afterAll(() => test.close())

const get = (path: string) => test.send('GET', `/v1/jobs/${jobId}/${path}`)

describe('200', () => {
  it('lists all epochs, with the word for what is no number', async () => {
    const list = metricsListSchema.parse((await get('metrics')).json())

    expect(list.data.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
    expect(list.data[2]?.train_loss).toBe(1 / 3)
    expect(list.data[20]).toMatchObject({ train_loss: null, non_finite: { train_loss: 'inf' } })
  })

  it('thins to max_points and says how many there are', async () => {
    const list = metricsListSchema.parse((await get('metrics?max_points=12')).json())

    expect(list.data.length).toBeLessThanOrEqual(12)
    expect(list.total_epochs).toBe(50)
    expect(list.data.map(({ epoch }) => epoch)).toEqual(expect.arrayContaining([1, 10, 50]))
  })

  it('writes CSV', async () => {
    const response = await get('metrics?format=csv')

    const lines = response.body.split('\r\n')
    expect(response.headers['content-type']).toBe('text/csv; charset=utf-8')
    expect(lines[0]).toMatch(/^epoch,step,train_loss,/)
    expect(lines[3]).toMatch(/^3,3,0\.3333333333333333,/)
    expect(lines[21]).toMatch(/^21,21,inf,/)
    expect(lines.length).toBe(52)
  })

  it.each(['light', 'dark'])('draws curves for a %s page', async (theme) => {
    const response = await get(`curves.svg?theme=${theme}`)

    expect(response.headers['content-type']).toBe('image/svg+xml; charset=utf-8')
    expect(response.body).toMatch(/^<svg [^>]*role="img"/)
    expect(response.body).toContain(
      '<title id="title">Training curves of &lt;script&gt;&amp;&quot;</title>',
    )
    expect(response.body).not.toContain('<script')
  })

  it('draws a job that has no epochs yet', async () => {
    const { id } = await test.insertJob()

    expect((await test.send('GET', `/v1/jobs/${id}/curves.svg`)).body).toContain('No epochs yet')
  })
})
