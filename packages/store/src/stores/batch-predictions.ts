import type { BatchPrediction, BatchPredictionStatus, ProjectId } from '@trainyard/contracts'
import { type BatchPredictionStore, DomainError, decideCancel } from '@trainyard/domain'
import type { Database, Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import {
  type BatchEventRow,
  type BatchRow,
  toBatchPrediction,
  toBatchPredictionEvent,
} from '../mappers/batch-prediction.ts'
import { translateErrors } from '../to-domain-error.ts'
import { insertBatchEvent } from './batch-events.ts'
import { writeOnce } from './idempotency.ts'
import { toList, toPageClause } from './keyset.ts'

const COLUMNS = Prisma.sql`
  b.id, b.project_id, b.name, b.status, b.model, b.version, b.model_sha256, b.dataset_id, b.dataset_sha256, b.outputs,
  b.rows, b.rows_done, b.attempt, b.result_dataset_id, b.error, b.created_at, b.started_at, b.finished_at`

const KEYSET = { createdAt: Prisma.sql`b.created_at`, id: Prisma.sql`b.id` }

/** The API's side of batch predictions. */
export function createBatchPredictions(database: Database): BatchPredictionStore {
  return {
    insert: (batch, request) =>
      translateErrors(() =>
        writeOnce(database, { projectId: batch.projectId, request, status: 201 }, async (tx) => {
          const { dataset, projectId } = batch
          // A change or a deletion of the data set locks its row for itself.
          const found = await tx.$queryRaw<{ sha256: string }[]>`
            SELECT sha256 FROM datasets WHERE project_id = ${projectId} AND id = ${dataset.id}
              AND deleted_at IS NULL FOR SHARE`
          if (found[0] === undefined) throw new DomainError('dataset_not_found')
          if (found[0].sha256 !== dataset.sha256) throw new DomainError('dataset_changed')
          await tx.$executeRaw`
            WITH batch AS (
              INSERT INTO batch_predictions (id, project_id, name, model, version, model_sha256, networks, dataset_id,
                dataset_sha256, columns, rows, outputs, event_seq)
              VALUES (${batch.id}, ${projectId}, ${batch.name}, ${batch.model}, ${batch.version}, ${batch.modelSha256},
                ${JSON.stringify(batch.networks)}::jsonb, ${dataset.id}, ${dataset.sha256},
                ${JSON.stringify(dataset.columns)}::jsonb, ${dataset.rows}, ${JSON.stringify(batch.outputs)}::jsonb, 1)
              RETURNING id, event_seq)
            ${insertBatchEvent('batch_prediction.created', `${dataset.rows} rows wait for a worker`, { status: 'queued' })}`
          return await findOrThrow(tx, projectId, batch.id)
        }),
      ),

    find: (projectId, id) => translateErrors(() => findBatch(database, projectId, id)),

    list: (projectId, page) =>
      translateErrors(async () => {
        const status =
          page.status === undefined ? Prisma.empty : Prisma.sql`AND b.status = ${page.status}`
        const rest = await toPageClause(page, KEYSET, (cursor) => cursorAt(projectId, cursor))
        const rows = await database.$queryRaw<BatchRow[]>`
          SELECT ${COLUMNS} FROM batch_predictions b WHERE b.project_id = ${projectId} ${status} ${rest}`
        return toList(rows, page, toBatchPrediction)
      }),

    cancel: (projectId, id) =>
      translateErrors(() =>
        database.$transaction(async (tx) => {
          const locked = await tx.$queryRaw<{ status: BatchPredictionStatus }[]>`
            SELECT status FROM batch_predictions WHERE project_id = ${projectId} AND id = ${id} FOR UPDATE`
          if (locked[0] === undefined) return null
          switch (decideCancel(locked[0].status, 'graceful')) {
            case 'cancel_now':
              await tx.$executeRaw`
                WITH batch AS (
                  UPDATE batch_predictions SET status = 'cancelled', finished_at = clock_timestamp(), event_seq = event_seq + 1
                  WHERE id = ${id} RETURNING id, event_seq)
                ${insertBatchEvent('batch_prediction.cancelled', 'It was cancelled before it started', { status: 'cancelled' })}`
              break
            case 'ask_worker':
              await tx.$executeRaw`
                WITH batch AS (
                  UPDATE batch_predictions SET status = 'cancelling', event_seq = event_seq + 1
                  WHERE id = ${id} RETURNING id, event_seq)
                ${insertBatchEvent('batch_prediction.cancelling', 'The worker stops after the rows at hand', { status: 'cancelling' })}`
              break
            case 'already':
              break
          }
          return await findOrThrow(tx, projectId, id)
        }),
      ),

    events: (id, afterSeq, limit) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<BatchEventRow[]>`
          SELECT id, batch_prediction_id, seq, level, type, message, data, created_at FROM batch_prediction_events
          WHERE batch_prediction_id = ${id} AND seq > ${afterSeq} ORDER BY seq LIMIT ${limit}::int`
        return rows.map(toBatchPredictionEvent)
      }),

    eventSeq: (id, eventId) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<{ seq: number }[]>`
          SELECT seq FROM batch_prediction_events WHERE batch_prediction_id = ${id} AND id = ${eventId}`
        return rows[0]?.seq ?? null
      }),
  }

  async function cursorAt(projectId: ProjectId, cursor: string): Promise<Date | null> {
    const known = await database.$queryRaw<{ created_at: Date }[]>`
      SELECT created_at FROM batch_predictions WHERE project_id = ${projectId} AND id = ${cursor}`
    return known[0]?.created_at ?? null
  }
}

async function findBatch(
  queryable: Queryable,
  projectId: ProjectId,
  id: string,
): Promise<BatchPrediction | null> {
  const rows = await queryable.$queryRaw<BatchRow[]>`
    SELECT ${COLUMNS} FROM batch_predictions b WHERE b.project_id = ${projectId} AND b.id = ${id}`
  return rows[0] === undefined ? null : toBatchPrediction(rows[0])
}

async function findOrThrow(
  queryable: Queryable,
  projectId: ProjectId,
  id: string,
): Promise<BatchPrediction> {
  const batch = await findBatch(queryable, projectId, id)
  if (batch === null) throw new Error(`batch prediction ${id} vanished while it was held`)
  return batch
}
