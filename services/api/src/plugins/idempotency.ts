/** `Idempotency-Key`: a request that may be sent twice and is carried out once. Keys are kept for 24 hours. */
import { createHash } from 'node:crypto'
import { DomainError, type IdempotentRequest } from '@trainyard/domain'
import type { FastifyRequest } from 'fastify'

const HEADER = 'Idempotency-Key'
const PRINTABLE = /^[\x20-\x7e]{1,255}$/

/**
 * The key of the request with its fingerprint, or null when it has none. `bodySha256`: of a body that was not read as JSON,
 * default that of the JSON; nothing when there was none.
 */
export function readIdempotency(
  request: FastifyRequest,
  bodySha256 = request.bodySha256 ?? '',
): IdempotentRequest | null {
  const key = readIdempotencyKey(request)
  if (key === null) return null
  const [path = '', query] = request.url.split('?')
  // Options of an upload stand in the query; without any, the fingerprint is that of the body alone.
  const requestSha256 =
    query === undefined || query === ''
      ? bodySha256
      : createHash('sha256').update(`${query}\n${bodySha256}`).digest('hex')
  return { method: request.method, path, key, requestSha256 }
}

/** Throws on a key that cannot be used; called before a large body is read. */
export function readIdempotencyKey(request: FastifyRequest): string | null {
  const given = request.headers['idempotency-key']
  if (given === undefined) return null
  const times = request.raw.rawHeaders.filter(
    (name, i) => i % 2 === 0 && /^idempotency-key$/i.test(name),
  )
  const key = typeof given === 'string' && times.length === 1 ? unquote(given) : null
  if (key !== null && PRINTABLE.test(key)) return key
  throw new DomainError('invalid_idempotency_key', {
    detail: `${HEADER} must be one value of 1 to 255 printable ASCII characters, with or without quotes.`,
    errors: [{ header: HEADER, detail: 'must be 1 to 255 printable ASCII characters' }],
  })
}

/** A Structured Field string (RFC 8941 §3.3.3), or the bare text that most clients send. */
function unquote(given: string): string | null {
  const text = given.trim()
  if (!text.startsWith('"')) return text.includes('"') ? null : text
  const inner = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text)?.[1]
  return inner === undefined ? null : inner.replace(/\\(.)/g, '$1')
}
