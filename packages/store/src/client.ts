import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { PrismaClient } from './generated/client.ts'

/** `pool` are Prisma's own connections, for bytes: Prisma carries them as Base64 inside JSON, on the event loop. */
export type Database = PrismaClient & { readonly pool: pg.Pool }
/** What runs a query: the client itself, or one transaction of it. */
export type Queryable = Pick<PrismaClient, '$queryRaw' | '$executeRaw'>

export interface DatabaseOptions {
  connectionString: string
  /** Shown in `pg_stat_activity`. */
  applicationName: string
  connectionsMax: number
  /** Connection faults outside a query; a query's own fault goes to its caller. */
  onError: (error: Error) => void
}

/**
 * Opens a pool on Postgres. Every wait has an end: `pg` itself has no connection timeout, so a frozen server would
 * hang requests for ever.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    application_name: options.applicationName,
    max: options.connectionsMax,
    connectionTimeoutMillis: 3000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    query_timeout: 8000,
    statement_timeout: 7000,
    lock_timeout: 3000,
    idle_in_transaction_session_timeout: 10_000,
  })
  pool.on('error', options.onError)
  // Pool and adapter each listen only while a connection is theirs. One that ends between the two would end the process.
  pool.on('connect', (connection) => connection.on('error', options.onError))
  const adapter = new PrismaPg(pool, {
    disposeExternalPool: true,
    onConnectionError: options.onError,
  })
  const client = new PrismaClient({
    adapter,
    transactionOptions: { maxWait: 4000, timeout: 5000 },
  })
  return Object.assign(client, { pool })
}
