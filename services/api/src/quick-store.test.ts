import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createPatience } from './quick-store.ts'
import { buildTestApp, type TestApp, toProblem } from './test-app.fixture.ts'

const ANSWER_MS = 2000

let test: TestApp
beforeAll(async () => {
  test = await buildTestApp()
})
afterAll(() => test.close())

describe('with questions to Postgres that each hang', () => {
  it('answers 503 within two seconds, however many the request asks', async () => {
    const dataset = await test.insertDataset()
    // What a first request loads and compiles is not what it waits.
    await test.send('POST', '/v1/jobs', { body: { dataset_id: dataset.id } })
    const { pool } = test.stores.database
    const [keys, jobs] = [await pool.connect(), await pool.connect()]
    await keys.query('BEGIN; LOCK TABLE idempotency_keys IN ACCESS EXCLUSIVE MODE')
    await jobs.query('BEGIN; LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE')
    const startedMs = performance.now()

    const answer = test.send('POST', '/v1/jobs', {
      body: { dataset_id: dataset.id },
      headers: { 'idempotency-key': 'late' },
    })
    // The first question gets its answer late, and the last none.
    await keys.query('SELECT pg_sleep(1.2)')
    await keys.query('COMMIT')
    const response = await answer
    const durationMs = performance.now() - startedMs
    await jobs.query('COMMIT')
    keys.release()
    jobs.release()

    expect(toProblem(response)).toMatchObject({ status: 503, code: 'unavailable', retryable: true })
    expect(response.headers['retry-after']).toBe('5')
    expect(durationMs).toBeGreaterThan(1200)
    expect(durationMs).toBeLessThan(ANSWER_MS)
  })

  it('does so also where the first answers came in time, as for checkpoints', async () => {
    const job = await test.insertJob()
    const checkpoints = await test.stores.database.pool.connect()
    await checkpoints.query('BEGIN; LOCK TABLE checkpoints IN ACCESS EXCLUSIVE MODE')
    const startedMs = performance.now()

    const response = await test.send('GET', `/v1/jobs/${job.id}/checkpoints`)
    const durationMs = performance.now() - startedMs
    await checkpoints.query('COMMIT')
    checkpoints.release()

    expect(toProblem(response).code).toBe('unavailable')
    expect(durationMs).toBeLessThan(ANSWER_MS)
  })
})

describe('the patience of a request', () => {
  beforeAll(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterAll(() => void vi.useRealTimers())

  it('is shared by questions that follow each other, and by those at the same time', () => {
    const patience = createPatience(1000)
    expect(patience.beginWait()).toBe(1000)
    vi.advanceTimersByTime(600)
    expect(patience.beginWait()).toBe(400)
    patience.endWait()
    patience.endWait()

    expect(patience.beginWait()).toBe(400)
    vi.advanceTimersByTime(500)
    expect(patience.beginWait()).toBe(0)
  })

  it('comes back while nothing is waited for, up to what it was', () => {
    const patience = createPatience(1000)
    patience.beginWait()
    vi.advanceTimersByTime(900)
    patience.endWait()
    vi.advanceTimersByTime(500)
    expect(patience.beginWait()).toBe(600)
    patience.endWait()
    vi.advanceTimersByTime(60_000)

    expect(patience.beginWait()).toBe(1000)
  })
})
