/** The server of one test file's queue, and what can happen to it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import pg from 'pg'
import { createTestDatabase } from '../../../test/support/database.ts'
import type { TestQueue } from '../../../test/support/queues.ts'
import { startRedis } from '../../../test/support/redis.ts'
import { waitFor } from '../../../test/support/wait-for.ts'
import type { QueueOptions } from './connection.ts'

export interface QueueServer {
  options: QueueOptions
  /** What `onError` was told. */
  faults: Error[]
  /** Takes everything out of it, as a FLUSHALL does. */
  empty(): Promise<void>
  /** Breaks every connection and takes no new one. */
  goDown(): Promise<void>
  comeBack(): Promise<void>
  stop(): Promise<void>
}

export function startQueueServer(queue: TestQueue): Promise<QueueServer> {
  return queue === 'redis' ? startOnRedis() : startOnPostgres()
}

async function startOnRedis(): Promise<QueueServer> {
  const redis = await startRedis()
  const port = new URL(redis.url).port
  const faults: Error[] = []
  let kill = () => redis.stop()
  return {
    options: {
      databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
      redisUrl: redis.url,
      onError: (error) => faults.push(error),
    },
    faults,
    async empty() {
      const client = new Redis(redis.url)
      await client.flushall()
      client.disconnect()
    },
    goDown: () => kill(),
    async comeBack() {
      const server = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', ''], {
        stdio: 'ignore',
      })
      kill = async () => {
        const exited = once(server, 'exit')
        server.kill('SIGKILL')
        await exited
      }
      const client = new Redis(redis.url, { maxRetriesPerRequest: null, retryStrategy: () => 10 })
      client.on('error', () => undefined)
      await client.ping()
      client.disconnect()
    },
    stop: () => kill(),
  }
}

async function startOnPostgres(): Promise<QueueServer> {
  const database = await createTestDatabase()
  const name = new URL(database.url).pathname.slice(1)
  const admin = new URL(database.url)
  admin.pathname = '/postgres'
  const faults: Error[] = []
  return {
    options: {
      databaseUrl: database.url,
      redisUrl: null,
      onError: (error) => faults.push(error),
    },
    faults,
    async empty() {
      const tables = await query<{ name: string }>(
        database.url,
        `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
         WHERE schemaname = 'bullmq' AND tablename <> 'migration'`,
      )
      await query(database.url, `TRUNCATE ${tables.map((table) => table.name).join(', ')} CASCADE`)
    },
    async goDown() {
      await query(admin.href, `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`)
      await waitFor('the last connection is broken', async () => {
        const broken = await query(
          admin.href,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
        )
        return broken.length === 0
      })
    },
    async comeBack() {
      await query(admin.href, `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`)
    },
    stop: () => database.drop(),
  }
}

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}
