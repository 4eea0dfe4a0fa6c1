/** Events are written only here, always in the transaction of what they tell. */
import { createId, type JobEventType } from '@trainyard/contracts'
import { Prisma } from '../generated/client.ts'

const LEVELS: Partial<Record<JobEventType, 'warn' | 'error'>> = {
  'job.retrying': 'warn',
  'job.failed': 'error',
}

/**
 * The tail of a statement `WITH job AS (UPDATE jobs SET event_seq = event_seq + 1, … RETURNING id, event_seq)`: one
 * event under the seq that the update has just taken. The row lock of the update makes seqs gapless and in commit order.
 */
export function insertEvent(
  type: JobEventType,
  message: string,
  data: Prisma.Sql | Record<string, unknown>,
): Prisma.Sql {
  const json = data instanceof Prisma.Sql ? data : Prisma.sql`${JSON.stringify(data)}::jsonb`
  return Prisma.sql`
    INSERT INTO events (id, job_id, seq, level, type, message, data)
    SELECT ${createId('event')}, job.id, job.event_seq, ${LEVELS[type] ?? 'info'}, ${type}, ${message}, ${json} FROM job`
}
