import { type Datasets, type KindName, toSpec } from './job-kinds.ts'
import type { Attempt, Journal, Outcome, Submission } from './journal.ts'

/** Longer than any answer may take; whatever has not come by then hangs. */
const HANG_MS = 10_000

export interface Reply {
  /** Null: no answer. */
  status: number | null
  headers: Headers
  body: unknown
  durationMs: number
}

export type Send = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Reply>

/** Never throws: no answer is an answer here. */
export async function sendRequest(
  { baseUrl, apiKey }: { baseUrl: string; apiKey: string },
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const startedMs = performance.now()
  const durationMs = () => performance.now() - startedMs
  try {
    const response = await fetch(baseUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(HANG_MS),
    })
    const text = await response.text()
    const { status } = response
    const isJson = response.headers.get('content-type')?.includes('json') === true
    const parsed: unknown = isJson && text !== '' ? JSON.parse(text) : text
    return { status, headers: response.headers, body: parsed, durationMs: durationMs() }
  } catch {
    return { status: null, headers: new Headers(), body: null, durationMs: durationMs() }
  }
}

export function makeSubmit(deps: { journal: Journal; send: Send; datasets: Datasets }) {
  const { journal, send, datasets } = deps
  return async (kind: KindName, again?: Submission): Promise<Submission> => {
    const submission = again ?? (await journal.begin(kind))
    const spec = toSpec(kind, datasets, submission.number)
    const reply = await send('POST', '/v1/jobs', spec, {
      'idempotency-key': submission.idempotencyKey,
    })
    const outcome = outcomeOf(reply.status)
    const attempt: Attempt = {
      outcome,
      status: reply.status,
      retryAfter: reply.headers.get('retry-after'),
      durationMs: reply.durationMs,
      atMs: Date.now(),
    }
    const jobId = outcome === 'ok' ? (reply.body as { id: string }).id : null
    await journal.end(submission, attempt, jobId)
    if (outcome === 'fail') throw new Error(`${kind} is refused: ${JSON.stringify(reply.body)}`)
    return submission
  }
}

function outcomeOf(status: number | null): Outcome {
  if (status === null || status >= 500) return 'unknown'
  return status < 300 ? 'ok' : 'fail'
}
