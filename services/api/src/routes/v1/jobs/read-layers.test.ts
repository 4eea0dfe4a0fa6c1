import { layersListSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeEpochLayers } from '../../../../../../test/support/factories.ts'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
beforeAll(async () => {
  test = await buildTestApp()
})
afterAll(() => test.close())

const readLayers = (id: string) => test.send('GET', `/v1/jobs/${id}/layers`)

describe('200', () => {
  it('lists what was observed by epoch, of a job that still runs', async () => {
    const job = await test.insertJob()
    await test.report(await test.start(job), [1, 2, 3])

    const response = await readLayers(job.id)

    expect(response.statusCode).toBe(200)
    expect(layersListSchema.parse(response.json())).toEqual({
      object: 'list',
      data: [1, 2, 3].map((epoch) => makeEpochLayers(epoch)),
      has_more: false,
    })
  })

  it('lists nothing before the first epoch', async () => {
    const job = await test.insertJob()

    expect(layersListSchema.parse((await readLayers(job.id)).json()).data).toEqual([])
  })
})

describe('404', () => {
  it('answers for a job that is not there', async () => {
    const response = await readLayers('job_00000000000000000000000000')

    expect(response.statusCode).toBe(404)
    expect(toProblem(response).code).toBe('job_not_found')
  })
})
