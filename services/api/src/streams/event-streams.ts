/**
 * Server-sent events from the rows of a job or a sweep (HTML Standard §9.2). A stream first listens, then reads the rows after its
 * cursor, then waits to be woken and reads on: whatever happens between two reads is in the next one, so nothing is lost
 * and nothing comes twice. A client that does not read is cut; it comes back with the last id it has seen.
 */
import type { ServerResponse } from 'node:http'
import { DomainError, isTerminal } from '@trainyard/domain'
import type { Logger } from 'pino'
import type { ApiMetrics } from '../routes/api-metrics.ts'
import {
  EVENTS_PER_READ,
  makeReadEvents,
  type StreamedEvent,
  type StreamedId,
} from './event-reader.ts'
import { createBell, type JobWatch } from './job-watch.ts'

const DEFAULT_TIMING = { retryMs: 3000, pingMs: 15_000, blockedMs: 15_000 }
/** After a drain the next process is there soon. */
const RETRY_AFTER_DRAIN_MS = 500
const STREAMS_MAX = 2000

export type { StreamedId } from './event-reader.ts'

export interface StreamTiming {
  /** What a client is told to wait before it comes back after a broken connection. */
  retryMs: number
  pingMs: number
  /** How long a client may take nothing before it is cut. */
  blockedMs: number
}

export interface StreamOptions {
  id: StreamedId
  afterSeq: number
  /** Asked at every ping; the stream ends when it says no: the key is revoked or what it tells of is gone. */
  isAllowed: () => Promise<boolean>
}

export interface EventStreams {
  /** Throws `unavailable` when there are too many; called before the headers are sent. */
  assertRoom(): void
  /** Writes until the job's end, the client's or ours. Headers are sent; never throws. */
  write(response: ServerResponse, options: StreamOptions): Promise<void>
  /** Ends all streams with a hint to come back soon. */
  close(): Promise<void>
}

export function createEventStreams(deps: {
  readEvents: (id: StreamedId, afterSeq: number, limit: number) => Promise<StreamedEvent[]>
  watch: JobWatch
  metrics: Pick<ApiMetrics, 'sseConnections' | 'sseDropped'>
  log: Logger
  timing?: Partial<StreamTiming>
}): EventStreams {
  const { watch, metrics, log } = deps
  const { retryMs, pingMs, blockedMs } = { ...DEFAULT_TIMING, ...deps.timing }
  const readEvents = makeReadEvents(deps.readEvents)
  const open = new Map<ServerResponse, { ring: () => void; ended: Promise<void> }>()
  let isDraining = false

  return {
    assertRoom() {
      if (open.size >= STREAMS_MAX || isDraining) throw new DomainError('unavailable')
    },
    async write(response, options) {
      const bell = createBell()
      const ended = run(response, options, bell).catch((error: unknown) => {
        log.error({ err: error, id: options.id }, 'an event stream broke')
        metrics.sseDropped.inc({ reason: 'error' })
        response.destroy()
      })
      open.set(response, { ring: bell.ring, ended })
      metrics.sseConnections.set(open.size)
      await ended
      open.delete(response)
      metrics.sseConnections.set(open.size)
    },
    async close() {
      isDraining = true
      for (const { ring } of open.values()) ring()
      await Promise.all([...open.values()].map(({ ended }) => ended))
    },
  }

  async function run(
    response: ServerResponse,
    { id, afterSeq, isAllowed }: StreamOptions,
    bell: ReturnType<typeof createBell>,
  ): Promise<void> {
    let cursor = afterSeq
    let mayGoOn = true
    const unwatch = watch.watch(id, bell.ring)
    const ping = setInterval(() => {
      if (!response.writableNeedDrain) response.write(': ping\n\n')
      isAllowed().then(
        (allowed) => {
          mayGoOn = allowed
          if (!allowed) bell.ring()
        },
        // Postgres is away: the stream stays, and the next ping asks again.
        (error: unknown) => log.warn({ err: error }, 'a stream could not be checked'),
      )
    }, pingMs)
    response.once('close', bell.ring)
    try {
      await send(response, `retry: ${retryMs}\n\n`)
      while (mayGoOn && !isDraining && !response.destroyed) {
        const events = await readOrNothing(id, cursor)
        if (events.length > 0) await send(response, events.map(format).join(''))
        cursor = events.at(-1)?.seq ?? cursor
        if (events.some(isLast)) break
        if (events.length < EVENTS_PER_READ) await bell.wait()
      }
      if (isDraining) response.write(`retry: ${RETRY_AFTER_DRAIN_MS}\n\n`)
    } finally {
      clearInterval(ping)
      unwatch()
    }
    response.end()
  }

  async function readOrNothing(id: StreamedId, afterSeq: number): Promise<StreamedEvent[]> {
    try {
      return await readEvents(id, afterSeq)
    } catch (error) {
      if (error instanceof DomainError && error.code === 'unavailable') return []
      throw error
    }
  }

  async function send(response: ServerResponse, text: string): Promise<void> {
    if (response.write(text) || response.destroyed) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(() => {
      metrics.sseDropped.inc({ reason: 'slow' })
      response.destroy()
    }, blockedMs)
    response.once('drain', resolve)
    response.once('close', resolve)
    await promise
    clearTimeout(timer)
    response.off('drain', resolve)
    response.off('close', resolve)
  }
}

function format(event: StreamedEvent): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

/** The end of a trial is not that of its sweep. */
function isLast(event: StreamedEvent): boolean {
  const [noun, state = ''] = event.type.split('.')
  if (noun === 'trial') return false
  return isTerminal(state as Parameters<typeof isTerminal>[0])
}
