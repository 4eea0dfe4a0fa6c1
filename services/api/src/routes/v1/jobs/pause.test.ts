import { eventSchema, jobSchema, listSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
const asked: string[] = []
let queued = 0
beforeAll(async () => {
  test = await buildTestApp()
  test.pulse.onStopAsked((jobId, how) => asked.push(`${how} ${jobId}`))
  test.pulse.onJobQueued(() => {
    queued += 1
  })
})
afterAll(() => test.close())

const ask = (action: 'pause' | 'resume' | 'cancel', id: string) =>
  test.send('POST', `/v1/jobs/${id}/${action}`)

async function eventsOf(id: string): Promise<string[]> {
  const list = listSchema(eventSchema).parse(
    (await test.send('GET', `/v1/jobs/${id}/events`)).json(),
  )
  return list.data.map(({ type }) => type)
}

/** Running, asked to pause, and given back. */
async function insertPaused(): Promise<string> {
  const lease = await test.start(await test.insertJob())
  await ask('pause', lease.jobId)
  await test.stores.leases.release(lease, 'drained')
  return lease.jobId
}

describe('pause', () => {
  it('answers 200 for a queued job, which waits from then on, however often', async () => {
    const { id } = await test.insertJob()

    const [first, second] = [await ask('pause', id), await ask('pause', id)]

    expect([first.statusCode, second.statusCode]).toEqual([200, 200])
    expect(jobSchema.parse(first.json())).toMatchObject({ status: 'paused', queue: null })
    expect(second.json()).toEqual(first.json())
    expect(await test.stores.leases.claim(first.json().id, 'a worker')).toBeNull()
    expect(await eventsOf(id)).toEqual(['job.created', 'job.paused'])
  })

  it('answers 202 for a running job until its worker has given it back', async () => {
    const lease = await test.start(await test.insertJob())

    const [first, second] = [await ask('pause', lease.jobId), await ask('pause', lease.jobId)]
    const answer = await test.stores.leases.report(lease, null)
    await test.stores.leases.release(lease, 'drained')
    const third = await ask('pause', lease.jobId)

    expect([first, second, third].map((reply) => [reply.statusCode, reply.json().status])).toEqual([
      [202, 'pausing'],
      [202, 'pausing'],
      [200, 'paused'],
    ])
    expect(asked).toContain(`pause ${lease.jobId}`)
    expect(answer).toBe('pause')
    expect(await eventsOf(lease.jobId)).toEqual([
      ...['job.created', 'job.started', 'job.pausing', 'job.paused'],
    ])
  })

  it('comes too late for a job that has done its work by then', async () => {
    const lease = await test.start(await test.insertJob())
    await ask('pause', lease.jobId)

    await test.finish(lease)

    const refused = toProblem(await ask('pause', lease.jobId))
    expect(refused).toMatchObject({ status: 409, job_status: 'succeeded' })
  })

  it('gives way to a cancel', async () => {
    const lease = await test.start(await test.insertJob())
    await ask('pause', lease.jobId)

    const cancel = await ask('cancel', lease.jobId)
    const released = await test.stores.leases.release(lease, 'drained')

    expect([cancel.statusCode, cancel.json().status]).toEqual([202, 'cancelling'])
    expect(released).toBe('fenced')
    expect(toProblem(await ask('pause', lease.jobId))).toMatchObject({
      status: 409,
      code: 'illegal_transition',
      job_status: 'cancelling',
      allowed: ['cancel', 'clone', 'fork'],
    })
  })
})

describe('resume', () => {
  it('queues a paused job again, and tells the scheduler', async () => {
    const id = await insertPaused()
    const before = queued

    const [first, second] = [await ask('resume', id), await ask('resume', id)]

    expect([first.statusCode, second.statusCode]).toEqual([200, 200])
    expect(first.json()).toMatchObject({
      status: 'queued',
      queue: { position: expect.any(Number) },
    })
    expect(second.json().status).toBe('queued')
    expect(queued).toBeGreaterThan(before)
    expect((await eventsOf(id)).at(-1)).toBe('job.resumed')
    expect(await test.stores.leases.claim(first.json().id, 'another')).toMatchObject({ attempt: 2 })
  })

  it('is refused while the job still pauses, and when it has ended', async () => {
    const lease = await test.start(await test.insertJob())
    await ask('pause', lease.jobId)

    const pausing = toProblem(await ask('resume', lease.jobId))
    await test.finish(lease)
    const ended = toProblem(await ask('resume', lease.jobId))

    expect(pausing).toMatchObject({ status: 409, job_status: 'pausing' })
    expect(ended).toMatchObject({ status: 409, job_status: 'succeeded' })
  })

  it('is not needed for a paused job to be cancelled', async () => {
    const id = await insertPaused()

    const cancel = await ask('cancel', id)

    expect([cancel.statusCode, cancel.json().status]).toEqual([200, 'cancelled'])
    expect(toProblem(await ask('resume', id)).job_status).toBe('cancelled')
  })
})
