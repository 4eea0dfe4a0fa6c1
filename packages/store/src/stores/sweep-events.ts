/** Events of a sweep, and those of many jobs in one statement; always in the transaction of what they tell. */
import { createId, type JobEventType, type SweepEventType } from '@trainyard/contracts'
import type { NewSweepEvent } from '@trainyard/domain'
import type { Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'

const LEVELS: Partial<Record<SweepEventType, 'warn' | 'error'>> = {
  'trial.failed': 'warn',
  'sweep.failed': 'error',
}

/** The caller holds the sweep's row: seqs are without gaps and in the order of commits. */
export async function insertSweepEvents(
  transaction: Queryable,
  sweepId: string,
  events: readonly NewSweepEvent[],
): Promise<void> {
  if (events.length === 0) return
  const rows = events.map(({ type, message, data }, i) => ({
    place: i + 1,
    id: createId('event'),
    level: LEVELS[type] ?? 'info',
    type,
    message,
    data,
  }))
  await transaction.$executeRaw`
    WITH sweep AS (
      UPDATE sweeps SET event_seq = event_seq + ${events.length}::int WHERE id = ${sweepId} RETURNING id, event_seq)
    INSERT INTO sweep_events (id, sweep_id, seq, level, type, message, data)
    SELECT e.id, sweep.id, sweep.event_seq - ${events.length}::int + e.place, e.level, e.type, e.message, e.data
    FROM sweep, jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      AS e (place int, id text, level text, type text, message text, data jsonb)`
}

/**
 * The tail of a statement whose common table `job` has many rows of `id` and `event_seq`: one event for each, as
 * `insertEvent` does for one.
 */
export function insertEventForEach(
  type: JobEventType,
  message: string,
  data: Record<string, unknown>,
): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO events (id, job_id, seq, level, type, message, data)
    SELECT ${manyEventIds()}, job.id, job.event_seq, 'info', ${type}, ${message}, ${JSON.stringify(data)}::jsonb FROM job`
}

/** A new id in every row of a statement: one made here, whose last six characters are the row's number. */
export function manyEventIds(): Prisma.Sql {
  return Prisma.sql`left(${createId('event')}, -6) || lpad((row_number() OVER ())::text, 6, '0')`
}
