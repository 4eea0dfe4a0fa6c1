import type { ProjectId } from '@trainyard/contracts'
import {
  DomainError,
  type IdempotencyStore,
  type IdempotentRequest,
  type Once,
  type StoredResponse,
} from '@trainyard/domain'

/** What a write answers: the object it made, or the response stored under the same key. */
export interface Replayable<Body> {
  body: Body
  isReplayed: boolean
}

/** What was answered to this key before; null for a new one. Asked before anything else: what the request names may be gone by now. */
export async function findReplay<Body>(
  idempotency: Pick<IdempotencyStore, 'find'>,
  projectId: ProjectId,
  request: IdempotentRequest | null,
): Promise<Replayable<Body> | null> {
  if (request === null) return null
  const stored = await idempotency.find(projectId, request)
  return stored === null ? null : toReplay(stored, request)
}

/** The stored response, unless the key came with another request. */
function toReplay<Body>(stored: StoredResponse, request: IdempotentRequest): Replayable<Body> {
  if (stored.requestSha256 !== request.requestSha256) {
    throw new DomainError('idempotency_mismatch', {
      detail:
        'This Idempotency-Key came with another request before; use a new key for a new request.',
    })
  }
  return { body: stored.body as Body, isReplayed: true }
}

export function fromOnce<Body>(
  once: Once<Body>,
  request: IdempotentRequest | null,
): Replayable<Body> {
  if (once.kind === 'done') return { body: once.result, isReplayed: false }
  if (request === null) throw new Error('a request without a key was replayed')
  return toReplay(once.stored, request)
}
