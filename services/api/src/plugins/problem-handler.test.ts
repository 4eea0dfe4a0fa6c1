/** What leaves the process when something goes wrong, seen by a client that is still sending. */
import type { AddressInfo } from 'node:net'
import { problemSchema } from '@trainyard/contracts'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../test-app.fixture.ts'
import { REDACTED } from './request-log.ts'

let test: TestApp
const lines: string[] = []
beforeAll(async () => {
  const log = pino({ redact: REDACTED }, { write: (line) => lines.push(line) })
  test = await buildTestApp({
    deps: ({ jobs }) => ({
      log,
      jobs: {
        ...jobs,
        list: () => {
          throw new Error('relation "hidden_table" does not exist')
        },
      },
    }),
  })
  await test.app.listen({ port: 0 })
})
afterAll(() => test.close())

const send = (path: string, init: RequestInit) =>
  fetch(`http://127.0.0.1:${(test.app.server.address() as AddressInfo).port}${path}`, {
    method: 'POST',
    ...init,
    headers: { authorization: `Bearer ${test.first.text}`, ...init.headers },
  })

describe('500', () => {
  it('tells the log everything and the caller nothing', async () => {
    const response = await test.send('GET', '/v1/jobs', { headers: { cookie: 'session=hush' } })

    const problem = toProblem(response)
    const log = lines.join('')
    expect(problem).toMatchObject({ status: 500, code: 'internal', retryable: true })
    expect(response.body).not.toMatch(/hidden_table|\.ts|at /)
    expect(log).toContain('hidden_table')
    expect(log).toContain(problem.request_id)
    expect(log).not.toContain(test.first.text)
    expect(log).not.toContain('hush')
  })
})

describe('a client that is still sending', () => {
  it('hears that its JSON is too large', async () => {
    const response = await send('/v1/jobs', {
      body: `"${'x'.repeat(5_000_000)}"`,
      headers: { 'content-type': 'application/json' },
    })

    expect(response.status).toBe(413)
    expect(problemSchema.parse(await response.json()).code).toBe('payload_too_large')
  })

  it('hears that its key is not valid', async () => {
    const response = await send('/v1/datasets', {
      body: 'a,b\n'.repeat(1_000_000),
      headers: { 'content-type': 'text/csv', authorization: 'Bearer none' },
    })

    expect(response.status).toBe(401)
  })
})

describe('the type of a problem', () => {
  it('leads to its page', async () => {
    const { type } = toProblem(await test.send('GET', '/v1/jobs/job_none'))

    const page = await test.app.inject(new URL(type).pathname)

    expect(page.json()).toEqual({
      code: 'job_not_found',
      status: 404,
      title: 'No such job',
      retryable: false,
      remedy: expect.stringMatching(/^[A-Z].*\.$/),
    })
    expect(toProblem(await test.app.inject('/problems/constructor')).code).toBe('not_found')
  })
})

describe('405', () => {
  it('says which methods there are', async () => {
    const response = await test.send('PATCH', '/v1/jobs/job_x')

    expect(toProblem(response).allowed).toEqual(['GET', 'HEAD', 'DELETE'])
    expect(response.headers.allow).toBe('GET, HEAD, DELETE')
  })
})
