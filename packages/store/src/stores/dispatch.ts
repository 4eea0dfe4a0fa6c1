/** The scheduler's side of jobs: a fair choice of what runs next, and what happens to jobs whose worker is lost. */
import type { JobId, ProjectId } from '@trainyard/contracts'
import type { Dispatchable, DispatchStore } from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import type { Database } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { translateErrors } from '../to-domain-error.ts'
import { isDue } from './is-due.ts'
import { lockJobs } from './lock-jobs.ts'
import { type HeldJob, recover } from './recovery.ts'

/** Dead leases handled in one round; the next round takes the rest. */
const RECOVERIES_PER_ROUND = 200

interface IdRow {
  id: string
  dispatch_generation: number
}

export function createDispatch(
  database: Database,
  { leaseSeconds }: { leaseSeconds: number },
): DispatchStore {
  return {
    threadTimes: (sinceMs) =>
      translateErrors(async () => {
        // Jobs that were claimed together have one thread, from the first start to the last end.
        const rows = await database.$queryRaw<
          { project_id: string | null; thread_ms: number; at_ms: number }[]
        >`
          WITH clock AS MATERIALIZED (
            SELECT now, COALESCE(to_timestamp(${sinceMs}::float8 / 1000), now) AS since FROM clock_timestamp() AS now),
          taken AS (
            SELECT project_id, min(GREATEST(started_at, since)) AS begun, max(COALESCE(finished_at, now)) AS ended
            FROM jobs, clock
            WHERE started_at IS NOT NULL
              AND (status IN ('running', 'pausing', 'cancelling') OR finished_at > (SELECT since FROM clock))
            GROUP BY project_id, COALESCE(batch_id, id)),
          had AS (
            SELECT project_id, (extract(epoch FROM sum(ended - begun)) * 1000)::float8 AS thread_ms
            FROM taken GROUP BY project_id)
          SELECT p.id AS project_id, COALESCE(h.thread_ms, 0) AS thread_ms,
            (extract(epoch FROM now) * 1000)::float8 AS at_ms
          FROM clock LEFT JOIN (
            SELECT id FROM projects p
            WHERE EXISTS (SELECT 1 FROM jobs WHERE project_id = p.id AND status IN ('running', 'pausing', 'cancelling'))
              OR EXISTS (SELECT 1 FROM jobs WHERE project_id = p.id AND status = 'queued' AND sweep_id IS NULL AND ${isDue})
              -- One trial of each sweep is looked at: without the limit all that wait are read, in every round.
              OR EXISTS (SELECT 1 FROM sweeps s JOIN LATERAL (
                SELECT 1 FROM jobs WHERE sweep_id = s.id AND status = 'queued' AND ${isDue} ORDER BY trial_index LIMIT 1) j ON true
                WHERE s.project_id = p.id AND s.status = 'running')) p ON true
          LEFT JOIN had h ON h.project_id = p.id`
        return {
          atMs: rows[0]?.at_ms ?? 0,
          threadMs: new Map(
            rows
              .filter((row) => row.project_id !== null)
              .map((row) => [row.project_id as ProjectId, row.thread_ms]),
          ),
        }
      }),

    pick: (window, behind = new Map()) =>
      translateErrors(async () => {
        const turns = JSON.stringify(Object.fromEntries(behind))
        // A lane is a sweep, or all other jobs of a project. Rows are numbered within their lane after what it has under
        // way, the lanes of a project are taken in turns, and so are the projects: one with a single job goes before the
        // second job of one with ten thousand, and a job of one's own before the second trial of one's own sweep. Jobs that
        // were claimed together take one thread and count once.
        const rows = await database.$queryRaw<IdRow[]>`
          WITH under_way AS (
            SELECT project_id, sweep_id, count(DISTINCT COALESCE(batch_id, id))::int AS jobs FROM jobs
            WHERE status IN ('running', 'pausing', 'cancelling') OR (status = 'queued' AND dispatched_at IS NOT NULL)
            GROUP BY project_id, sweep_id),
          of_project AS (SELECT project_id, sum(jobs)::int AS jobs FROM under_way GROUP BY project_id),
          lanes AS (
            SELECT id AS project_id, NULL AS sweep_id FROM projects
            UNION ALL SELECT project_id, id FROM sweeps WHERE status = 'running'),
          queued AS (
            SELECT l.project_id, j.id, j.dispatch_generation, j.created_at, j.priority,
              COALESCE(u.jobs, 0) + row_number() OVER (
                PARTITION BY l.project_id, l.sweep_id ORDER BY j.priority DESC, j.created_at, j.id) AS turn
            FROM lanes l
            LEFT JOIN under_way u ON u.project_id = l.project_id AND u.sweep_id IS NOT DISTINCT FROM l.sweep_id
            JOIN LATERAL (
              SELECT id, dispatch_generation, priority, created_at FROM jobs
              WHERE project_id = l.project_id AND (sweep_id = l.sweep_id OR (sweep_id IS NULL AND l.sweep_id IS NULL))
                AND status = 'queued' AND dispatched_at IS NULL AND deleted_at IS NULL
                AND ${isDue}
              ORDER BY priority DESC, created_at, id LIMIT ${window}::int) j ON true)
          SELECT id, dispatch_generation FROM (
            SELECT q.id, q.dispatch_generation, q.created_at, COALESCE(p.jobs, 0)
              + COALESCE((${turns}::jsonb->>q.project_id)::int, 0) + row_number() OVER (
                PARTITION BY q.project_id ORDER BY q.priority DESC, q.turn, q.created_at, q.id) AS turn
            FROM queued q LEFT JOIN of_project p ON p.project_id = q.project_id) candidates
          ORDER BY turn, created_at, id
          LIMIT GREATEST(0, ${window}::int - (SELECT COALESCE(sum(jobs), 0) FROM under_way))`
        return rows.map(toDispatchable)
      }),

    markDispatched: (jobs) =>
      translateErrors(async () => {
        await database.$executeRaw`
          UPDATE jobs SET dispatched_at = clock_timestamp()
          WHERE id IN (${lockWaiting(jobs)})`
      }),

    undelivered: () =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<IdRow[]>`
          SELECT id, dispatch_generation FROM jobs
          WHERE status = 'queued'
            AND dispatched_at NOT BETWEEN clock_timestamp() - interval '1 second' AND clock_timestamp()`
        return rows.map(toDispatchable)
      }),

    redispatch: (jobs) =>
      translateErrors(async () => {
        await database.$executeRaw`
          UPDATE jobs SET dispatched_at = NULL, dispatch_generation = dispatch_generation + 1
          WHERE id IN (${lockWaiting(jobs)})`
      }),

    clockMs: () =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<{ ms: number }[]>`
          SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms`
        return rows[0]?.ms ?? 0
      }),

    recoverDeadLeases: (asOfMs) =>
      translateErrors(async () => {
        // No lease ends so late: the clock was set back since it was renewed. Who lives renews it, who is dead is found in time.
        const tooLate = Prisma.sql`status IN ('running', 'pausing', 'cancelling')
          AND lease_until > clock_timestamp() + make_interval(secs => ${leaseSeconds + 1}::float8)`
        await database.$executeRaw`
          UPDATE jobs SET lease_until = clock_timestamp() + make_interval(secs => ${leaseSeconds}::float8)
          WHERE id IN (${lockJobs(tooLate)})`
        const asOf =
          asOfMs === undefined
            ? Prisma.sql`clock_timestamp()`
            : Prisma.sql`to_timestamp(${asOfMs / 1000}::float8)`
        const dead = await database.$queryRaw<
          (HeldJob & { id: string; lease_epoch: number; drains: boolean })[]
        >`
          SELECT j.id, j.lease_epoch, j.status, j.crash_count, COALESCE(w.draining, false) AS drains
          FROM jobs j LEFT JOIN workers w ON w.id = j.lease_owner
          WHERE j.status IN ('running', 'pausing', 'cancelling') AND j.lease_until < ${asOf}
          ORDER BY j.lease_until LIMIT ${RECOVERIES_PER_ROUND}`
        const recovered: Awaited<ReturnType<DispatchStore['recoverDeadLeases']>> = []
        if (dead.length > 0) failpoint('recover.found_dead')
        for (const job of dead) {
          // The worker may have renewed since the read: the same row is checked again under its lock.
          const stillDead = Prisma.sql`id = ${job.id} AND lease_epoch = ${job.lease_epoch}
            AND status = ${job.status} AND lease_until < ${asOf}`
          const loss = job.drains ? 'worker_drained' : 'worker_lost'
          const { outcome, statement } = recover(job, loss, stillDead)
          const changed = await database.$executeRaw(statement)
          if (changed > 0) recovered.push({ jobId: job.id as JobId, outcome })
          failpoint('recover.recovered')
        }
        return recovered
      }),
  }
}

/** Those that still wait, under the generation that was seen. */
function lockWaiting(jobs: readonly Dispatchable[]): Prisma.Sql {
  const seen = jobs.map(({ jobId, generation }) => Prisma.sql`(${jobId}, ${generation}::int)`)
  return lockJobs(
    Prisma.sql`(id, dispatch_generation) IN (${Prisma.join(seen)}) AND status = 'queued'`,
  )
}

function toDispatchable(row: IdRow): Dispatchable {
  return { jobId: row.id as JobId, generation: row.dispatch_generation }
}
