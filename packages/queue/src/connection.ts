/**
 * Where the queue lives: Redis in production, BullMQ's own backend on Postgres where there is none. Both carry the same
 * deliveries; everything in them may be lost at any moment and is put again from the jobs' rows.
 */
import { createPostgresBackend, createPostgresRelayBackend, type RedisOptions } from 'bullmq'

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

/** For one who waits for work: it waits through an outage, with short steps, since BullMQ's own grow to 20 s. */
export function toWaitingRedis(url: string): RedisOptions {
  return {
    ...parseRedisUrl(url),
    maxRetriesPerRequest: null,
    enableReadyCheck: true,
    keepAlive: 10_000,
    connectTimeout: 3000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1000),
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
    keepAlive: true,
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
