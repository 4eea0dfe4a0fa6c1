/** Requests as a user's program makes them, and the few things every end-to-end test does with them. */
import { type Dataset, type Job, type JobSpec, jobSchema } from '@trainyard/contracts'
import { expect } from 'vitest'
import { waitFor } from './wait-for.ts'

export interface TestClient {
  /** Sends JSON, or text as CSV; answers with the parsed body. */
  send(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Reply>
  createDataset(body: unknown): Promise<Dataset>
  createJob(spec: Partial<JobSpec> & { dataset_id: string }): Promise<Job>
  readJob(id: string): Promise<Job>
  /** Waits until the job has ended. Default deadline 60 s. */
  finishJob(id: string, deadlineMs?: number): Promise<Job>
}

export interface Reply {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what it is depends on the path; tests parse it by its contract
  body: any
}

/** Guards against a hang, no more: a promise about time is asserted by the test that makes it. */
const ENDED_DEADLINE_MS = 60_000
const TERMINAL = ['succeeded', 'failed', 'cancelled']

export function makeClient({ baseUrl, apiKey }: { baseUrl: string; apiKey: string }): TestClient {
  const send: TestClient['send'] = async (method, path, body, headers = {}) => {
    const isText = typeof body === 'string'
    const response = await fetch(baseUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': isText ? 'text/csv' : 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== '' ? JSON.parse(text) : text,
    }
  }
  const readJob = async (id: string): Promise<Job> => {
    const reply = await send('GET', `/v1/jobs/${id}`)
    return jobSchema.parse(reply.body)
  }
  return {
    send,
    async createDataset(body) {
      const reply = await send('POST', '/v1/datasets', body)
      expect(reply.body).toMatchObject({ object: 'dataset' })
      return reply.body
    },
    async createJob(spec) {
      const reply = await send('POST', '/v1/jobs', spec)
      expect(reply.body).toMatchObject({ object: 'training.job' })
      return reply.body
    },
    readJob,
    finishJob: (id, deadlineMs = ENDED_DEADLINE_MS) =>
      waitFor(
        `job ${id} has ended`,
        async () => {
          const job = await readJob(id)
          return TERMINAL.includes(job.status) ? job : null
        },
        deadlineMs,
      ),
  }
}
