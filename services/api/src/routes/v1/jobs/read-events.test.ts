/** Streams against a listening server, with a client that knows the SSE standard and nothing of ours. */
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type Event, eventSchema, listSchema } from '@trainyard/contracts'
import { EventSource } from 'eventsource'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../../../../../test/support/wait-for.ts'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
let port: number
beforeAll(async () => {
  test = await buildTestApp()
  port = await portOf(test)
})
afterAll(() => test.close())

const STREAM = { accept: 'text/event-stream' }
const TYPES = [
  'job.created',
  'job.started',
  'job.epoch_completed',
  'job.succeeded',
  'job.cancelled',
]

/** Collects what an EventSource dispatches; `cut` breaks its connection as a bad network would. */
function listen(jobId: string) {
  const events: Event[] = []
  const statuses: number[] = []
  let connection = new AbortController()
  const source = new EventSource(`http://127.0.0.1:${port}/v1/jobs/${jobId}/events`, {
    fetch: async (url, init) => {
      connection = new AbortController()
      const response = await fetch(url, {
        ...init,
        signal: AbortSignal.any([init.signal, connection.signal]),
        headers: { ...init.headers, authorization: `Bearer ${test.first.text}` },
      })
      statuses.push(response.status)
      return response
    },
  })
  for (const type of TYPES) {
    source.addEventListener(type, ({ data, lastEventId }) => {
      const event = eventSchema.parse(JSON.parse(data))
      expect([event.type, String(event.seq)]).toEqual([type, lastEventId])
      events.push(event)
    })
  }
  return {
    events,
    statuses,
    source,
    cut: () => connection.abort(new TypeError('the network broke')),
  }
}

/** The raw text of a stream, read until it ends or `enough` says so. */
async function readRaw(
  path: string,
  headers: Record<string, string> = {},
  enough: (text: string) => boolean = () => false,
  own: TestApp = test,
) {
  const response = await fetch(`http://127.0.0.1:${await portOf(own)}${path}`, {
    headers: { ...STREAM, authorization: `Bearer ${own.first.text}`, ...headers },
  })
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (enough(text)) break
  }
  return { response, text, ids: [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)) }
}

/** created, started, `epochs` reports, succeeded. */
async function finishedJob(epochs: number): Promise<string> {
  const lease = await test.start(await test.insertJob())
  for (let epoch = 1; epoch <= epochs; epoch++) await test.report(lease, [epoch])
  await test.finish(lease)
  return lease.jobId
}

describe('200 as a list', () => {
  it('pages by seq and by event id', async () => {
    const jobId = await finishedJob(3)
    const list = async (query: string) =>
      listSchema(eventSchema).parse(
        (await test.send('GET', `/v1/jobs/${jobId}/events${query}`)).json(),
      )

    const first = await list('?limit=2')
    const bySeq = await list('?limit=2&after=2')
    const byId = await list(`?after=${bySeq.last_id}`)

    expect(first.data.map(({ type }) => type)).toEqual(['job.created', 'job.started'])
    expect(bySeq.data.map(({ seq }) => seq)).toEqual([3, 4])
    expect(byId.data.map(({ seq }) => seq)).toEqual([5, 6])
    expect([first.has_more, byId.has_more]).toEqual([true, false])
  })
})

describe('200 as a stream', () => {
  it('sends what is there, then what happens, and ends after the last event', async () => {
    const job = await test.insertJob()
    const reading = readRaw(`/v1/jobs/${job.id}/events`)

    const lease = await test.start(job)
    await test.report(lease, [1, 2])
    await test.finish(lease)

    const { response, text, ids } = await reading
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    expect(response.headers.get('x-request-id')).toMatch(/^req_/)
    expect(text.startsWith('retry: 20\n\n')).toBe(true)
    expect(ids).toEqual([1, 2, 3, 4])
  })

  it('delivers an event whose pulse was lost', async () => {
    const job = await test.insertJob()
    let isClaimed = false
    const reading = readRaw(`/v1/jobs/${job.id}/events`, {}, (text) => {
      if (text.includes('job.created') && !isClaimed) {
        isClaimed = true
        void test.stores.leases.claim(job.id, 'a worker')
      }
      return text.includes('job.started')
    })

    expect((await reading).ids).toEqual([1, 2])
  })

  it.each([
    ['the header', '', { 'last-event-id': '4' }],
    ['the query', '?after=4', {}],
    ['the header over the query', '?after=1', { 'last-event-id': '4' }],
  ])('starts after the event that %s names', async (_name, query, headers) => {
    const jobId = await finishedJob(3)

    expect((await readRaw(`/v1/jobs/${jobId}/events${query}`, headers)).ids).toEqual([5, 6])
  })

  it('delivers every event once and in order over twenty cuts', { timeout: 60_000 }, async () => {
    const job = await test.insertJob()
    const client = listen(job.id)
    const lease = await test.start(job)
    const random = makeRandom(12345)

    let epoch = 0
    for (let cuts = 0; cuts < 20; cuts++) {
      const until = client.events.length + 1 + random(5)
      for (let i = 0; i < 5; i++) await test.report(lease, [++epoch])
      await waitFor('some events', () => client.events.length >= until)
      client.cut()
    }
    await test.finish(lease)
    await waitFor('the end', () => client.events.at(-1)?.type === 'job.succeeded', 30_000)

    expect(client.events.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 103 }, (_, i) => i + 1),
    )
    expect(client.statuses.length).toBeGreaterThan(20)
    await waitFor('the client to stop', () => client.source.readyState === EventSource.CLOSED)
    expect(client.statuses.at(-1)).toBe(204)
  })

  it('serves fifty streams of one job alike', async () => {
    const job = await test.insertJob()
    const readings = Array.from({ length: 50 }, () => readRaw(`/v1/jobs/${job.id}/events`))

    const lease = await test.start(job)
    for (let epoch = 1; epoch <= 20; epoch++) await test.report(lease, [epoch])
    await test.finish(lease)

    for (const { ids } of await Promise.all(readings)) {
      expect(ids).toEqual(Array.from({ length: 23 }, (_, i) => i + 1))
    }
  })
})

describe('204', () => {
  it('answers a reconnect past the end', async () => {
    const jobId = await finishedJob(1)

    const response = await test.send('GET', `/v1/jobs/${jobId}/events`, {
      headers: { ...STREAM, 'last-event-id': '4' },
    })

    expect(response.statusCode).toBe(204)
    expect(response.body).toBe('')
  })
})

describe('400', () => {
  it.each(['99', '-1', '1.5', 'evt_none', 'x'])('knows no cursor %s', async (cursor) => {
    const { id } = await test.insertJob()

    const stream = await test.send('GET', `/v1/jobs/${id}/events`, {
      headers: { ...STREAM, 'last-event-id': cursor },
    })
    const list = await test.send('GET', `/v1/jobs/${id}/events?after=${cursor}`)

    expect(toProblem(stream).code).toBe('invalid_cursor')
    expect(toProblem(list).code).toBe('invalid_cursor')
  })
})

describe('a drain', () => {
  it('ends streams and long polls, and tells streams to come back soon', async () => {
    const own = await buildTestApp()
    await own.app.listen({ port: 0 })
    const { port: ownPort } = own.app.server.address() as AddressInfo
    const { id } = await own.insertJob()
    const url = `http://127.0.0.1:${ownPort}/v1/jobs/${id}`
    const headers = { authorization: `Bearer ${own.first.text}` }
    const stream = await fetch(`${url}/events`, { headers: { ...headers, ...STREAM } })
    // Either it is under way and answered, or it comes too late to be taken.
    const longPoll = fetch(`${url}?wait=60`, { headers }).then(
      (response) => response.status,
      () => 'refused',
    )

    await own.app.close()

    const text = await stream.text()
    expect(text).toContain('event: job.created')
    expect(text.endsWith('retry: 500\n\n')).toBe(true)
    expect([200, 'refused']).toContain(await longPoll)
    await own.close()
  })
})

describe('a stream is cut', { timeout: 20_000 }, () => {
  it('when its client does not read, while others miss nothing', async () => {
    const own = await buildTestApp({ settings: { streams: { blockedMs: 200 } } })
    const job = await own.insertJob({ metadata: {} })
    const lease = await own.start(job)
    const dropped = () => metricOf(own, 'trainyard_sse_dropped_total{reason="slow"}')
    // Larger than all buffers between: a client that reads nothing holds a write back.
    await own.stores.database.$executeRaw`
      UPDATE events SET message = repeat('x', 4000000) WHERE job_id = ${job.id}`
    const blocked = await openBlocked(own, job.id)

    await waitFor('the cut', async () => (await dropped()) === 1)
    await own.finish(lease)

    const { text } = await readRaw(`/v1/jobs/${job.id}/events?after=2`, {}, () => false, own)
    expect(text).toContain('job.succeeded')
    expect(await metricOf(own, 'trainyard_sse_connections')).toBe(0)
    blocked.destroy()
    await own.close()
  })

  it('when its key is revoked', async () => {
    const own = await buildTestApp({ settings: { streams: { pingMs: 100 } } })
    const { id } = await own.insertJob()
    const reading = readRaw(`/v1/jobs/${id}/events`, {}, () => false, own)
    await waitFor(
      'the stream',
      async () => (await metricOf(own, 'trainyard_sse_connections')) === 1,
    )

    await own.stores.database.apiKey.update({
      where: { id: own.first.id },
      data: { revokedAt: new Date() },
    })

    expect((await reading).text).toContain(': ping\n\n')
    await own.close()
  })

  it('when its job is purged', async () => {
    const own = await buildTestApp({ settings: { streams: { pingMs: 100 } } })
    const { id } = await own.insertJob()
    const reading = readRaw(`/v1/jobs/${id}/events`, {}, () => false, own)
    await waitFor(
      'the stream',
      async () => (await metricOf(own, 'trainyard_sse_connections')) === 1,
    )

    await own.stores.database.job.delete({ where: { id } })

    expect((await reading).ids).toEqual([1])
    await own.close()
  })
})

async function portOf({ app }: TestApp): Promise<number> {
  if (!app.server.listening) await app.listen({ port: 0 })
  return (app.server.address() as AddressInfo).port
}

async function metricOf({ send }: TestApp, name: string): Promise<number> {
  const { body } = await send('GET', '/metrics', { key: null })
  const line = body.split('\n').find((text) => text.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1) ?? 0)
}

/** Equal seeds cut at equal places (Park and Miller). */
function makeRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

/** A connection that asks for a stream and then never reads. */
async function openBlocked(own: TestApp, jobId: string): Promise<Socket> {
  const socket = connect(await portOf(own), '127.0.0.1')
  await once(socket, 'connect')
  socket.pause()
  socket.write(
    `GET /v1/jobs/${jobId}/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${own.first.text}\r\n\r\n`,
  )
  return socket
}
