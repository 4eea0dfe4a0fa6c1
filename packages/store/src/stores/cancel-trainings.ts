import type { JobId } from '@trainyard/contracts'
import type { Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { lockJobs } from './lock-jobs.ts'
import { insertEventForEach } from './sweep-events.ts'

/** Ends a sweep's queued trainings and asks the workers of the running ones, which are named. The caller holds the sweep's row. */
export async function cancelTrainings(transaction: Queryable, sweepId: string): Promise<JobId[]> {
  const open = Prisma.sql`sweep_id = ${sweepId} AND status IN ('queued', 'paused', 'running', 'pausing')`
  await transaction.$queryRaw(lockJobs(open))
  await transaction.$executeRaw`
    WITH job AS (
      UPDATE jobs SET status = 'cancelled', stop_reason = 'cancelled', event_seq = event_seq + 1,
        cancel_requested_at = clock_timestamp(), finished_at = clock_timestamp()
      WHERE sweep_id = ${sweepId} AND status IN ('queued', 'paused') RETURNING id, event_seq)
    ${insertEventForEach('job.cancelled', 'The sweep has ended before it started', { status: 'cancelled' })}`
  await transaction.$executeRaw`
    WITH job AS (
      UPDATE jobs SET status = 'cancelling', event_seq = event_seq + 1, cancel_requested_at = clock_timestamp()
      WHERE sweep_id = ${sweepId} AND status IN ('running', 'pausing') RETURNING id, event_seq)
    ${insertEventForEach('job.cancelling', 'The worker stops at the next batch', { status: 'cancelling' })}`
  const running = await transaction.$queryRaw<{ id: string }[]>`
    SELECT id FROM jobs WHERE sweep_id = ${sweepId} AND status = 'cancelling'`
  return running.map(({ id }) => id as JobId)
}
