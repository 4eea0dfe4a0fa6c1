/**
 * The closed list of things that can go wrong, as callers see them. Status, title and `retryable` hang on the code
 * here and nowhere else: code throws `DomainError(code)`, the API turns it into a problem document (RFC 9457).
 */
import { z } from 'zod'

interface ProblemKind {
  status: number
  title: string
  /** May the same request succeed later, unchanged? */
  retryable: boolean
}

export const PROBLEMS = {
  malformed_json: { status: 400, title: 'The body is not valid JSON', retryable: false },
  invalid_cursor: { status: 400, title: 'The cursor is unknown', retryable: false },
  invalid_idempotency_key: {
    status: 400,
    title: 'The Idempotency-Key is not usable',
    retryable: false,
  },
  invalid_request: { status: 400, title: 'The request could not be read', retryable: false },
  unauthenticated: { status: 401, title: 'The API key is missing or not valid', retryable: false },
  forbidden: { status: 403, title: 'The API key lacks the scope', retryable: false },
  not_found: { status: 404, title: 'There is nothing here', retryable: false },
  dataset_not_found: { status: 404, title: 'No such data set', retryable: false },
  job_not_found: { status: 404, title: 'No such job', retryable: false },
  weights_not_found: { status: 404, title: 'The job has no weights', retryable: false },
  method_not_allowed: {
    status: 405,
    title: 'The path does not take this method',
    retryable: false,
  },
  request_timeout: { status: 408, title: 'The request took too long to arrive', retryable: true },
  illegal_transition: {
    status: 409,
    title: 'The job is not in a state that allows this',
    retryable: false,
  },
  dataset_in_use: { status: 409, title: 'The data set is in use', retryable: false },
  idempotency_conflict: {
    status: 409,
    title: 'A request with this key is still running',
    retryable: true,
  },
  payload_too_large: { status: 413, title: 'The body is too large', retryable: false },
  unsupported_media_type: {
    status: 415,
    title: 'The media type is not supported',
    retryable: false,
  },
  headers_too_large: { status: 431, title: 'The headers are too large', retryable: false },
  validation_error: { status: 422, title: 'The request is not valid', retryable: false },
  invalid_data: { status: 422, title: 'The data could not be read', retryable: false },
  idempotency_mismatch: {
    status: 422,
    title: 'The Idempotency-Key was used with another request',
    retryable: false,
  },
  budget_exceeded: {
    status: 422,
    title: 'The job is larger than this service accepts',
    retryable: false,
  },
  internal: { status: 500, title: 'Something went wrong on our side', retryable: true },
  unavailable: { status: 503, title: 'The service is not available now', retryable: true },
  storage_full: { status: 507, title: 'The storage is full', retryable: true },
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof PROBLEMS

/** One fault of a request. `pointer` (body, RFC 6901 as a URI fragment), `parameter` (query), `header` or `line` (of a file) says where, as far as it has a place. */
export const fieldErrorSchema = z.object({
  detail: z.string(),
  pointer: z.string().optional(),
  parameter: z.string().optional(),
  header: z.string().optional(),
  line: z.int().optional(),
})
export type FieldError = z.infer<typeof fieldErrorSchema>

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    request_id: z.string(),
    retryable: z.boolean(),
    errors: z.array(fieldErrorSchema).optional(),
  })
  .loose()
  .meta({ id: 'Problem', description: 'A problem document (RFC 9457)' })
export type Problem = z.infer<typeof problemSchema>
