/** What becomes of a running job whose worker, or whose thread, is no more. */
import type { JobError } from '@trainyard/contracts'
import { DEATHS_MAX, judgeLoss, type LostJobOutcome } from '@trainyard/domain'
import { Prisma } from '../generated/client.ts'
import { backToQueue } from './back-to-queue.ts'
import { insertEvent } from './events.ts'

export interface HeldJob {
  status: string
  crash_count: number
}

/** What was lost; the work of a worker that was told to go counts as no death. */
export type Loss = 'worker_lost' | 'worker_drained' | 'thread_lost'

export interface Recovery {
  outcome: LostJobOutcome
  /** Changes the row that `isStill` names; none when it is another's by now. */
  statement: Prisma.Sql
}

const LOST: Record<Loss, { message: string; deaths: 0 | 1 }> = {
  worker_lost: { message: 'The worker was lost; the job goes on with another', deaths: 1 },
  worker_drained: {
    message: 'The worker ended before it gave the job back; the job goes on with another',
    deaths: 0,
  },
  thread_lost: { message: 'The thread of the job ended; the job goes on with another', deaths: 1 },
}

export function recover(job: HeldJob, loss: Loss, isStill: Prisma.Sql): Recovery {
  const { message, deaths } = LOST[loss]
  if (job.status === 'cancelling') return { outcome: 'cancelled', statement: toCancelled(isStill) }
  const judged = judgeLoss(job.crash_count, deaths)
  const { crashes } = judged
  if (judged.verdict === 'guilty') {
    return { outcome: 'failed', statement: toFailed(isStill, crashes) }
  }
  if (job.status === 'pausing') {
    return { outcome: 'paused', statement: toPaused(isStill, crashes, loss) }
  }
  const statement = Prisma.sql`
    WITH job AS (
      UPDATE jobs SET ${backToQueue(judged.backoffSeconds)}, crash_count = ${crashes}::int
      WHERE ${isStill} RETURNING id, event_seq)
    ${insertEvent('job.retrying', message, { status: 'queued', reason: loss })}`
  return { outcome: 'requeued', statement }
}

function toFailed(isStill: Prisma.Sql, crashes: number): Prisma.Sql {
  const error: JobError = {
    code: 'worker_lost',
    message: `The worker died ${DEATHS_MAX} times in a row while it trained this job, the last times with no other job beside it`,
    hint: 'The network or its batch may need more memory than a worker has: try fewer units or a smaller batch size.',
    param: null,
    at: null,
  }
  return Prisma.sql`
    WITH job AS (
      UPDATE jobs SET status = 'failed', error = ${JSON.stringify(error)}::jsonb, lease_until = NULL,
        crash_count = ${crashes}::int, finished_at = clock_timestamp(), event_seq = event_seq + 1
      WHERE ${isStill} RETURNING id, event_seq)
    ${insertEvent('job.failed', error.message, { status: 'failed', error })}`
}

/** Where its last checkpoint is; what was trained since then is trained again. */
function toPaused(isStill: Prisma.Sql, crashes: number, loss: Loss): Prisma.Sql {
  return Prisma.sql`
    WITH job AS (
      UPDATE jobs SET status = 'paused', lease_owner = NULL, lease_until = NULL, crash_count = ${crashes}::int,
        event_seq = event_seq + 1
      WHERE ${isStill} RETURNING id, event_seq)
    ${insertEvent('job.paused', 'The worker was lost; the job waits where its last checkpoint is', { status: 'paused', reason: loss })}`
}

function toCancelled(isStill: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`
    WITH job AS (
      UPDATE jobs SET status = 'cancelled', stop_reason = 'cancelled', lease_until = NULL,
        finished_at = clock_timestamp(), event_seq = event_seq + 1
      WHERE ${isStill} RETURNING id, event_seq)
    ${insertEvent('job.cancelled', 'The job was cancelled', { status: 'cancelled' })}`
}
