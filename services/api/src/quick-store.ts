/**
 * Every wait of a request has an end. A Postgres that hangs instead of failing would hold its callers for the driver's
 * eight seconds; they are told to come back after less than two, however many questions their request asks, while the
 * query ends by itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { DomainError } from '@trainyard/domain'
import type { App } from './app.ts'

const ANSWER_MS = 1800

declare module 'fastify' {
  interface FastifyRequest {
    patience: Patience
  }
}

/** How long one request still waits for Postgres. What it does in between gives back what was waited. */
export interface Patience {
  /** Around each question; several may be under way. Returns the milliseconds that are left. */
  beginWait(): number
  endWait(): void
}

const patienceOfRequest = new AsyncLocalStorage<Patience>()

export function createPatience(answerMs: number = ANSWER_MS): Patience {
  let underWay = 0
  let idleSinceMs = performance.now()
  let leftMs = answerMs
  let endsMs = 0
  return {
    beginWait() {
      const nowMs = performance.now()
      if (underWay++ === 0) {
        // A stream or a long poll asks for hours; only waiting in a row makes a caller wait.
        endsMs = nowMs + Math.min(answerMs, leftMs + nowMs - idleSinceMs)
      }
      return Math.max(0, endsMs - nowMs)
    },
    endWait() {
      if (--underWay > 0) return
      idleSinceMs = performance.now()
      leftMs = endsMs - idleSinceMs
    },
  }
}

/** One patience per request, for all stores together. */
export function addPatience(app: App): void {
  app.decorateRequest('patience')
  app.addHook('onRequest', (request, _reply, done) => {
    request.patience = createPatience()
    patienceOfRequest.run(request.patience, done)
  })
  // A body arrives in the context of its socket.
  app.addHook('preValidation', (request, _reply, done) => {
    patienceOfRequest.run(request.patience, done)
  })
}

/** The same store, each of whose answers comes in time or is `unavailable`. */
export function makeQuick<Store extends object>(store: Store): Store {
  return Object.fromEntries(
    Object.entries(store).map(([name, method]) => [
      name,
      async (...args: unknown[]) => {
        const patience = patienceOfRequest.getStore() ?? createPatience()
        const answerMs = patience.beginWait()
        try {
          return await inTime(
            (method as (...args: unknown[]) => Promise<unknown>)(...args),
            answerMs,
          )
        } finally {
          patience.endWait()
        }
      },
    ]),
  ) as Store
}

export async function inTime<Result>(work: Promise<Result>, answerMs: number): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    // In a busy process the answer may have come long ago and not been read yet: sockets are read after timers.
    setImmediate(() => {
      const cause = new Error(`Postgres has not answered within ${Math.round(answerMs)} ms`)
      reject(new DomainError('unavailable', {}, { cause }))
    })
  }, answerMs)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
