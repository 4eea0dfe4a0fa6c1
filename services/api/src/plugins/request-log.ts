/** One line per request, by its id: never a header, a query or a body. */
import type { App } from '../app.ts'

/** What may be echoed into logs and headers. */
const REQUEST_ID = /^[\w.:/+=@-]{1,128}$/

export function toRequestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : `req_${crypto.randomUUID()}`
}

export function addRequestLog(app: App): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    reply.header('cache-control', 'no-store')
  })
  app.addHook('onResponse', async (request, reply) => {
    const path = request.url.split('?')[0]
    request.log.info(
      {
        method: request.method,
        path: path?.slice(0, 200),
        status: reply.statusCode,
        duration_ms: Math.round(reply.elapsedTime * 10) / 10,
        key_id: request.principal?.keyId,
      },
      'request',
    )
  })
}

/** Paths that pino blots out, wherever somebody may log an object that has them. */
export const REDACTED = [
  'authorization',
  'cookie',
  'secret',
  'apiKey',
  'connectionString',
  'databaseUrl',
  'headers.authorization',
  'headers.cookie',
  'req.headers.authorization',
  'req.headers.cookie',
  '*.secret',
  '*.apiKey',
  '*.connectionString',
  '*.databaseUrl',
]
