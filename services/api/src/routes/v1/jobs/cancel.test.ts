import { jobSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, SUCCEEDED, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
const asked: string[] = []
beforeAll(async () => {
  test = await buildTestApp()
  test.pulse.onStopAsked((jobId, how) => asked.push(`${how} ${jobId}`))
})
afterAll(() => test.close())

const cancel = (id: string, body?: unknown, headers: Record<string, string> = {}) =>
  test.send('POST', `/v1/jobs/${id}/cancel`, { body, headers })

describe('200', () => {
  it('cancels a queued job at once, however often', async () => {
    const { id } = await test.insertJob()

    const [first, second] = [await cancel(id), await cancel(id, { mode: 'graceful' })]

    expect(jobSchema.parse(first.json())).toMatchObject({
      status: 'cancelled',
      stop_reason: 'cancelled',
    })
    expect(second.json()).toEqual(first.json())
    expect([first.statusCode, second.statusCode]).toEqual([200, 200])
  })

  it('takes an empty body whatever its media type', async () => {
    const { id } = await test.insertJob()

    expect((await cancel(id, '', { 'content-type': 'application/json' })).statusCode).toBe(200)
  })
})

describe('200 by force', () => {
  it('ends a running job before it answers, and its worker can write nothing more', async () => {
    const lease = await test.start(await test.insertJob())

    const response = await cancel(lease.jobId, { mode: 'force' })

    const answers = [
      await test.stores.leases.report(lease, null),
      await test.stores.leases.finish(lease, SUCCEEDED),
    ]
    expect(response.statusCode).toBe(200)
    expect(jobSchema.parse(response.json())).toMatchObject({
      status: 'cancelled',
      stop_reason: 'cancelled',
    })
    expect(asked).toContain(`force ${lease.jobId}`)
    expect(answers).toEqual(['fenced', 'fenced'])
  })

  it('ends a job that is about to be cancelled', async () => {
    const lease = await test.start(await test.insertJob())
    await cancel(lease.jobId)

    const response = await cancel(lease.jobId, { mode: 'force' })

    expect([response.statusCode, response.json().status]).toEqual([200, 'cancelled'])
  })
})

describe('202', () => {
  it('asks the worker of a running job', async () => {
    const lease = await test.start(await test.insertJob())

    const response = await cancel(lease.jobId)

    expect(response.statusCode).toBe(202)
    expect(response.json().status).toBe('cancelling')
    expect(asked).toContain(`cancel ${lease.jobId}`)
  })
})

describe('409', () => {
  it('does not cancel what has ended', async () => {
    const lease = await test.start(await test.insertJob())
    await test.finish(lease)

    expect(toProblem(await cancel(lease.jobId))).toMatchObject({
      status: 409,
      code: 'illegal_transition',
      allowed: ['clone', 'fork', 'verify', 'delete'],
      job_status: 'succeeded',
    })
  })
})

describe('422', () => {
  it('knows no third mode', async () => {
    const { id } = await test.insertJob()

    expect(toProblem(await cancel(id, { mode: 'later' })).errors?.[0]?.pointer).toBe('#/mode')
  })
})
