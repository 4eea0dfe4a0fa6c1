import { Redis } from 'ioredis'
import type { Rig } from './rig.ts'

const DEADLOCK = '40P01'

/** Takes everything out of the queue: FLUSHALL, or all tables of BullMQ. */
export async function emptyQueue(rig: Pick<Rig, 'redis' | 'query'>): Promise<void> {
  if (rig.redis !== null) {
    await askRedis(rig, (client) => client.flushall())
    return
  }
  const tables = await rig.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname = 'bullmq' AND tablename <> 'migration'`,
  )
  const names = tables.map(({ name }) => name).join(', ')
  for (;;) {
    try {
      await rig.query(`TRUNCATE ${names} CASCADE`)
      return
    } catch (error) {
      // BullMQ locks the same tables in an order of its own, and Postgres picks one of the two to give up.
      if ((error as { code?: string }).code !== DEADLOCK) throw error
    }
  }
}

/** Over a connection of its own, not through the proxy. */
export async function askRedis<Answer>(
  { redis }: Pick<Rig, 'redis'>,
  ask: (client: Redis) => Promise<Answer>,
): Promise<Answer> {
  if (redis === null) throw new Error('this rig has no Redis')
  const client = new Redis(redis.server.url, { maxRetriesPerRequest: 0 })
  try {
    return await ask(client)
  } finally {
    client.disconnect()
  }
}
