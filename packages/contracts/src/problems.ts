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
  /** What the caller can do. */
  remedy: string
}

export const PROBLEMS = {
  malformed_json: {
    status: 400,
    title: 'The body is not valid JSON',
    retryable: false,
    remedy: 'Send valid UTF-8 JSON; the detail says where it breaks off.',
  },
  invalid_cursor: {
    status: 400,
    title: 'The cursor is unknown',
    retryable: false,
    remedy: 'Start the list again without a cursor; use only ids that the list itself has given.',
  },
  invalid_idempotency_key: {
    status: 400,
    title: 'The Idempotency-Key is not usable',
    retryable: false,
    remedy: 'Use 1 to 255 printable ASCII characters, with or without quotes.',
  },
  invalid_request: {
    status: 400,
    title: 'The request could not be read',
    retryable: false,
    remedy: 'The detail says which part of the request could not be read.',
  },
  unauthenticated: {
    status: 401,
    title: 'The API key is missing or not valid',
    retryable: false,
    remedy:
      'Send the header Authorization: Bearer with a key of this server; the local key is in credentials.json.',
  },
  not_found: {
    status: 404,
    title: 'There is nothing here',
    retryable: false,
    remedy: 'Check the path against /openapi.json.',
  },
  dataset_not_found: {
    status: 404,
    title: 'No such data set',
    retryable: false,
    remedy: 'Check the id, and that the key belongs to the project of the data set.',
  },
  job_not_found: {
    status: 404,
    title: 'No such job',
    retryable: false,
    remedy: 'Check the id, and that the key belongs to the project of the job.',
  },
  sweep_not_found: {
    status: 404,
    title: 'No such sweep',
    retryable: false,
    remedy: 'Check the id, and that the key belongs to the project of the sweep.',
  },
  batch_prediction_not_found: {
    status: 404,
    title: 'No such batch prediction',
    retryable: false,
    remedy: 'Check the id, and that the key belongs to the project of the batch prediction.',
  },
  trial_not_found: {
    status: 404,
    title: 'No such trial',
    retryable: false,
    remedy: 'Check the index: trials are chosen one after the other, and may not all be there yet.',
  },
  sweep_unfinished: {
    status: 409,
    title: 'The sweep has too few results',
    retryable: true,
    remedy: 'Wait until more trials have ended with a result; the detail says how many are needed.',
  },
  model_not_found: {
    status: 404,
    title: 'No such model',
    retryable: false,
    remedy: 'Check name and version, and that the key belongs to the project of the model.',
  },
  alias_not_found: {
    status: 404,
    title: 'No such alias',
    retryable: false,
    remedy: 'The object of the model lists its aliases.',
  },
  weights_not_found: {
    status: 404,
    title: 'The job has no weights',
    retryable: false,
    remedy:
      'Wait until the job has ended; a job that failed or was cancelled in its first epoch has none.',
  },
  checkpoint_not_found: {
    status: 404,
    title: 'No such checkpoint',
    retryable: false,
    remedy:
      'GET /v1/jobs/{id}/checkpoints lists those there are; the newest few are kept, and they go some days after the end of their job.',
  },
  removed_by_gc: {
    status: 410,
    title: 'The gc of the sweep has removed this',
    retryable: false,
    remedy:
      'Take a trial that the gc keeps, or POST /v1/jobs/{id}/verify: it trains a succeeded job again, to the same weights, and keeps them.',
  },
  checkpoint_unusable: {
    status: 409,
    title: 'The checkpoint cannot be used',
    retryable: false,
    remedy:
      'The detail says why; use the weights of the job, another of its checkpoints, or a clone that starts from the beginning.',
  },
  split_not_found: {
    status: 404,
    title: 'The split of the job is not known',
    retryable: false,
    remedy: 'Wait until the job has ended; a job that ended before it read its data has no split.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The path does not take this method',
    retryable: false,
    remedy: 'The Allow header names the methods of this path.',
  },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive',
    retryable: true,
    remedy: 'Send the request without long pauses.',
  },
  illegal_transition: {
    status: 409,
    title: 'The job is not in a state that allows this',
    retryable: false,
    remedy: 'The members status and allowed say where the job stands and what can be done now.',
  },
  dataset_in_use: {
    status: 409,
    title: 'The data set is in use',
    retryable: false,
    remedy: 'Cancel the job that the detail names, or wait for its end.',
  },
  dataset_immutable: {
    status: 409,
    title: 'The data set can no longer be changed',
    retryable: false,
    remedy:
      'A data set stays as it was when its first job was submitted; send the table again and change the new one.',
  },
  model_version_aliased: {
    status: 409,
    title: 'An alias names the version',
    retryable: false,
    remedy: 'Move or delete the aliases that the detail names, then delete the version.',
  },
  dataset_ingesting: {
    status: 409,
    title: 'The data set is still being uploaded or read',
    retryable: true,
    remedy: 'Wait for the answer to its upload, or until GET /v1/datasets/{id} says ready.',
  },
  dataset_changed: {
    status: 409,
    title: 'The data set was changed meanwhile',
    retryable: true,
    remedy: 'Send the request again: it is then checked against the data set as it is now.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large',
    retryable: false,
    remedy: 'The detail names the limit; send large tables as CSV, which is streamed.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The media type is not supported',
    retryable: false,
    remedy: 'The detail names the media types that this path takes.',
  },
  range_not_satisfiable: {
    status: 416,
    title: 'The range lies outside of the file',
    retryable: false,
    remedy:
      'The member bytes, and Content-Range, say how long the file is; ask for a part of that.',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    retryable: false,
    remedy: 'Send fewer or shorter headers.',
  },
  validation_error: {
    status: 422,
    title: 'The request is not valid',
    retryable: false,
    remedy: 'Each entry of errors says what is wrong, where, and what is allowed.',
  },
  invalid_data: {
    status: 422,
    title: 'The data could not be read',
    retryable: false,
    remedy: 'Each entry of errors names the line or the cell; mend the table and send it again.',
  },
  export_unsupported: {
    status: 422,
    title: 'The format cannot hold this model',
    retryable: false,
    remedy: 'The detail says what the format has no words for; take another one.',
  },
  idempotency_mismatch: {
    status: 422,
    title: 'The Idempotency-Key was used with another request',
    retryable: false,
    remedy: 'Use a new key for a new request.',
  },
  budget_exceeded: {
    status: 422,
    title: 'The job is larger than this service accepts',
    retryable: false,
    remedy:
      'Make the network or the batch smaller; the detail names value and limit. An operator raises TRAINYARD_JOB_MEMORY_MB.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong on our side',
    retryable: true,
    remedy: 'Report the request_id to the operator; the cause is in the log under it.',
  },
  unavailable: {
    status: 503,
    title: 'The service is not available now',
    retryable: true,
    remedy:
      'Send the request again after the seconds of Retry-After; with an Idempotency-Key that is safe also for a submission.',
  },
  storage_full: {
    status: 507,
    title: 'The storage is full',
    retryable: true,
    remedy: 'The operator has to make room; what was accepted is kept.',
  },
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
