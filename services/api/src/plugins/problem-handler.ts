/** Every error leaves as a problem document (RFC 9457); causes go to the log, and never to the caller. */
import type { Socket } from 'node:net'
import { type FieldError, PROBLEMS, type Problem, type ProblemCode } from '@trainyard/contracts'
import { DataError } from '@trainyard/datasets'
import { DomainError, type DomainErrorDetails } from '@trainyard/domain'
import { InferenceError } from '@trainyard/formats'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import { queryFaults } from './validation.ts'

const CONTENT_TYPE = 'application/problem+json; charset=utf-8'
const RETRY_SECONDS: Partial<Record<ProblemCode, number>> = {
  unavailable: 5,
  storage_full: 60,
}
/** A refused body is read on a little before the answer: many clients read nothing until they have written all. */
const LINGER_BYTES = 8 * 1024 * 1024
const LINGER_MS = 1000

export function addProblemHandler(app: App): void {
  app.setErrorHandler(async (error, request, reply) => {
    await sendProblem(withQueryFaults(toDomainError(error), error, request), request, reply)
  })
  app.setNotFoundHandler(async (request, reply) => {
    await sendProblem(notFound(app, request, reply), request, reply)
  })
}

/** For errors before a route is found: a URL that cannot be decoded. */
export async function handleFrameworkError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  await sendProblem(toDomainError(error), request, reply)
}

/** For bytes that are no HTTP request, or one that did not arrive in time: there is only a socket. */
export function handleClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
  const code =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? 'request_timeout'
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? 'headers_too_large'
        : 'invalid_request'
  // Whoever goes on sending instead of reading would hold what the request holds.
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
  const id = `req_${crypto.randomUUID()}`
  const body = JSON.stringify(toProblem(new DomainError(code), id, ''))
  socket.end(
    `HTTP/1.1 ${PROBLEMS[code].status} ${PROBLEMS[code].title}\r\nContent-Type: ${CONTENT_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nX-Request-Id: ${id}\r\nConnection: close\r\n\r\n${body}`,
  )
}

export function toProblem(error: DomainError, requestId: string, origin: string): Problem {
  const { status, title, retryable } = PROBLEMS[error.code]
  // `status` is that of the response; a job's own goes by another name.
  const { detail, errors, status: jobStatus, ...facts } = error.details
  const isOurs = status >= 500
  const members = {
    type: origin === '' ? 'about:blank' : `${origin}/problems/${error.code}`,
    title,
    status,
    detail: isOurs ? `${title}.` : (detail ?? summarize(errors) ?? `${title}.`),
    instance: `urn:request:${requestId}`,
    code: error.code,
    request_id: requestId,
    retryable,
  }
  if (isOurs) return members
  return {
    ...members,
    ...(errors === undefined ? {} : { errors }),
    ...(jobStatus === undefined ? {} : { job_status: jobStatus }),
    ...facts,
    // A fact of the same name as a member is not one: the members are what programs rely on.
    ...members,
  }
}

export async function sendProblem(
  error: DomainError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { status } = PROBLEMS[error.code]
  if (status >= 500) request.log.error({ err: error }, error.code)
  await readOn(request, reply)
  const retryAfter = RETRY_SECONDS[error.code]
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  if (status === 416) reply.header('content-range', `bytes */${error.details.bytes}`)
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="trainyard"')
  const origin = request.host === '' ? '' : `${request.protocol}://${request.host}`
  const problem = toProblem(error, request.id, origin)
  const isPlain = wantsPlainError(request)
  const body = JSON.stringify(isPlain ? { error: problem.detail } : problem)
  await reply
    .code(status)
    .header('x-request-id', request.id)
    .header('cache-control', 'no-store')
    .removeHeader('etag')
    .removeHeader('content-disposition')
    .type(isPlain ? 'application/json; charset=utf-8' : CONTENT_TYPE)
    .send(body)
}

/** The Open Inference Protocol has errors of its own form; who asks for problem documents gets them there too. */
function wantsPlainError({ url, headers }: FastifyRequest): boolean {
  return /^\/v2(?![^/?])/.test(url) && headers.accept?.includes('application/problem+json') !== true
}

/** Foreign errors become ours here; what nobody has translated is a bug, and is `internal`. */
function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error
  if (error instanceof DataError) return fromDataError(error)
  if (error instanceof InferenceError) {
    return new DomainError('invalid_request', { detail: error.message })
  }
  const { code, message } = error as { code?: string; message?: string }
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new DomainError('payload_too_large', {
        detail:
          'A JSON body may have 1 MiB at most, for POST /v1/models 256 MiB; larger tables go to POST /v1/datasets as text/csv.',
      })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_EMPTY_TYPE':
      return new DomainError('unsupported_media_type', {
        detail: 'This media type is not taken here; send application/json.',
      })
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new DomainError('invalid_request', {
        detail: 'The body is not as long as Content-Length says.',
      })
    case 'FST_ERR_BAD_URL':
      return new DomainError('invalid_request', { detail: 'The URL cannot be decoded.' })
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new DomainError('not_found')
    case 'ECONNRESET':
      return new DomainError('invalid_request', { detail: 'The request was broken off.' })
    default:
      return new DomainError('internal', {}, { cause: error ?? message })
  }
}

/** Fastify stops at the first part of a request that is wrong; a caller wants to hear of all of them. */
function withQueryFaults(
  problem: DomainError,
  error: unknown,
  request: FastifyRequest,
): DomainError {
  const part = (error as { validationContext?: string }).validationContext
  if (problem.code !== 'validation_error' || part !== 'body') return problem
  const errors = [...(problem.details.errors ?? []), ...queryFaults(request)]
  return new DomainError('validation_error', { errors })
}

function fromDataError(error: DataError): DomainError {
  const errors = error.faults.map(({ detail, line, pointer }): FieldError => {
    if (pointer !== undefined) return { detail, pointer }
    return line === undefined ? { detail } : { detail, line }
  })
  return new DomainError('invalid_data', { detail: error.message, errors })
}

/** The first faults as one sentence; all of them stand in `errors`. */
function summarize(errors: readonly FieldError[] | undefined): string | undefined {
  return errors
    ?.slice(0, 3)
    .map(({ detail, pointer, parameter, header }) =>
      `${pointer ?? parameter ?? header ?? ''} ${detail}`.trim(),
    )
    .join('; ')
}

function notFound(app: App, request: FastifyRequest, reply: FastifyReply): DomainError {
  const path = request.url.split('?')[0] ?? ''
  const methods = app.methodsOf(path)
  if (methods.length === 0) {
    return new DomainError('not_found', {
      detail: 'There is no such path; GET /openapi.json lists them all.',
    })
  }
  reply.header('allow', methods.join(', '))
  const detail = `${request.method} is not possible here; use ${methods.join(' or ')}.`
  const details: DomainErrorDetails = { detail, allowed: methods }
  return new DomainError('method_not_allowed', details)
}

async function readOn({ raw }: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (raw.complete || raw.destroyed || raw.socket?.destroyed !== false) return
  const hasBody =
    raw.headers['transfer-encoding'] !== undefined || Number(raw.headers['content-length']) > 0
  if (!hasBody) return
  let bytes = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, LINGER_MS)
  raw.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > LINGER_BYTES) resolve()
  })
  for (const event of ['end', 'close', 'error']) raw.once(event, () => resolve())
  raw.resume()
  await promise
  clearTimeout(timer)
  if (!raw.complete) reply.header('connection', 'close')
}
