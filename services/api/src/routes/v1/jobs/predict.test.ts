import { predictionSchema } from '@trainyard/contracts'
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

const predict = (body: unknown) => test.send('POST', `/v1/jobs/${jobId}/predict`, { body })

describe('200', () => {
  it('predicts records by the names of their columns', async () => {
    const response = await predict({
      records: [
        { a: 0, b: 1 },
        { b: 0, a: 1 },
      ],
    })

    const { predictions, which } = predictionSchema.parse(response.json())
    expect(which).toBe('best')
    expect(predictions.map(({ label }) => label)).toEqual(['yes', 'no'])
    expect(predictions[0]?.probabilities?.yes).toBeCloseTo(1 / (1 + Math.exp(-4)), 6)
  })

  it('predicts rows, with the outputs asked for', async () => {
    const response = await predict({ rows: [[0, 1]], outputs: ['logits'], which: 'last' })

    expect(predictionSchema.parse(response.json()).predictions).toEqual([{ logits: [4] }])
  })

  it('predicts many rows on a thread as it does few', async () => {
    const rows = Array.from({ length: 500 }, (_, i) => [i % 2, (i + 1) % 2])

    const { predictions } = predictionSchema.parse((await predict({ rows })).json())

    expect(predictions.map(({ label }) => label)).toEqual(
      rows.map(([a]) => (a === 0 ? 'yes' : 'no')),
    )
  })
})

describe('404', () => {
  it('needs weights', async () => {
    const { id } = await test.insertJob()

    const response = await test.send('POST', `/v1/jobs/${id}/predict`, { body: { rows: [[1, 2]] } })

    expect(toProblem(response).code).toBe('weights_not_found')
  })
})

describe('422', () => {
  it.each([1, 100])('names a missing column of %i records', async (count) => {
    const response = await predict({ records: Array(count).fill({ a: 1 }) })

    const { code, errors } = toProblem(response)
    expect(code).toBe('invalid_data')
    expect(errors?.[0]).toMatchObject({ pointer: '#/records/0/b' })
  })

  it('refuses a body that is neither records nor rows', async () => {
    expect(toProblem(await predict({ record: [] })).code).toBe('validation_error')
  })
})
