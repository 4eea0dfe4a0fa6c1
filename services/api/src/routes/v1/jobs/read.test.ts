import { jobSchema, listSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../../../../../test/support/wait-for.ts'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
let looks = 0
beforeAll(async () => {
  test = await buildTestApp({
    deps: ({ jobs }) => ({
      jobs: {
        ...jobs,
        find: (projectId, id) => jobs.find(projectId, id).finally(() => (looks += 1)),
      },
    }),
  })
})
afterAll(() => test.close())

/** A long poll that has looked twice: what happens from now on is what it waits for. */
async function startWaiting(id: string) {
  const before = looks
  const waiting = test.send('GET', `/v1/jobs/${id}?wait=30`)
  await waitFor('the long poll to wait', () => looks >= before + 2)
  return { response: waiting }
}

describe('200', () => {
  it('waits until the job changes, and no longer', async () => {
    const job = await test.insertJob()
    const waiting = await startWaiting(job.id)

    await test.start(job)

    expect(jobSchema.parse((await waiting.response).json()).status).toBe('running')
  })

  it('sees a change whose pulse was lost', async () => {
    const job = await test.insertJob()
    const waiting = await startWaiting(job.id)

    await test.stores.leases.claim(job.id, 'a worker')

    expect((await waiting.response).json().status).toBe('running')
  })

  it('waits for the next epoch of a running job', async () => {
    const lease = await test.start(await test.insertJob())
    const waiting = await startWaiting(lease.jobId)

    await test.report(lease, [1, 2])

    expect((await waiting.response).json().epoch).toBe(2)
  })

  it('answers at the end of the time with the job as it is', async () => {
    const job = await test.insertJob()

    const response = await test.send('GET', `/v1/jobs/${job.id}?wait=0.05`)

    expect(response.json().status).toBe('queued')
  })

  it('answers at once when the job has ended', async () => {
    const lease = await test.start(await test.insertJob())
    await test.finish(lease)

    const response = await test.send('GET', `/v1/jobs/${lease.jobId}?wait=60`)

    expect(response.json()).toMatchObject({ status: 'succeeded', progress: 1 })
  })

  it('pages through a list both ways without a gap', async () => {
    const status = 'cancelled'
    const made: string[] = []
    for (let i = 0; i < 5; i++) {
      const { id } = await test.insertJob()
      await test.send('POST', `/v1/jobs/${id}/cancel`)
      made.unshift(id)
    }

    const list = async (query: string) =>
      listSchema(jobSchema).parse(
        (await test.send('GET', `/v1/jobs?status=${status}&limit=2&${query}`)).json(),
      )
    const first = await list('')
    const second = await list(`after=${first.last_id}`)
    const third = await list(`after=${second.last_id}`)
    const back = await list(`before=${third.first_id}`)

    expect([...first.data, ...second.data, ...third.data].map(({ id }) => id)).toEqual(made)
    expect([first.has_more, second.has_more, third.has_more]).toEqual([true, true, false])
    expect(back.data).toEqual(second.data)
  })
})

describe('404', () => {
  it('knows nothing of a deleted job', async () => {
    const { id } = await test.insertJob()
    await test.send('POST', `/v1/jobs/${id}/cancel`)

    const headers = { 'content-type': 'application/json' }
    const deleted = await test.send('DELETE', `/v1/jobs/${id}`, { body: '', headers })

    expect(deleted.statusCode).toBe(204)
    expect(deleted.body).toBe('')
    expect(toProblem(await test.send('GET', `/v1/jobs/${id}`)).code).toBe('job_not_found')
    expect((await test.send('DELETE', `/v1/jobs/${id}?purge=true`)).statusCode).toBe(204)
  })
})

describe('409', () => {
  it('does not delete a job that is not at its end', async () => {
    const { id } = await test.insertJob()

    const problem = toProblem(await test.send('DELETE', `/v1/jobs/${id}`))

    expect(problem).toMatchObject({
      status: 409,
      code: 'illegal_transition',
      allowed: ['cancel', 'pause', 'clone'],
    })
  })
})

describe('422', () => {
  it.each(['61', '-1', 'soon'])('refuses to wait %s seconds', async (wait) => {
    const { id } = await test.insertJob()

    const problem = toProblem(await test.send('GET', `/v1/jobs/${id}?wait=${wait}`))

    expect(problem.errors?.[0]?.parameter).toBe('wait')
  })
})
