/**
 * The worker's side of batch predictions. They are few and long, so workers take them from their rows and no queue stands in
 * between (`docs/adr/0013-batch-predictions.md`); leases and fences are those of jobs.
 */
import { createId, type DatasetLineage } from '@trainyard/contracts'
import {
  type BatchEnd,
  type BatchLease,
  type BatchLeaseStore,
  type ClaimedBatch,
  judgeLoss,
} from '@trainyard/domain'
import type { Database, Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { translateErrors } from '../to-domain-error.ts'
import { insertBatchEvent } from './batch-events.ts'
import { insertDataset } from './datasets.ts'
import { isDue } from './is-due.ts'

/** A wide result has a long profile. */
const FINISH_TIMEOUT_MS = 15_000

/** Before what could not be read is tried again. */
const RETRY_SECONDS = 1

const GIVEN_BACK = {
  drained: 'The worker shuts down; another begins again',
  unreadable: 'Weights or table could not be read; it begins again',
}

const LOST = 'The worker was lost; another begins again'

interface ClaimRow {
  id: string
  project_id: string
  name: string | null
  model: string
  version: number
  outputs: unknown
  model_sha256: string
  networks: unknown
  dataset_id: string
  dataset_sha256: string
  columns: unknown
  rows: number
  lease_epoch: number
}

interface DeadRow {
  id: string
  status: string
  crash_count: number
  /** Whether its worker was told to go, which is no death. */
  drains: boolean
}

export function createBatchLeases(
  database: Database,
  options: { leaseSeconds: number },
): BatchLeaseStore {
  const leaseUntil = Prisma.sql`clock_timestamp() + make_interval(secs => ${options.leaseSeconds}::float8)`

  return {
    claim: (owner) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<ClaimRow[]>`
          WITH next AS (
            SELECT id FROM batch_predictions q WHERE status = 'queued' AND ${isDue}
            ORDER BY (SELECT max(s.started_at) FROM batch_predictions s WHERE s.project_id = q.project_id) NULLS FIRST,
              created_at, id
            LIMIT 1 FOR UPDATE SKIP LOCKED),
          batch AS (
            UPDATE batch_predictions b SET status = 'running', lease_epoch = lease_epoch + 1, attempt = attempt + 1,
              rows_done = 0, lease_owner = ${owner}, lease_until = ${leaseUntil},
              started_at = COALESCE(started_at, clock_timestamp()), event_seq = event_seq + 1
            FROM next WHERE b.id = next.id RETURNING b.*),
          told AS (${insertBatchEvent('batch_prediction.started', 'A worker has taken it', { status: 'running' })})
          SELECT id, project_id, name, model, version, outputs, model_sha256, networks, dataset_id, dataset_sha256, columns,
            rows, lease_epoch FROM batch`
        return rows[0] === undefined ? null : toClaimed(rows[0])
      }),

    report: (lease, rowsDone) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<{ status: string }[]>`
          WITH held AS (
            SELECT id, rows_done < ${rowsDone}::int AS has_more FROM batch_predictions WHERE ${isMine(lease)} FOR UPDATE),
          changed AS (
            UPDATE batch_predictions b SET lease_until = ${leaseUntil}, rows_done = ${rowsDone}::int,
              event_seq = event_seq + has_more::int
            FROM held WHERE b.id = held.id RETURNING b.id, b.status, b.event_seq, has_more),
          batch AS (SELECT id, event_seq FROM changed WHERE has_more),
          told AS (${insertBatchEvent('batch_prediction.progressed', `${rowsDone} rows are predicted`, { rows_done: rowsDone })})
          SELECT status FROM changed`
        if (rows[0] === undefined) return 'fenced'
        return rows[0].status === 'cancelling' ? 'cancel' : 'go_on'
      }),

    finish: (lease, end) =>
      translateErrors(() =>
        database.$transaction((transaction) => finishHeld(transaction, lease, end), {
          timeout: FINISH_TIMEOUT_MS,
        }),
      ),

    release: (lease, reason) =>
      translateErrors(async () => {
        const released = await database.$executeRaw`
          WITH batch AS (
            UPDATE batch_predictions SET status = 'queued', lease_owner = NULL, lease_until = NULL, event_seq = event_seq + 1,
              run_after = clock_timestamp() + make_interval(secs => ${reason === 'drained' ? 0 : RETRY_SECONDS}::float8)
            WHERE ${isMine(lease)} AND status = 'running' RETURNING id, event_seq)
          ${insertBatchEvent('batch_prediction.retrying', GIVEN_BACK[reason], {
            status: 'queued',
            reason,
          })}`
        return released === 0 ? 'fenced' : 'done'
      }),

    recoverDead: (asOfMs) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          // No lease ends so late: the clock was set back since it was renewed.
          await transaction.$executeRaw`
            UPDATE batch_predictions SET lease_until = ${leaseUntil}
            WHERE status IN ('running', 'cancelling')
              AND lease_until > clock_timestamp() + make_interval(secs => ${options.leaseSeconds + 1}::float8)`
          const dead = await transaction.$queryRaw<DeadRow[]>`
            SELECT b.id, b.status, b.crash_count, COALESCE(w.draining, false) AS drains
            FROM batch_predictions b LEFT JOIN workers w ON w.id = b.lease_owner
            WHERE b.status IN ('running', 'cancelling') AND b.lease_until < to_timestamp(${asOfMs}::float8 / 1000)
            FOR UPDATE OF b SKIP LOCKED`
          for (const batch of dead) await transaction.$executeRaw(recover(batch))
          return dead.length
        }),
      ),
  }
}

/** The fence; who is asked to stop still says how it ended. */
function isMine({ id, leaseEpoch }: BatchLease): Prisma.Sql {
  return Prisma.sql`id = ${id} AND lease_epoch = ${leaseEpoch} AND status IN ('running', 'cancelling')`
}

async function finishHeld(
  transaction: Queryable,
  lease: BatchLease,
  given: BatchEnd,
): Promise<'done' | 'fenced'> {
  const held = await transaction.$queryRaw<
    (ClaimRow & { status: string })[]
  >`SELECT * FROM batch_predictions WHERE ${isMine(lease)} FOR UPDATE`
  const batch = held[0]
  if (batch === undefined) return 'fenced'
  const end: BatchEnd = batch.status === 'cancelling' ? { status: 'cancelled' } : given
  const claimed = toClaimed(batch)
  const resultId = end.status === 'succeeded' ? createId('dataset') : null
  if (end.status === 'succeeded' && resultId !== null) {
    const { projectId } = claimed
    const lineage = lineageOf(claimed)
    await insertDataset(transaction, { ...end.result, id: resultId, projectId, lineage })
  }
  await transaction.$executeRaw(ended(lease.id, end, resultId))
  return 'done'
}

function recover(batch: DeadRow): Prisma.Sql {
  if (batch.status === 'cancelling') return ended(batch.id, { status: 'cancelled' })
  const judged = judgeLoss(batch.crash_count, batch.drains ? 0 : 1)
  if (judged.verdict === 'guilty') {
    const message = `The worker died ${judged.crashes} times while it predicted this data set`
    return ended(batch.id, { status: 'failed', error: { code: 'worker_lost', message } })
  }
  return Prisma.sql`
    WITH batch AS (
      UPDATE batch_predictions SET status = 'queued', lease_owner = NULL, lease_until = NULL, crash_count = ${judged.crashes}::int,
        run_after = clock_timestamp() + make_interval(secs => ${judged.backoffSeconds}::float8), event_seq = event_seq + 1
      WHERE id = ${batch.id} RETURNING id, event_seq)
    ${insertBatchEvent('batch_prediction.retrying', batch.drains ? GIVEN_BACK.drained : LOST, {
      status: 'queued',
      reason: batch.drains ? 'worker_drained' : 'worker_lost',
    })}`
}

function ended(id: string, end: BatchEnd, resultId: string | null = null): Prisma.Sql {
  const { status } = end
  const error = end.status === 'failed' ? end.error : null
  return Prisma.sql`
    WITH batch AS (
      UPDATE batch_predictions SET status = ${status}, result_dataset_id = ${resultId}, error = ${toJson(error)},
        rows_done = CASE WHEN ${status} = 'succeeded' THEN rows ELSE rows_done END,
        finished_at = clock_timestamp(), lease_until = NULL, event_seq = event_seq + 1
      WHERE id = ${id} RETURNING id, event_seq)
    ${insertBatchEvent(`batch_prediction.${status}`, describeEnd(end), {
      status,
      result_dataset_id: resultId,
      error,
    })}`
}

function describeEnd(end: BatchEnd): string {
  switch (end.status) {
    case 'succeeded':
      return `${end.result.rows} rows are predicted`
    case 'failed':
      return end.error.message
    case 'cancelled':
      return 'It was cancelled'
  }
}

function lineageOf(claimed: ClaimedBatch): DatasetLineage {
  return {
    batch_prediction_id: claimed.id,
    model: claimed.model,
    version: claimed.version,
    model_sha256: claimed.modelSha256,
    dataset_id: claimed.dataset.id,
    dataset_sha256: claimed.dataset.sha256,
  }
}

function toClaimed(row: ClaimRow): ClaimedBatch {
  return {
    id: row.id as ClaimedBatch['id'],
    projectId: row.project_id as ClaimedBatch['projectId'],
    name: row.name,
    model: row.model,
    version: row.version,
    outputs: row.outputs as ClaimedBatch['outputs'],
    modelSha256: row.model_sha256,
    networks: row.networks as ClaimedBatch['networks'],
    dataset: {
      id: row.dataset_id as ClaimedBatch['dataset']['id'],
      sha256: row.dataset_sha256,
      columns: row.columns as ClaimedBatch['dataset']['columns'],
      rows: row.rows,
    },
    leaseEpoch: row.lease_epoch,
  }
}

function toJson(value: unknown): Prisma.Sql {
  return value === null ? Prisma.sql`NULL` : Prisma.sql`${JSON.stringify(value)}::jsonb`
}
