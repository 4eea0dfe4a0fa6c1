/**
 * The worker's side of sweeps: short trainings claimed and ended many at a time, each under a lease of its own, and the
 * decisions of early termination in the order in which trials ask.
 */
import { type JobId, METRIC_NAMES, type ResolvedConfig, type SweepSpec } from '@trainyard/contracts'
import type { Finish, Lease, RungSaying, RunningSweep, TrialLeaseStore } from '@trainyard/domain'
import type { Database, Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { fromEpochMetrics } from '../mappers/metrics.ts'
import { translateErrors } from '../to-domain-error.ts'
import { backToQueue, GIVEN_BACK, released, waitOf } from './back-to-queue.ts'
import { lockJobs } from './lock-jobs.ts'
import { insertEventForEach, manyEventIds } from './sweep-events.ts'

interface SiblingRow {
  id: string
  lease_epoch: number
  attempt: number
  trial_index: number
  resolved_config: unknown
}

/** `engine` as in `createLeases`. */
export function createTrialLeases(
  database: Database,
  options: { leaseSeconds: number; engine: string },
): TrialLeaseStore {
  const leaseUntil = Prisma.sql`clock_timestamp() + make_interval(secs => ${options.leaseSeconds}::float8)`

  return {
    claimSiblings: (first, owner, count) =>
      translateErrors(async () => {
        // One that lost its worker runs alone: it may be what killed it.
        const rows = await database.$queryRaw<SiblingRow[]>`
          WITH lead AS (
            UPDATE jobs SET batch_id = id WHERE id = ${first.jobId} AND ${count}::int > 0 RETURNING id),
          -- What is left is shared among the slots, so that none waits for another's batch, but for batches of less than half.
          share AS (
            SELECT LEAST(${count}::int, GREATEST(${count}::int / 2, ceil((SELECT count(*) + 1 FROM jobs
                WHERE sweep_id = ${first.sweepId} AND status = 'queued') / GREATEST(1, (SELECT sum(slots) FROM workers
                WHERE seen_at > clock_timestamp() - interval '10 seconds'))::float8)::int - 1)) AS siblings),
          siblings AS (
            SELECT j.id FROM jobs j JOIN sweeps s ON s.id = j.sweep_id AND s.status = 'running'
            -- The first is waited for before any other is held, or a cancel could hold it and wait for these.
            WHERE EXISTS (SELECT 1 FROM lead)
              AND j.sweep_id = ${first.sweepId} AND j.status = 'queued' AND j.expected_ms IS NOT NULL AND j.dispatched_at IS NULL
              AND j.crash_count = 0 AND j.deleted_at IS NULL AND j.run_after <= clock_timestamp()
            ORDER BY j.trial_index LIMIT (SELECT siblings FROM share) FOR UPDATE OF j SKIP LOCKED),
          job AS (
            UPDATE jobs SET status = 'running', lease_epoch = lease_epoch + 1, attempt = attempt + 1,
              lease_owner = ${owner}, lease_until = ${leaseUntil}, progress_engine = ${options.engine}, epoch = 0,
              best = NULL, batch_id = ${first.jobId}, started_at = COALESCE(started_at, clock_timestamp()),
              event_seq = event_seq + 1
            FROM siblings WHERE jobs.id = siblings.id
            RETURNING jobs.id, jobs.lease_epoch, jobs.attempt, jobs.trial_index, jobs.resolved_config, jobs.event_seq),
          told AS (${insertEventForEach('job.started', 'A worker has taken the job', { status: 'running' })}),
          wiped AS (DELETE FROM epoch_metrics m USING job WHERE m.job_id = job.id)
          SELECT id, lease_epoch, attempt, trial_index, resolved_config FROM job ORDER BY trial_index, id`
        return rows.map((row) => ({
          id: row.id as JobId,
          leaseEpoch: row.lease_epoch,
          attempt: row.attempt,
          trialIndex: row.trial_index,
          resolvedConfig: row.resolved_config as ResolvedConfig,
        }))
      }),

    renew: (leases) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<{ id: string; status: string }[]>`
          UPDATE jobs SET lease_until = ${leaseUntil} WHERE id IN (${lockJobs(areMine(leases))}) RETURNING id, status`
        return new Map(
          rows.map(({ id, status }) => [id as JobId, status === 'cancelling' ? 'cancel' : 'go_on']),
        )
      }),

    finishMany: (finishes) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          const mine = areMine(finishes.map(({ lease }) => lease))
          const held = await transaction.$queryRaw<{ id: string; status: string }[]>(
            lockJobs(mine, Prisma.sql`id, status`),
          )
          const statuses = new Map(held.map(({ id, status }) => [id, status]))
          const ends = finishes.flatMap(({ lease, finish }): End[] => {
            const status = statuses.get(lease.jobId)
            if (status === undefined) return []
            return [
              { id: lease.jobId, ...(status === 'cancelling' ? toCancelled(finish) : finish) },
            ]
          })
          if (ends.length > 0) await writeEnds(transaction, ends)
          return ends.map(({ id }) => id)
        }),
      ),

    releaseMany: (leases, reason) =>
      translateErrors(async () => {
        if (leases.length === 0) return
        await database.$executeRaw`
          WITH job AS (
            UPDATE jobs SET ${backToQueue(waitOf(reason))}
            WHERE id IN (${lockJobs(areMine(leases))}) AND status = 'running' RETURNING id, event_seq)
          ${insertEventForEach('job.retrying', GIVEN_BACK[reason], { status: 'queued', reason })}`
        await database.$executeRaw`
          WITH job AS (
            UPDATE jobs SET status = 'paused', ${released}
            WHERE id IN (${lockJobs(areMine(leases))}) AND status = 'pausing' RETURNING id, event_seq)
          ${insertEventForEach('job.paused', 'The job waits until it is resumed', { status: 'paused' })}`
      }),

    searchOf: (sweepId) =>
      translateErrors(async () => {
        const row = await database.sweep.findUniqueOrThrow({
          where: { id: sweepId },
          select: { config: true, objective: true, seed: true },
        })
        return {
          config: row.config as SweepSpec,
          objective: row.objective as RunningSweep['objective'],
          seed: Number(row.seed),
        }
      }),

    sayAtRung: <Decision extends { stops: boolean }>(
      lease: Lease,
      sweepId: string,
      saying: RungSaying,
      decide: (before: RungSaying[]) => Decision,
    ) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          // The order in which trials are heard is the order in which they hold this lock.
          await transaction.$queryRaw`SELECT id FROM sweeps WHERE id = ${sweepId} FOR UPDATE`
          const mine = await transaction.$queryRaw<{ id: string }[]>`
            SELECT id FROM jobs WHERE ${areMine([lease])}`
          if (mine.length === 0) return null
          const rows = await transaction.$queryRaw<
            { trial_index: number; epoch: number; value: number | null; decision: unknown }[]
          >`SELECT trial_index, epoch, value, decision FROM sweep_rungs WHERE sweep_id = ${sweepId} ORDER BY position`
          const said = rows.find(
            (row) => row.trial_index === saying.trialIndex && row.epoch === saying.epoch,
          )
          // Said by an attempt before, which was lost: what followed then follows now.
          if (said !== undefined) return said.decision as Decision
          const decision = decide(
            rows.map((row) => ({
              trialIndex: row.trial_index,
              epoch: row.epoch,
              value: row.value ?? Number.POSITIVE_INFINITY,
            })),
          )
          await transaction.$executeRaw`
            INSERT INTO sweep_rungs (sweep_id, trial_index, epoch, position, value, decision)
            VALUES (${sweepId}, ${saying.trialIndex}, ${saying.epoch}, ${rows.length + 1},
              ${Number.isFinite(saying.value) ? saying.value : null}::float8, ${JSON.stringify(decision)}::jsonb)`
          return decision
        }),
      ),
  }
}

type End = Finish & { id: JobId }

/** Who was told "cancelling" shall not see another end, even if the work was done by then. */
function toCancelled(finish: Finish): Finish {
  return { ...finish, status: 'cancelled', stopReason: 'cancelled', error: null, test: null }
}

function areMine(leases: readonly Lease[]): Prisma.Sql {
  const ids = leases.map(({ jobId }) => jobId)
  const epochs = leases.map(({ leaseEpoch }) => leaseEpoch)
  return Prisma.sql`(id, lease_epoch) IN (SELECT * FROM unnest(${ids}::text[], ${epochs}::int[]))
    AND status IN ('running', 'pausing', 'cancelling')`
}

async function writeEnds(transaction: Queryable, ends: readonly End[]): Promise<void> {
  await insertMetrics(transaction, ends)
  const rows = ends.map((end) => ({
    id: end.id,
    status: end.status,
    stop_reason: end.stopReason,
    error: end.error,
    final: end.final,
    best: end.best,
    manifest: end.manifest,
    test: end.test ?? null,
    split: end.split?.sha256 ?? null,
    epoch: end.final?.epoch ?? 0,
    told: end.metrics.length > 0 ? 1 : 0,
    last: end.metrics.at(-1) ?? null,
    message:
      end.error?.message ??
      (end.status === 'succeeded'
        ? `Training has ended: ${end.stopReason}`
        : 'The job was cancelled'),
    data: {
      status: end.status,
      stop_reason: end.stopReason,
      final: end.final,
      best: end.best,
      error: end.error,
    },
  }))
  const given = Prisma.sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS e (id text, status text, stop_reason text,
    error jsonb, final jsonb, best jsonb, manifest jsonb, test jsonb, split text, epoch int, told int, last jsonb, message text, data jsonb)`
  await transaction.$executeRaw`
    WITH job AS (
      UPDATE jobs SET status = e.status, stop_reason = e.stop_reason, error = NULLIF(e.error, 'null'::jsonb),
        final = NULLIF(e.final, 'null'::jsonb), best = NULLIF(e.best, 'null'::jsonb),
        manifest = NULLIF(e.manifest, 'null'::jsonb), test = NULLIF(e.test, 'null'::jsonb), split_sha256 = e.split, epoch = e.epoch,
        finished_at = clock_timestamp(), lease_until = NULL, event_seq = event_seq + 1 + e.told
      FROM ${given} WHERE jobs.id = e.id
      RETURNING jobs.id, jobs.event_seq, e.status, e.told, e.last, e.message, e.data),
    told AS (
      INSERT INTO events (id, job_id, seq, level, type, message, data)
      SELECT ${manyEventIds()}, id, event_seq - 1, 'info', 'job.epoch_completed', 'Epoch ' || (last->>'epoch') || ' is done', last
      FROM job WHERE told = 1)
    INSERT INTO events (id, job_id, seq, level, type, message, data)
    SELECT ${manyEventIds()}, id, event_seq, CASE WHEN status = 'failed' THEN 'error' ELSE 'info' END, 'job.' || status, message, data
    FROM job`
  await insertWeights(transaction, ends)
}

/** The epochs of all in one statement. */
async function insertMetrics(transaction: Queryable, ends: readonly End[]): Promise<void> {
  const epochs = ends.flatMap(({ id, metrics }) => metrics.map((row) => ({ id, row })))
  if (epochs.length === 0) return
  const ids = epochs.map(({ id }) => id)
  const arrays = METRIC_NAMES.map((name) => {
    // As text: Prisma turns a NaN or an infinity into null, Postgres reads both.
    const values = epochs.map(({ row }) => fromEpochMetrics(row, name)?.toString() ?? null)
    const type = Prisma.raw(name === 'epoch' || name === 'step' ? 'int[]' : 'float8[]')
    return Prisma.sql`${values}::text[]::${type}`
  })
  const columns = Prisma.raw(METRIC_NAMES.join(', '))
  await transaction.$executeRaw`
    INSERT INTO epoch_metrics (job_id, ${columns})
    SELECT job_id, ${columns} FROM unnest(${ids}::text[], ${Prisma.join(arrays)}) AS reported (job_id, ${columns})
    ON CONFLICT (job_id, epoch) DO NOTHING`
}

async function insertWeights(transaction: Queryable, ends: readonly End[]): Promise<void> {
  const rows = ends.flatMap(({ id, weights }) =>
    weights.map(({ which, epoch, sha256, architecture, preprocessing }) => ({
      job_id: id,
      which,
      epoch,
      sha256,
      architecture,
      preprocessing,
    })),
  )
  if (rows.length === 0) return
  await transaction.$executeRaw`
    INSERT INTO job_weights (job_id, which, epoch, sha256, architecture, preprocessing)
    SELECT job_id, which, epoch, sha256, architecture, preprocessing
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      AS e (job_id text, which text, epoch int, sha256 text, architecture jsonb, preprocessing jsonb)`
}
