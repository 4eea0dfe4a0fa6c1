/** The little that every example asks of the running stack: a data set, a training with its history, any other call. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'

export interface Client {
  /** Answers with the body, parsed when it is JSON; tries again what the service calls retryable, throws on other failures. */
  // biome-ignore lint/suspicious/noExplicitAny: a script reads what it needs
  call(method: string, path: string, body?: unknown): Promise<any>
  /** Answers with the id. */
  createDataset(dataset: object): Promise<string>
  /** Submits a job and waits for its end, which may also be a failure: a diverged training has something to say. */
  train(job: object): Promise<Training>
}

export interface Training {
  id: string
  status: 'succeeded' | 'failed' | 'cancelled'
  /** Such as `diverged`; null when it succeeded. */
  error: { code: string; message: string } | null
  parameterCount: number
  epochs: Epoch[]
  last: Epoch
}

/** Null is a loss that was not a finite number, or a part of the data that there is not. */
export interface Epoch {
  epoch: number
  /** Steps since the start. */
  step: number
  train_loss: number | null
  train_penalty: number | null
  train_accuracy: number | null
  val_loss: number | null
  val_accuracy: number | null
  learning_rate: number
}

/** A service that is busy says when to come back. */
const ATTEMPTS_MAX = 5

/** With the address and the key that `npm start` has left in its home folder. */
export async function connect(): Promise<Client> {
  const home = process.env.TRAINYARD_HOME ?? '.trainyard'
  const { base_url, api_key } = JSON.parse(await readFile(`${home}/credentials.json`, 'utf8'))
  return makeClient(base_url, api_key)
}

export function makeClient(baseUrl: string, apiKey: string): Client {
  const call: Client['call'] = async (method, path, body) => {
    const request = {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        // With it a data set or a job is made once, however often it is asked for.
        ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(baseUrl + path, request)
      const isJson = response.headers.get('content-type')?.includes('json')
      const answer = isJson ? await response.json() : await response.text()
      if (response.ok) return answer
      if (answer.retryable !== true || attempt === ATTEMPTS_MAX) {
        throw new Error(`${method} ${path}: ${answer.detail ?? answer}`)
      }
      await setTimeout(1000 * Number(response.headers.get('retry-after') ?? 1))
    }
  }
  return {
    call,
    async createDataset(dataset) {
      const { id } = await call('POST', '/v1/datasets', dataset)
      return id
    },
    async train(spec) {
      let job = await call('POST', '/v1/jobs', spec)
      while (!['succeeded', 'failed', 'cancelled'].includes(job.status)) {
        job = await call('GET', `/v1/jobs/${job.id}?wait=10`)
      }
      const { data: epochs } = await call('GET', `/v1/jobs/${job.id}/metrics`)
      const { id, status, error, parameter_count: parameterCount } = job
      return { id, status, error, parameterCount, epochs, last: epochs.at(-1) }
    },
  }
}
