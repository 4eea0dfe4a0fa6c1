/** A client that knows the SSE standard and nothing of ours but the key. */
import type { Event, SweepEvent } from '@trainyard/contracts'
import { JOB_EVENT_TYPES, SWEEP_EVENT_TYPES } from '@trainyard/contracts'
import { EventSource } from 'eventsource'

export interface Subscription<One> {
  events: One[]
  /** Resolves when the server has ended the stream for good. */
  ended: Promise<void>
  close(): void
}

interface Server {
  baseUrl: string
  apiKey: string
}

export function subscribe(server: Server, jobId: string): Subscription<Event> {
  return listen(server, `/v1/jobs/${jobId}/events`, JOB_EVENT_TYPES)
}

export function subscribeToSweep(server: Server, sweepId: string): Subscription<SweepEvent> {
  return listen(server, `/v1/sweeps/${sweepId}/events`, SWEEP_EVENT_TYPES)
}

function listen<One>(
  { baseUrl, apiKey }: Server,
  path: string,
  types: readonly string[],
): Subscription<One> {
  const events: One[] = []
  const source = new EventSource(baseUrl + path, {
    fetch: (input, init) =>
      fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${apiKey}` } }),
  })
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  for (const type of types) {
    source.addEventListener(type, (message) => {
      events.push(JSON.parse(message.data))
    })
  }
  // A closed stream is opened again by the client itself; only 204 makes it give up.
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) resolve()
  })
  return {
    events,
    ended,
    close() {
      source.close()
      resolve()
    },
  }
}
