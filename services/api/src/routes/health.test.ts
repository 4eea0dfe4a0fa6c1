import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { livenessSchema, problemSchema, readinessSchema } from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../test-app.fixture.ts'

let test: TestApp
let isDown = false
let isFrozen = false
const frozen = new Promise<never>(() => undefined)
/** Fails as the store does when Postgres is away, or hangs as a frozen one. */
const orDown = <Result>(work: () => Promise<Result>): Promise<Result> => {
  if (isFrozen) return frozen
  return isDown ? Promise.reject(new DomainError('unavailable')) : work()
}
beforeAll(async () => {
  test = await buildTestApp({
    settings: { requestTimeoutMs: 300 },
    deps: ({ jobs, pingDatabase }) => ({
      pingDatabase: () => orDown(pingDatabase),
      jobs: {
        ...jobs,
        list: (projectId, page) => orDown(() => jobs.list(projectId, page)),
        countByStatus: () => orDown(() => jobs.countByStatus()),
      },
    }),
  })
  await test.app.listen({ port: 0 })
})
afterAll(() => test.close())

const get = (url: string) => test.send('GET', url, { key: null })

describe('with Postgres', () => {
  it('is alive and ready', async () => {
    expect(livenessSchema.parse((await get('/livez')).json())).toEqual({ status: 'ok' })
    expect(readinessSchema.parse((await get('/readyz')).json())).toEqual({
      status: 'ready',
      postgres: 'ok',
      queue: 'ok',
      version: '0.0.0',
    })
  })

  it('counts requests by the template of their route', async () => {
    await test.insertJob()
    await test.send('GET', '/v1/jobs/job_none')

    const { body } = await get('/metrics')

    expect(body).toMatch(
      /trainyard_http_requests_total{method="GET",route="\/v1\/jobs\/:id",status="404"} 1/,
    )
    expect(body).toMatch(/trainyard_jobs{status="queued"} 1/)
    expect(body).toMatch(/trainyard_build_info{version="0.0.0",commit="test"} 1/)
    expect(body).not.toContain('job_none')
  })
})

describe.each(['down', 'frozen'])('with Postgres %s', (state) => {
  beforeAll(() => {
    isDown = state === 'down'
    isFrozen = state === 'frozen'
  })
  afterAll(() => {
    isDown = false
    isFrozen = false
  })

  it('answers 503 within two seconds, and says when to come back', async () => {
    const startedMs = performance.now()

    const response = await test.send('GET', '/v1/jobs')

    expect(toProblem(response)).toMatchObject({ status: 503, code: 'unavailable', retryable: true })
    expect(response.headers['retry-after']).toBe('5')
    expect(performance.now() - startedMs).toBeLessThan(2000)
  })

  it('is alive but not ready, and still shows its metrics', async () => {
    const ready = await get('/readyz')

    expect(ready.statusCode).toBe(503)
    expect(readinessSchema.parse(ready.json())).toMatchObject({
      status: 'not_ready',
      postgres: 'down',
    })
    expect((await get('/livez')).statusCode).toBe(200)
    expect((await get('/metrics')).body).toContain('trainyard_build_info')
  })
})

describe('every response', () => {
  it('echoes a request id that can be echoed, and makes one otherwise', async () => {
    const ask = (id: string) =>
      test.send('GET', '/livez', { key: null, headers: { 'x-request-id': id } })

    expect((await ask('mine-1')).headers['x-request-id']).toBe('mine-1')
    expect((await ask('has space')).headers['x-request-id']).toMatch(/^req_[0-9a-f-]{36}$/)
    expect((await ask('x'.repeat(200))).headers['x-request-id']).toMatch(/^req_/)
  })

  it('carries the same guards', async () => {
    for (const url of ['/livez', '/v1/jobs', '/v1/nothing', '/v1/jobs/%zz', '/openapi.json']) {
      const { headers } = await test.send('GET', url)

      expect(headers['x-request-id']).toMatch(/^req_/)
      if (url.includes('%')) continue
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['referrer-policy']).toBe('no-referrer')
      expect(headers['content-security-policy']).toContain("default-src 'none'")
    }
  })
})

describe('what is no request', () => {
  const talk = async (text: string): Promise<string> => {
    const socket = connect((test.app.server.address() as AddressInfo).port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk))
    socket.write(text)
    await new Promise((resolve) => socket.once('close', resolve))
    return answer
  }
  const toBody = (answer: string) =>
    problemSchema.parse(JSON.parse(answer.split('\r\n\r\n')[1] ?? ''))

  it('is told so in a problem document', async () => {
    const answer = await talk('GARBAGE\r\n\r\n')

    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect(toBody(answer).code).toBe('invalid_request')
  })

  it('is cut when its headers are too large', async () => {
    const answer = await talk(`GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`)

    expect(answer).toMatch(/^HTTP\/1.1 431 /)
    expect(toBody(answer).code).toBe('headers_too_large')
  })

  it('is given up when it does not arrive in time', async () => {
    const answer = await talk('POST /v1/jobs HTTP/1.1\r\nHost: x\r\n')

    expect(answer).toMatch(/^HTTP\/1.1 408 /)
    expect(toBody(answer).code).toBe('request_timeout')
  })
})
