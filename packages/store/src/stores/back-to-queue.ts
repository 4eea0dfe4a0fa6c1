/** How a job that a worker no longer trains waits for the next. */
import type { ReleaseReason } from '@trainyard/domain'
import { Prisma } from '../generated/client.ts'

export const GIVEN_BACK: Record<ReleaseReason, string> = {
  drained: 'The worker shuts down; the job waits for another',
  made_way: 'The job makes way for one that has to run alone',
  outage: 'The database was away for so long that the training was stopped; it goes on',
  unreadable: 'What the job is trained on cannot be read now; it is tried again',
}

/** Of data that lies in a folder or bucket that is away, while Postgres is not. */
const UNREADABLE_SECONDS = 2

export function waitOf(reason: ReleaseReason): number {
  return reason === 'unreadable' ? UNREADABLE_SECONDS : 0
}

/** The columns of `jobs` that change when one is nobody's any more, and its deliveries are of no use. */
export const released = Prisma.sql`lease_owner = NULL, lease_until = NULL, dispatched_at = NULL, batch_id = NULL,
  dispatch_generation = dispatch_generation + 1, event_seq = event_seq + 1`

/** The same when it is to be handed over again, after so long. */
export function backToQueue(afterSeconds: number): Prisma.Sql {
  return Prisma.sql`status = 'queued', ${released},
    run_after = clock_timestamp() + make_interval(secs => ${afterSeconds}::float8)`
}
