import pg from 'pg'

/** Spells "SCHE". */
const LEADER_LOCK_KEY = 0x53434845

export interface Leadership {
  /** True while this process leads. Asks Postgres only when it does not lead or its session is gone. */
  isLeader(): Promise<boolean>
  close(): Promise<void>
}

/**
 * One leader among schedulers, by a session's advisory lock: the session dies with its process, and the lock with the
 * session. Two leaders for a moment do no harm, since every decision is a fenced statement.
 */
export function openLeadership(connectionString: string): Leadership {
  let session: pg.Client | null = null
  let leads = false
  let asking: Promise<boolean> | null = null

  return {
    async isLeader() {
      if (leads) return true
      // Loops ask side by side; two sessions would hold the lock against each other.
      asking ??= ask().finally(() => {
        asking = null
      })
      return await asking
    },
    close: lose,
  }

  async function ask(): Promise<boolean> {
    try {
      session ??= await openSession()
      const result = await session.query<{ leads: boolean }>(
        'SELECT pg_try_advisory_lock($1) AS leads',
        [LEADER_LOCK_KEY],
      )
      leads = result.rows[0]?.leads === true
      return leads
    } catch (error) {
      await lose()
      throw error
    }
  }

  async function openSession(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString,
      application_name: 'trainyard-leader',
      connectionTimeoutMillis: 3000,
      query_timeout: 3000,
      keepAlive: true,
    })
    client.on('error', () => {
      // A late word of an older session says nothing about this one.
      if (client === session) void lose()
    })
    await client.connect()
    return client
  }

  async function lose(): Promise<void> {
    const old = session
    session = null
    leads = false
    // The session is broken already or will be closed by the server; there is nothing to learn from its end.
    await old?.end().catch(() => undefined)
  }
}
