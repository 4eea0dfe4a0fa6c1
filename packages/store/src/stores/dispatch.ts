/** The scheduler's side of jobs: a fair choice of what runs next, and what happens to jobs whose worker is lost. */
import type { JobError, JobId } from '@trainyard/contracts'
import type { Dispatchable, DispatchStore } from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import type { Database } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { translateErrors } from '../to-domain-error.ts'
import { insertEvent } from './events.ts'

/** Deaths in a row without progress after which the job itself is held to be the cause. */
const CRASHES_MAX = 5
/** Waits before the next attempt, by deaths so far: the first costs nothing, since workers die of deploys too. */
const BACKOFF_SECONDS = [0, 10, 60, 60]
/** Dead leases handled in one round; the next round takes the rest. */
const RECOVERIES_PER_ROUND = 200

interface IdRow {
  id: string
  dispatch_generation: number
}

export function createDispatch(database: Database): DispatchStore {
  return {
    pick: (window) =>
      translateErrors(async () => {
        // Rows are numbered within their project after the jobs it has under way, then taken lowest number first: a
        // project with one job goes before the second job of a project with ten thousand.
        const rows = await database.$queryRaw<IdRow[]>`
          WITH under_way AS (
            SELECT project_id, count(*)::int AS jobs FROM jobs
            WHERE status IN ('running', 'pausing', 'cancelling') OR (status = 'queued' AND dispatched_at IS NOT NULL)
            GROUP BY project_id)
          SELECT id, dispatch_generation FROM (
            SELECT j.id, j.dispatch_generation, j.created_at,
              COALESCE(u.jobs, 0) + row_number() OVER (
                PARTITION BY p.id ORDER BY j.priority DESC, j.created_at, j.id) AS turn
            FROM projects p
            LEFT JOIN under_way u ON u.project_id = p.id
            JOIN LATERAL (
              SELECT id, dispatch_generation, priority, created_at FROM jobs
              WHERE project_id = p.id AND status = 'queued' AND dispatched_at IS NULL AND deleted_at IS NULL
                AND run_after <= clock_timestamp()
              ORDER BY priority DESC, created_at, id LIMIT ${window}::int) j ON true
          ) candidates
          ORDER BY turn, created_at, id
          LIMIT GREATEST(0, ${window}::int - (SELECT COALESCE(sum(jobs), 0) FROM under_way))`
        return rows.map(toDispatchable)
      }),

    markDispatched: (jobs) =>
      translateErrors(async () => {
        await database.$executeRaw`
          UPDATE jobs SET dispatched_at = clock_timestamp()
          WHERE (id, dispatch_generation) IN (${pairs(jobs)}) AND status = 'queued'`
      }),

    undelivered: () =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<IdRow[]>`
          SELECT id, dispatch_generation FROM jobs
          WHERE status = 'queued' AND dispatched_at < clock_timestamp() - interval '1 second'`
        return rows.map(toDispatchable)
      }),

    redispatch: (jobs) =>
      translateErrors(async () => {
        await database.$executeRaw`
          UPDATE jobs SET dispatched_at = NULL, dispatch_generation = dispatch_generation + 1
          WHERE (id, dispatch_generation) IN (${pairs(jobs)}) AND status = 'queued'`
      }),

    recoverDeadLeases: () =>
      translateErrors(async () => {
        const dead = await database.$queryRaw<
          { id: string; lease_epoch: number; status: string; crash_count: number }[]
        >`
          SELECT id, lease_epoch, status, crash_count FROM jobs
          WHERE status IN ('running', 'pausing', 'cancelling') AND lease_until < clock_timestamp()
          ORDER BY lease_until LIMIT ${RECOVERIES_PER_ROUND}`
        const recovered: Awaited<ReturnType<DispatchStore['recoverDeadLeases']>> = []
        if (dead.length > 0) failpoint('recover.found_dead')
        for (const job of dead) {
          const outcome =
            job.status === 'cancelling'
              ? ('cancelled' as const)
              : job.status === 'pausing'
                ? ('paused' as const)
                : job.crash_count + 1 >= CRASHES_MAX
                  ? ('failed' as const)
                  : ('requeued' as const)
          // The worker may have renewed since the read: the same row is checked again under its lock.
          const stillDead = Prisma.sql`id = ${job.id} AND lease_epoch = ${job.lease_epoch}
            AND status = ${job.status} AND lease_until < clock_timestamp()`
          const changed = await database.$executeRaw(recovery(outcome, stillDead, job.crash_count))
          if (changed > 0) recovered.push({ jobId: job.id as JobId, outcome })
          failpoint('recover.recovered')
        }
        return recovered
      }),
  }
}

function recovery(
  outcome: 'requeued' | 'failed' | 'cancelled' | 'paused',
  stillDead: Prisma.Sql,
  crashCount: number,
): Prisma.Sql {
  switch (outcome) {
    case 'requeued': {
      const backoff = BACKOFF_SECONDS[Math.min(crashCount, BACKOFF_SECONDS.length - 1)] ?? 0
      return Prisma.sql`
        WITH job AS (
          UPDATE jobs SET status = 'queued', lease_owner = NULL, lease_until = NULL, dispatched_at = NULL,
            dispatch_generation = dispatch_generation + 1, crash_count = crash_count + 1,
            run_after = clock_timestamp() + make_interval(secs => ${backoff}::float8), event_seq = event_seq + 1
          WHERE ${stillDead} RETURNING id, event_seq)
        ${insertEvent('job.retrying', 'The worker was lost; the job goes on with another', { status: 'queued', reason: 'worker_lost' })}`
    }
    case 'failed': {
      const error: JobError = {
        code: 'worker_lost',
        message: `The worker died ${CRASHES_MAX} times in a row while it trained this job`,
        hint: 'The network or its batch may need more memory than a worker has: try fewer units or a smaller batch size.',
        param: null,
        at: null,
      }
      return Prisma.sql`
        WITH job AS (
          UPDATE jobs SET status = 'failed', error = ${JSON.stringify(error)}::jsonb, lease_until = NULL,
            crash_count = crash_count + 1, finished_at = clock_timestamp(), event_seq = event_seq + 1
          WHERE ${stillDead} RETURNING id, event_seq)
        ${insertEvent('job.failed', error.message, { status: 'failed', error })}`
    }
    case 'paused':
      return Prisma.sql`
        WITH job AS (
          UPDATE jobs SET status = 'paused', lease_owner = NULL, lease_until = NULL,
            crash_count = crash_count + 1, event_seq = event_seq + 1
          WHERE ${stillDead} RETURNING id, event_seq)
        ${insertEvent('job.paused', 'The worker was lost; the job waits where its last checkpoint is', { status: 'paused', reason: 'worker_lost' })}`
    case 'cancelled':
      return Prisma.sql`
        WITH job AS (
          UPDATE jobs SET status = 'cancelled', stop_reason = 'cancelled', lease_until = NULL,
            finished_at = clock_timestamp(), event_seq = event_seq + 1
          WHERE ${stillDead} RETURNING id, event_seq)
        ${insertEvent('job.cancelled', 'The job was cancelled', { status: 'cancelled' })}`
  }
}

function pairs(jobs: readonly Dispatchable[]): Prisma.Sql {
  return Prisma.join(jobs.map((job) => Prisma.sql`(${job.jobId}, ${job.generation}::int)`))
}

function toDispatchable(row: IdRow): Dispatchable {
  return { jobId: row.id as JobId, generation: row.dispatch_generation }
}
