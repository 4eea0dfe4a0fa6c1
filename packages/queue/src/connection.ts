/**
 * Where the queue lives: Redis in production, BullMQ's own backend on Postgres where there is none. Both carry the same
 * deliveries; everything in them may be lost at any moment and is put again from the jobs' rows.
 */
import { EnvError } from '@trainyard/lifecycle'
import { createPostgresBackend, createPostgresRelayBackend, type RedisOptions } from 'bullmq'
import { Redis } from 'ioredis'

export interface QueueOptions {
  databaseUrl: string
  /** Null: the queue is on Postgres. */
  redisUrl: string | null
  /** Faults of the connection; what was asked of it goes on or is tried again. */
  onError: (error: Error) => void
  /** Keys of this stack begin with it, so that several may share a Redis. Default `trainyard`. */
  prefix?: string
}

export type QueueKind = 'redis' | 'postgres'

const POOL_CONNECTIONS_MAX = 4

export function kindOf(options: QueueOptions): QueueKind {
  return options.redisUrl === null ? 'postgres' : 'redis'
}

export function prefixOf(options: QueueOptions): string {
  return options.prefix ?? 'trainyard'
}

/** Longer than a consumer's command ever blocks: who hears nothing for so long after a command connects anew. */
const SILENCE_MS_MAX = 5000

/** For one who waits for work: it waits through an outage, with short steps, since BullMQ's own grow to 20 s. */
export function toWaitingRedis(url: string): RedisOptions {
  return {
    ...parseRedisUrl(url),
    socketTimeout: SILENCE_MS_MAX,
    maxRetriesPerRequest: null,
    enableReadyCheck: true,
    keepAlive: 10_000,
    connectTimeout: 3000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 500),
  }
}

/** For one who asks: an answer or an error within two seconds, never a queue of commands for later. */
export function toAskingRedis(url: string): RedisOptions {
  return {
    ...toWaitingRedis(url),
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: 2000,
  }
}

/** How long a pulse's connection waits for the next pulse in one command; well within the timeout of commands. */
export const BLOCK_MS = 1000

/**
 * For pulses: what cannot go out now is lost, since one that comes late says nothing and a long outage would pile them up.
 * Retries are without limit because the connection that waits for pulses has these settings too.
 */
export function toPulsingRedis(url: string): RedisOptions {
  return { ...toWaitingRedis(url), enableOfflineQueue: false, commandTimeout: 3000 }
}

export function toPostgres(databaseUrl: string, name: string) {
  return {
    connectionString: databaseUrl,
    application_name: `trainyard-queue-${name}`,
    migrate: true,
    max: POOL_CONNECTIONS_MAX,
    connectionTimeoutMillis: 3000,
    // A frozen server keeps its connections, and would hang whoever asks.
    query_timeout: 10_000,
    keepAlive: true,
  }
}

const NOEVICTION = 'noeviction'

/**
 * Throws an `EnvError` when Redis may drop keys: a queue of which parts vanish is worse than none. Silent where Redis does not
 * answer within a second, or does not say.
 */
export async function assertKeepsKeys(options: QueueOptions): Promise<void> {
  if (options.redisUrl === null) return
  const policy = await readEvictionPolicy(options.redisUrl)
  if (policy === null || policy === NOEVICTION) return
  throw new EnvError(
    `REDIS_URL: this Redis has maxmemory-policy ${policy} and may drop deliveries; it must be ${NOEVICTION}`,
  )
}

async function readEvictionPolicy(url: string): Promise<string | null> {
  const redis = new Redis({
    ...parseRedisUrl(url),
    lazyConnect: true,
    connectTimeout: 1000,
    commandTimeout: 1000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  // The question below fails as well, and tells.
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory'))?.[1] ?? null
  } catch {
    // Away: whoever works with it waits for it, and says so.
    return null
  } finally {
    redis.disconnect()
  }
}

/**
 * On Postgres BullMQ keeps the failure of its first contact for ever, so whoever opens there hears of it at once and may
 * try again. On Redis it waits for the server by itself, and its services start without.
 */
export async function untilUsable(
  options: QueueOptions,
  opened: { waitUntilReady(): Promise<unknown>; close(): Promise<unknown> },
): Promise<void> {
  if (kindOf(options) === 'redis') return
  try {
    await opened.waitUntilReady()
  } catch (error) {
    // What is broken here is already known.
    await opened.close().catch(() => undefined)
    throw error
  }
}

export { createPostgresBackend, createPostgresRelayBackend }

function parseRedisUrl(text: string): RedisOptions {
  const url = new URL(text)
  const database = url.pathname.slice(1)
  return {
    host: url.hostname,
    port: url.port === '' ? 6379 : Number(url.port),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(database === '' ? {} : { db: Number(database) }),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  }
}
