/**
 * Who asks. A key comes in the Authorization header and nowhere else: a query ends up in logs. Found keys are remembered
 * for a few seconds, which is how late a revocation may take effect; unknown ones are not, so a new key works at once.
 */
import type { ProjectId } from '@trainyard/contracts'
import { type ApiKey, DomainError, type KeyStore, parseApiKeyText } from '@trainyard/domain'
import { hashSecret, isSameHash } from '@trainyard/store'
import type { FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import type { Settings } from '../deps.ts'

export interface Principal {
  projectId: ProjectId
  /** The public part of the key, for the log; null without authentication. */
  keyId: string | null
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on every route under /v1. */
    principal: Principal
  }
}

const CACHE_MS = 4000
const CACHED_KEYS_MAX = 1000
/** Compared with the secret of a key that does not exist, so that both answers take as long. */
const NO_HASH = new Uint8Array(32)

export type Authenticate = (request: FastifyRequest) => Promise<Principal>

export function makeAuthenticate(deps: {
  keys: KeyStore
  settings: Pick<Settings, 'authentication' | 'keyPepper'>
}): Authenticate {
  const { keys, settings } = deps
  const cache = new Map<string, { key: ApiKey; atMs: number }>()
  let defaultProject: ProjectId | null = null

  return settings.authentication === 'off' ? asDefaultProject : byKey

  async function asDefaultProject(): Promise<Principal> {
    defaultProject ??= await keys.defaultProject()
    if (defaultProject === null) throw new DomainError('unavailable')
    return { projectId: defaultProject, keyId: null }
  }

  async function byKey(request: FastifyRequest): Promise<Principal> {
    const parts = parseApiKeyText(bearerToken(request))
    if (parts === null) throw invalidKey()
    const key = await findKey(parts.keyId)
    const hash = hashSecret(settings.keyPepper, parts.secret)
    const isRight = isSameHash(key?.secretHash ?? NO_HASH, hash)
    if (key === null || !isRight || !isLive(key)) throw invalidKey()
    return { projectId: key.projectId, keyId: key.keyId }
  }

  async function findKey(keyId: string): Promise<ApiKey | null> {
    const cached = cache.get(keyId)
    if (cached !== undefined && performance.now() - cached.atMs < CACHE_MS) return cached.key
    const key = await keys.find(keyId)
    cache.delete(keyId)
    if (key !== null) cache.set(keyId, { key, atMs: performance.now() })
    const oldest = cache.keys().next().value
    if (cache.size > CACHED_KEYS_MAX && oldest !== undefined) cache.delete(oldest)
    return key
  }
}

export function addAuthentication(app: App, authenticate: Authenticate): void {
  app.addHook('onRequest', async (request) => {
    request.principal = await authenticate(request)
  })
}

function bearerToken({ raw, headers }: FastifyRequest): string {
  // Of several headers Node keeps the first; a request that names two keys is refused instead.
  const given = raw.rawHeaders.filter((name, i) => i % 2 === 0 && /^authorization$/i.test(name))
  if (given.length === 0) {
    throw new DomainError('unauthenticated', {
      detail: 'Send the API key as "Authorization: Bearer ty_live_…".',
    })
  }
  const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
  if (given.length > 1 || token === undefined) throw invalidKey()
  return token
}

function isLive({ revokedAt, expiresAt }: ApiKey): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt.getTime() > Date.now())
}

function invalidKey(): DomainError {
  return new DomainError('unauthenticated', {
    detail: 'The API key is not valid: mistyped, revoked, expired or of another service.',
  })
}
