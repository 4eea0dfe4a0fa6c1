/** A client that knows the SSE standard and nothing of ours but the key. */
import type { Event } from '@trainyard/contracts'
import { JOB_EVENT_TYPES } from '@trainyard/contracts'
import { EventSource } from 'eventsource'

export interface Subscription {
  events: Event[]
  /** Resolves when the server has ended the stream for good. */
  ended: Promise<void>
  close(): void
}

export function subscribe(
  { baseUrl, apiKey }: { baseUrl: string; apiKey: string },
  jobId: string,
): Subscription {
  const events: Event[] = []
  const source = new EventSource(`${baseUrl}/v1/jobs/${jobId}/events`, {
    fetch: (input, init) =>
      fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${apiKey}` } }),
  })
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  for (const type of JOB_EVENT_TYPES) {
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
