/**
 * The worker's side of jobs. Every write names the lease epoch it was claimed under, and the row lock of its UPDATE makes
 * the check and the write one: a worker that was believed dead and comes back changes nothing.
 */
import type {
  Column,
  EpochMetrics,
  Fold,
  JobId,
  ResolvedConfig,
  SweepId,
  Task,
} from '@trainyard/contracts'
import {
  type CheckpointProgress,
  type ClaimedJob,
  type Finish,
  type Lease,
  type LeaseStore,
  type Progress,
  SUSPECT_DEATHS,
} from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import type { Database, Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { translateErrors } from '../to-domain-error.ts'
import { backToQueue, GIVEN_BACK, waitOf } from './back-to-queue.ts'
import { bestOf, keepCheckpoint } from './checkpoints.ts'
import { settleVerification } from './derive-job.ts'
import { keepEpochLayers } from './epoch-layers.ts'
import { inStatements, insertEpochMetrics } from './epoch-metrics.ts'
import { insertEvent } from './events.ts'
import { isDue } from './is-due.ts'
import { isMine } from './is-mine.ts'
import { type HeldJob, recover } from './recovery.ts'

/** A large network's weights are rows of chunks by then; what is left in the transaction is small. */
const FINISH_TIMEOUT_MS = 15_000

interface ClaimRow {
  project_id: string
  lease_epoch: number
  attempt: number
  resolved_config: unknown
  sha256: string
  rows: number
  columns: unknown
  target: string
  task: string
  validation_sha256: string | null
  validation_columns: unknown
  test_sha256: string | null
  test_columns: unknown
  folds: unknown
  sweep_id: string | null
  trial_index: number | null
  expected_ms: number | null
  is_fork: boolean
  furthest_batch: bigint
  step: number | null
  checkpoint_sha256: string | null
  progress: unknown
}

/** `engine` names everything that decides the bits of a training: what another has computed is not gone on with. */
export function createLeases(
  database: Database,
  options: { leaseSeconds: number; engine: string },
): LeaseStore {
  const leaseUntil = Prisma.sql`clock_timestamp() + make_interval(secs => ${options.leaseSeconds}::float8)`

  return {
    claim: (jobId, owner, { isAlone } = { isAlone: false }) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<ClaimRow[]>`
          WITH before AS (
            SELECT id, progress_engine IS NOT DISTINCT FROM ${options.engine} AS goes_on FROM jobs
            WHERE id = ${jobId} AND status = 'queued' AND deleted_at IS NULL
              AND ${isDue} AND (${isAlone} OR crash_count < ${SUSPECT_DEATHS}::int)
              -- A trial of a paused sweep that was handed over before stays where it is.
              AND (sweep_id IS NULL OR EXISTS (SELECT 1 FROM sweeps s WHERE s.id = sweep_id AND s.status = 'running'))
            FOR UPDATE),
          newest AS (
            SELECT step, checkpoints.sha256, progress FROM checkpoints JOIN before ON job_id = before.id AND goes_on ORDER BY step DESC LIMIT 1),
          job AS (
            UPDATE jobs SET status = 'running', lease_epoch = lease_epoch + 1, attempt = attempt + 1,
              lease_owner = ${owner}, lease_until = ${leaseUntil}, batch_id = NULL, progress_engine = ${options.engine},
              epoch = COALESCE((SELECT (progress->>'epoch')::int FROM newest), 0),
              best = (SELECT ${bestOf(Prisma.sql`progress`)} FROM newest),
              folds = CASE WHEN goes_on THEN folds END,
              started_at = COALESCE(started_at, clock_timestamp()), event_seq = event_seq + 1
            FROM before WHERE jobs.id = before.id
            RETURNING jobs.*),
          told AS (${insertEvent(
            'job.started',
            'A worker has taken the job',
            Prisma.sql`jsonb_build_object('status', 'running', 'attempt', job.attempt)`,
          )}),
          -- What lies beyond is trained again, so that the history is neither doubled nor holed.
          wiped AS (
            DELETE FROM epoch_metrics m USING job WHERE m.job_id = job.id AND m.epoch > job.epoch),
          wiped_layers AS (
            DELETE FROM epoch_layers l USING job WHERE l.job_id = job.id AND (l.epoch > job.epoch OR job.epoch = 0)),
          wiped_checkpoints AS (
            DELETE FROM checkpoints c USING before WHERE c.job_id = before.id AND NOT goes_on)
          SELECT job.project_id, job.lease_epoch, job.attempt, job.resolved_config, job.folds,
            job.fork_step IS NOT NULL AS is_fork, job.furthest_batch, d.sha256, d.rows, d.columns, d.target, d.task,
            job.sweep_id, job.trial_index, job.expected_ms,
            v.sha256 AS validation_sha256, v.columns AS validation_columns,
            t.sha256 AS test_sha256, t.columns AS test_columns,
            newest.step, newest.sha256 AS checkpoint_sha256, newest.progress
          FROM job JOIN datasets d ON d.id = job.dataset_id
            LEFT JOIN datasets v ON v.id = job.validation_dataset_id
            LEFT JOIN datasets t ON t.id = job.test_dataset_id LEFT JOIN newest ON true`
        return rows[0] === undefined ? null : toClaimedJob(jobId, rows[0])
      }),

    isSuspect: (jobId) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<unknown[]>`
          SELECT 1 FROM jobs
          WHERE id = ${jobId} AND status = 'queued' AND ${isDue} AND crash_count >= ${SUSPECT_DEATHS}::int`
        return rows.length > 0
      }),

    report: (lease, progress, batch = 0) =>
      translateErrors(async () => {
        const metrics = await storeAllButNewest(lease, progress?.metrics ?? [])
        const rest = progress && { ...progress, metrics }
        const checkpoint = progress?.checkpoint
        const status =
          checkpoint === undefined
            ? await storeProgress(database, lease, rest, batch)
            : await database.$transaction(async (transaction) => {
                const held = await storeProgress(transaction, lease, rest, batch)
                if (held !== undefined) await keepCheckpoint(transaction, lease.jobId, checkpoint)
                failpoint('worker.checkpoint_before_commit')
                return held
              })
        if (status === undefined) return 'fenced'
        return status === 'cancelling' ? 'cancel' : status === 'pausing' ? 'pause' : 'go_on'
      }),

    finish: (lease, finish) =>
      translateErrors(async () => {
        const newest = await storeAllButNewest(lease, finish.metrics)
        return await database.$transaction(
          async (transaction) => {
            const held = await transaction.$queryRaw<{ status: string; origin: string | null }[]>`
              SELECT status, origin FROM jobs WHERE ${isMine(lease)} FOR UPDATE`
            if (held[0] === undefined) return 'fenced'
            for (const fold of finish.folds ?? []) {
              await transaction.$executeRaw(foldCompleted(lease, fold))
            }
            const last = newest.at(-1)
            if (last !== undefined) {
              await transaction.$executeRaw`
                WITH job AS (
                  UPDATE jobs SET event_seq = event_seq + 1 WHERE id = ${lease.jobId} RETURNING id, event_seq),
                measured AS (${insertEpochMetrics(newest)})
                ${keepEpochLayers(finish.layers)}
                ${epochCompleted(last)}`
            }
            if (finish.checkpoint !== undefined) {
              await keepCheckpoint(transaction, lease.jobId, finish.checkpoint)
            }
            // Who was told "cancelling" shall not see another end, even if the work was done by then.
            const end: Finish =
              held[0].status === 'cancelling'
                ? {
                    ...finish,
                    status: 'cancelled',
                    stopReason: 'cancelled',
                    error: null,
                    baselines: [],
                    test: null,
                  }
                : finish
            await transaction.$executeRaw`
              WITH job AS (
                UPDATE jobs SET status = ${end.status}, stop_reason = ${end.stopReason},
                  error = ${toJson(end.error)}, final = ${toJson(end.final)}, best = ${toJson(end.best)},
                  baselines = ${toJson(end.baselines?.length ? end.baselines : null)},
                  test = ${toJson(end.test ?? null)}, manifest = ${toJson(end.manifest)}, split_sha256 = ${end.split?.sha256 ?? null},
                  epoch = ${end.final?.epoch ?? 0}, finished_at = clock_timestamp(), lease_until = NULL,
                  event_seq = event_seq + 1
                WHERE id = ${lease.jobId} RETURNING id, event_seq)
              ${insertEvent(`job.${end.status}`, describeEnd(end), {
                status: end.status,
                stop_reason: end.stopReason,
                final: end.final,
                best: end.best,
                error: end.error,
              })}`
            for (const weights of finish.weights) {
              await transaction.$executeRaw`
                INSERT INTO job_weights (job_id, which, epoch, sha256, architecture, preprocessing)
                VALUES (${lease.jobId}, ${weights.which}, ${weights.epoch}, ${weights.sha256},
                  ${JSON.stringify(weights.architecture)}::jsonb, ${JSON.stringify(weights.preprocessing)}::jsonb)`
            }
            if (held[0].origin === 'verify' && end.status === 'succeeded') {
              await settleVerification(transaction, lease.jobId)
            }
            failpoint('worker.finish_before_commit')
            return 'done'
          },
          { timeout: FINISH_TIMEOUT_MS },
        )
      }),

    release: (lease, reason) =>
      translateErrors(async () => {
        const event = insertEvent('job.retrying', GIVEN_BACK[reason], { status: 'queued', reason })
        const outcome = await giveBack(database, lease, event, waitOf(reason))
        if (outcome === 'done') return 'done'
        const paused = await database.$executeRaw`
          WITH job AS (
            UPDATE jobs SET status = 'paused', lease_owner = NULL, lease_until = NULL, event_seq = event_seq + 1
            WHERE ${isMine(lease)} AND status = 'pausing' RETURNING id, event_seq)
          ${insertEvent('job.paused', 'The job waits until it is resumed', { status: 'paused' })}`
        return paused === 0 ? 'fenced' : 'done'
      }),

    abandon: (lease) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          const held = await transaction.$queryRaw<HeldJob[]>`
            SELECT status, crash_count FROM jobs WHERE ${isMine(lease)} FOR UPDATE`
          if (held[0] === undefined) return 'fenced'
          const { outcome, statement } = recover(held[0], 'thread_lost', isMine(lease))
          await transaction.$executeRaw(statement)
          return outcome
        }),
      ),

    discardCheckpoint: (lease, step) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          const outcome = await giveBack(
            transaction,
            lease,
            insertEvent('job.retrying', 'A checkpoint was damaged; the job goes on without it', {
              status: 'queued',
              reason: 'checkpoint_damaged',
            }),
          )
          if (outcome === 'done') {
            // With its bytes: the same state would be taken again, and must not find damaged ones in its place.
            await transaction.$executeRaw`
              WITH damaged AS (
                DELETE FROM checkpoints WHERE job_id = ${lease.jobId} AND step = ${step} RETURNING sha256)
              DELETE FROM checkpoint_chunks WHERE job_id = ${lease.jobId} AND sha256 IN (SELECT sha256 FROM damaged)`
          }
          return outcome
        }),
      ),
  }

  /**
   * Returns the newest epochs, which are for the statement that tells of them. The others are not in its transaction: a hundred
   * thousand that waited for Postgres would take longer than one may, at every try.
   */
  async function storeAllButNewest(
    lease: Lease,
    metrics: readonly EpochMetrics[],
  ): Promise<EpochMetrics[]> {
    const statements = inStatements(metrics)
    const newest = statements.pop() ?? []
    for (const rows of statements) {
      await database.$executeRaw`
        WITH job AS (SELECT id FROM jobs WHERE ${isMine(lease)} FOR UPDATE) ${insertEpochMetrics(rows)}`
    }
    return [...newest]
  }

  /** The status of the row, undefined when the lease is another's. At most as many epochs as go into one statement. */
  async function storeProgress(
    queryable: Queryable,
    lease: Lease,
    progress: Progress | null,
    batch: number,
  ): Promise<string | undefined> {
    const gotTo = Prisma.sql`
      crash_count = CASE WHEN ${batch}::bigint > furthest_batch THEN 0 ELSE crash_count END,
      furthest_batch = GREATEST(furthest_batch, ${batch}::bigint)`
    for (const fold of progress?.folds ?? []) {
      await queryable.$executeRaw(foldCompleted(lease, fold))
    }
    const last = progress?.metrics.at(-1)
    const rows =
      progress === null || last === undefined
        ? await queryable.$queryRaw<{ status: string }[]>`
            UPDATE jobs SET lease_until = ${leaseUntil}, ${gotTo} WHERE ${isMine(lease)} RETURNING status`
        : await queryable.$queryRaw<{ status: string }[]>`
            WITH job AS (
              UPDATE jobs SET lease_until = ${leaseUntil}, event_seq = event_seq + 1,
                epoch = ${progress.epoch}, best = ${JSON.stringify(progress.best)}::jsonb, ${gotTo}
              WHERE ${isMine(lease)} RETURNING id, event_seq, status),
            measured AS (${insertEpochMetrics(progress.metrics)})
            ${keepEpochLayers(progress.layers)},
            told AS (${epochCompleted(last)})
            SELECT status FROM job`
    return rows[0]?.status
  }
}

/** A job that was to be cancelled ends as cancelled; giving it back would let it run again. */
async function giveBack(
  queryable: Queryable,
  lease: Lease,
  event: Prisma.Sql,
  afterSeconds = 0,
): Promise<'done' | 'fenced'> {
  const released = await queryable.$executeRaw`
    WITH job AS (
      UPDATE jobs SET ${backToQueue(afterSeconds)}
      WHERE ${isMine(lease)} AND status = 'running' RETURNING id, event_seq)
    ${event}`
  return released === 0 ? 'fenced' : 'done'
}

function epochCompleted(metrics: EpochMetrics): Prisma.Sql {
  return insertEvent('job.epoch_completed', `Epoch ${metrics.epoch} is done`, { ...metrics })
}

/** Changes nothing when the fold is stored already: a report that failed half-way is sent again as a whole. */
function foldCompleted(lease: Lease, fold: Fold): Prisma.Sql {
  return Prisma.sql`
    WITH job AS (
      UPDATE jobs SET folds = COALESCE(folds, '[]'::jsonb) || ${JSON.stringify([fold])}::jsonb,
        crash_count = 0, event_seq = event_seq + 1
      WHERE ${isMine(lease)} AND jsonb_array_length(COALESCE(folds, '[]'::jsonb)) = ${fold.fold - 1}::int
      RETURNING id, event_seq)
    ${insertEvent('job.fold_completed', `Fold ${fold.fold} is done`, { ...fold })}`
}

function toJson(value: unknown): Prisma.Sql {
  return value === null ? Prisma.sql`NULL` : Prisma.sql`${JSON.stringify(value)}::jsonb`
}

function describeEnd(finish: Finish): string {
  switch (finish.status) {
    case 'succeeded':
      return `Training has ended: ${finish.stopReason ?? ''}`
    case 'cancelled':
      return 'The job was cancelled'
    case 'failed':
      return finish.error?.message ?? 'The job has failed'
  }
}

function toHeldOut(
  sha256: string | null,
  columns: unknown,
): { sha256: string; columns: Column[] } | null {
  return sha256 === null ? null : { sha256, columns: columns as Column[] }
}

function toClaimedJob(id: JobId, row: ClaimRow): ClaimedJob {
  return {
    id,
    projectId: row.project_id as ClaimedJob['projectId'],
    leaseEpoch: row.lease_epoch,
    attempt: row.attempt,
    resolvedConfig: row.resolved_config as ResolvedConfig,
    dataset: {
      sha256: row.sha256,
      rows: row.rows,
      columns: row.columns as Column[],
      target: row.target,
      task: row.task as Task,
    },
    validationDataset: toHeldOut(row.validation_sha256, row.validation_columns),
    testDataset: toHeldOut(row.test_sha256, row.test_columns),
    trial:
      row.sweep_id === null || row.trial_index === null
        ? null
        : {
            sweepId: row.sweep_id as SweepId,
            trialIndex: row.trial_index,
            expectedMs: row.expected_ms,
          },
    folds: (row.folds as Fold[] | null) ?? [],
    furthestBatch: Number(row.furthest_batch),
    checkpoint:
      row.step === null || row.checkpoint_sha256 === null
        ? null
        : {
            step: row.step,
            sha256: row.checkpoint_sha256,
            progress: row.progress as CheckpointProgress,
          },
    isFork: row.is_fork,
  }
}
