import type { Dataset, JobStatus, ProjectId, StoredProfile } from '@trainyard/contracts'
import {
  type DatasetRevision,
  type DatasetStore,
  DomainError,
  isTerminal,
  type NewDataset,
} from '@trainyard/domain'
import type { Database, Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { type DatasetRow, toDataset } from '../mappers/dataset.ts'
import { translateErrors } from '../to-domain-error.ts'
import { writeOnce } from './idempotency.ts'
import { SEEN_WITHIN } from './ingests.ts'
import { toList, toPageClause } from './keyset.ts'

const COLUMNS = Prisma.sql`
  d.id, d.project_id, d.name, d.rows, d.columns, d.target, d.task, d.warnings, d.lineage, d.sha256, d.created_at, b.bytes`

const KEYSET = { createdAt: Prisma.sql`d.created_at`, id: Prisma.sql`d.id` }

export function createDatasets(database: Database): DatasetStore {
  const read = (where: Prisma.Sql) => database.$queryRaw<DatasetRow[]>`
    SELECT ${COLUMNS} FROM datasets d JOIN blobs b ON b.sha256 = d.sha256
    WHERE d.deleted_at IS NULL AND ${where}`

  return {
    insert: (dataset, request) =>
      translateErrors(() =>
        writeOnce(database, { projectId: dataset.projectId, request, status: 201 }, (transaction) =>
          insertDataset(transaction, dataset),
        ),
      ),

    find: (projectId, id) =>
      translateErrors(async () => {
        const rows = await read(Prisma.sql`d.project_id = ${projectId} AND d.id = ${id}`)
        if (rows[0] !== undefined) return toDataset(rows[0])
        const coming = await database.$queryRaw<unknown[]>`
          SELECT 1 FROM ingests
          WHERE project_id = ${projectId} AND id = ${id} AND seen_at > ${SEEN_WITHIN}`
        if (coming.length > 0) throw new DomainError('dataset_ingesting')
        return null
      }),

    list: (projectId, page) =>
      translateErrors(async () => {
        const rest = await toPageClause(page, KEYSET, (cursor) => cursorAt(projectId, cursor))
        const rows = await read(Prisma.sql`d.project_id = ${projectId} ${rest}`)
        return toList(rows, page, toDataset)
      }),

    revisions: (projectId, ids) =>
      translateErrors(
        () => database.$queryRaw<DatasetRevision[]>`
          SELECT id, revision FROM datasets
          WHERE project_id = ${projectId} AND id = ANY(${ids}) AND deleted_at IS NULL ORDER BY id`,
      ),

    profile: (id) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<{ profile: unknown }[]>`
          SELECT profile FROM datasets WHERE id = ${id}`
        return (rows[0]?.profile ?? null) as StoredProfile | null
      }),

    change: ({ before, after }) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          // The lock keeps new jobs out, which lock the row too.
          const found = await transaction.$queryRaw<{ id: string }[]>`
            SELECT id FROM datasets WHERE id = ${before.id} AND deleted_at IS NULL AND name = ${before.name}
              AND target = ${before.target} AND columns = ${JSON.stringify(before.columns)}::jsonb FOR UPDATE`
          if (found.length === 0) return null
          const jobs = await transaction.$queryRaw<{ id: string }[]>`
            SELECT id FROM jobs
            WHERE dataset_id = ${before.id} OR validation_dataset_id = ${before.id}
              OR test_dataset_id = ${before.id} LIMIT 1`
          if (jobs[0] !== undefined) {
            const detail = `Job ${jobs[0].id} was submitted on this data set; it stays as it is.`
            throw new DomainError('dataset_immutable', { detail })
          }
          await assertNotSearched(transaction, before.id, 'dataset_immutable')
          const rows = await transaction.$queryRaw<DatasetRow[]>`
            UPDATE datasets AS d SET revision = revision + 1, name = ${after.name}, columns = ${JSON.stringify(after.columns)}::jsonb,
              target = ${after.target}, task = ${after.task}, warnings = ${JSON.stringify(after.warnings)}::jsonb,
              profile = ${JSON.stringify(after.profile)}::jsonb, sha256 = ${after.sha256}
            FROM blobs b WHERE d.id = ${before.id} AND b.sha256 = ${after.sha256} RETURNING ${COLUMNS}`
          return rows[0] === undefined ? null : toDataset(rows[0])
        }),
      ),

    delete: (projectId, id) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          const found = await transaction.$queryRaw<{ id: string }[]>`
            SELECT id FROM datasets WHERE project_id = ${projectId} AND id = ${id} AND deleted_at IS NULL FOR UPDATE`
          if (found.length === 0) return false
          const jobs = await transaction.$queryRaw<{ id: string; status: JobStatus }[]>`
            SELECT id, status FROM jobs
            WHERE dataset_id = ${id} OR validation_dataset_id = ${id} OR test_dataset_id = ${id}
            ORDER BY (status NOT IN ('succeeded', 'failed', 'cancelled')) DESC LIMIT 1`
          const job = jobs[0]
          if (job !== undefined && !isTerminal(job.status)) {
            throw new DomainError('dataset_in_use', {
              detail: `Job ${job.id} is ${job.status} on this data set; cancel it or wait for its end.`,
            })
          }
          const isSearched = await assertNotSearched(transaction, id, 'dataset_in_use')
          await assertNotPredicted(transaction, id)
          // Ended jobs still name their data set; without any, nothing needs the row.
          if (job !== undefined || isSearched) {
            await transaction.$executeRaw`UPDATE datasets SET deleted_at = clock_timestamp() WHERE id = ${id}`
          } else {
            await transaction.$executeRaw`DELETE FROM datasets WHERE id = ${id}`
          }
          return true
        }),
      ),
  }

  async function cursorAt(projectId: ProjectId, cursor: string): Promise<Date | null> {
    const known = await database.$queryRaw<{ created_at: Date }[]>`
      SELECT created_at FROM datasets WHERE project_id = ${projectId} AND id = ${cursor}`
    return known[0]?.created_at ?? null
  }
}

export async function insertDataset(transaction: Queryable, dataset: NewDataset): Promise<Dataset> {
  const rows = await transaction.$queryRaw<DatasetRow[]>`
    INSERT INTO datasets AS d (id, project_id, name, rows, columns, target, task, warnings, profile, lineage, sha256)
    VALUES (${dataset.id}, ${dataset.projectId}, ${dataset.name}, ${dataset.rows},
      ${JSON.stringify(dataset.columns)}::jsonb, ${dataset.target}, ${dataset.task},
      ${JSON.stringify(dataset.warnings)}::jsonb, ${JSON.stringify(dataset.profile)}::jsonb,
      ${JSON.stringify(dataset.lineage ?? null)}::jsonb, ${dataset.sha256})
    RETURNING d.id, d.project_id, d.name, d.rows, d.columns, d.target, d.task, d.warnings, d.lineage, d.sha256,
      d.created_at, ${dataset.bytes}::bigint AS bytes`
  const row = rows[0]
  if (row === undefined) throw new Error('an inserted data set was not returned')
  return toDataset(row)
}

/** Whether there are sweeps on it. One that has not ended will train on its data set, though there may be no job of it yet. */
async function assertNotSearched(
  transaction: Queryable,
  id: string,
  code: 'dataset_immutable' | 'dataset_in_use',
): Promise<boolean> {
  const sweeps = await transaction.$queryRaw<{ id: string; status: string; ended: boolean }[]>`
    SELECT id, status, status IN ('succeeded', 'failed', 'cancelled') AS ended FROM sweeps WHERE dataset_id = ${id}
    ORDER BY ended LIMIT 1`
  const sweep = sweeps[0]
  if (sweep === undefined) return false
  if (code === 'dataset_in_use' && sweep.ended) return true
  const detail = `Sweep ${sweep.id} is ${sweep.status} on this data set.`
  throw new DomainError(code, { detail })
}

/** A batch prediction that has ended holds what it says of its data set; one that has not still reads it. */
async function assertNotPredicted(transaction: Queryable, id: string): Promise<void> {
  const batches = await transaction.$queryRaw<{ id: string; status: string }[]>`
    SELECT id, status FROM batch_predictions
    WHERE dataset_id = ${id} AND status IN ('queued', 'running', 'cancelling') LIMIT 1`
  const batch = batches[0]
  if (batch === undefined) return
  const detail = `Batch prediction ${batch.id} is ${batch.status} on this data set; cancel it or wait for its end.`
  throw new DomainError('dataset_in_use', { detail })
}
