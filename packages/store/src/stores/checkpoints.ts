import { createHash } from 'node:crypto'
import { createId, type JobId } from '@trainyard/contracts'
import type { CheckpointStore, JobCheckpoint } from '@trainyard/domain'
import type { Database, Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { toCheckpoint } from '../mappers/checkpoint.ts'
import { translateErrors } from '../to-domain-error.ts'
import { insertEvent } from './events.ts'
import { isMine } from './is-mine.ts'
import { assertCheckpointsKept } from './removed-by-gc.ts'

/** A chunk is converted on the event loop when it is read: 256 KiB takes a few milliseconds there. */
const CHUNK_BYTES = 256 * 1024

export function createCheckpoints(database: Database): CheckpointStore {
  return {
    list: (jobId) =>
      translateErrors(async () => {
        const rows = await database.checkpoint.findMany({
          where: { jobId },
          omit: { architecture: true, preprocessing: true },
          orderBy: { step: 'desc' },
        })
        return rows.map(toCheckpoint)
      }),

    find: (jobId, id) =>
      translateErrors(async () => {
        const where = id === undefined ? { jobId } : { jobId, id }
        const row = await database.checkpoint.findFirst({ where, orderBy: { step: 'desc' } })
        if (row === null) {
          await assertCheckpointsKept(database, jobId)
          return null
        }
        const { architecture, preprocessing } = row
        const model =
          architecture === null || preprocessing === null
            ? null
            : { architecture: architecture as never, preprocessing: preprocessing as never }
        return { checkpoint: toCheckpoint(row), model }
      }),

    put: (lease, { sha256, bytes }) =>
      translateErrors(async () => {
        for (let position = 0; position * CHUNK_BYTES < bytes.length; position++) {
          const chunk = bytes.subarray(position * CHUNK_BYTES, (position + 1) * CHUNK_BYTES)
          const { text, values } = Prisma.sql`
            INSERT INTO checkpoint_chunks (job_id, sha256, position, data)
            SELECT id, ${sha256}, ${position}::int, ${chunk}::bytea FROM jobs WHERE ${isMine(lease)}
            ON CONFLICT DO NOTHING`
          await database.pool.query(text, values)
        }
      }),

    read: (jobId, sha256) =>
      translateErrors(async () => {
        const chunks: Uint8Array[] = []
        for (;;) {
          const { rows } = await database.pool.query<{ data: Buffer }>(
            'SELECT data FROM checkpoint_chunks WHERE job_id = $1 AND sha256 = $2 AND position = $3',
            [jobId, sha256, chunks.length],
          )
          if (rows[0] === undefined) break
          chunks.push(rows[0].data)
        }
        // A buffer of its own, which may be handed to a thread.
        const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
        let at = 0
        for (const chunk of chunks) {
          bytes.set(chunk, at)
          at += chunk.length
        }
        return createHash('sha256').update(bytes).digest('hex') === sha256 ? bytes : null
      }),

    expire: (days) =>
      translateErrors(() =>
        dropCheckpoints(
          database,
          Prisma.sql`finished_at < clock_timestamp() - make_interval(days => ${days}::int)
            AND EXISTS (SELECT 1 FROM checkpoints c WHERE c.job_id = jobs.id)`,
        ),
      ),
  }
}

/** For the holder of the lease, within its transaction: the newest `keep` stay, and the one that a fork began with. */
export async function keepCheckpoint(
  transaction: Queryable,
  jobId: JobId,
  { step, sha256, bytes, keep, progress, architecture, preprocessing }: JobCheckpoint,
): Promise<void> {
  const id = createId('checkpoint')
  // A resumed job goes on from the newest one, so another is always progress.
  await transaction.$executeRaw`
    WITH job AS (
      UPDATE jobs SET crash_count = 0, event_seq = event_seq + 1 WHERE id = ${jobId} RETURNING id, event_seq),
    kept AS (
      INSERT INTO checkpoints (id, job_id, step, progress, architecture, preprocessing, sha256, bytes)
      SELECT ${id}, id, ${step}::int, ${JSON.stringify(progress)}::jsonb, ${JSON.stringify(architecture)}::jsonb,
        ${JSON.stringify(preprocessing)}::jsonb, ${sha256}, ${bytes}::bigint FROM job
      ON CONFLICT (job_id, step) DO UPDATE SET id = EXCLUDED.id,
        progress = EXCLUDED.progress, sha256 = EXCLUDED.sha256, bytes = EXCLUDED.bytes)
    ${insertEvent('job.checkpoint_created', `A checkpoint of step ${step} is kept`, {
      checkpoint_id: id,
      step_number: step,
      epoch: progress.epoch,
      bytes,
    })}`
  await transaction.$executeRaw`
    WITH newest AS (
      SELECT step FROM checkpoints WHERE job_id = ${jobId} ORDER BY step DESC LIMIT ${keep}),
    kept AS (
      SELECT step, sha256 FROM checkpoints WHERE job_id = ${jobId} AND (step IN (SELECT step FROM newest)
        OR step = (SELECT fork_step FROM jobs WHERE id = ${jobId}))),
    dropped AS (
      DELETE FROM checkpoints WHERE job_id = ${jobId} AND step NOT IN (SELECT step FROM kept))
    DELETE FROM checkpoint_chunks WHERE job_id = ${jobId} AND sha256 NOT IN (SELECT sha256 FROM kept)`
}

/** Of all jobs of which `where` is true. */
export async function dropCheckpoints(queryable: Queryable, where: Prisma.Sql): Promise<number> {
  const jobs = Prisma.sql`SELECT id FROM jobs WHERE ${where}`
  await queryable.$executeRaw`DELETE FROM checkpoint_chunks WHERE job_id IN (${jobs})`
  return await queryable.$executeRaw`DELETE FROM checkpoints WHERE job_id IN (${jobs})`
}

/** The best epoch as a job shows it, from what a checkpoint has counted. */
export function bestOf(progress: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`CASE WHEN jsonb_typeof(${progress}->'best') = 'object' THEN jsonb_build_object(
    'epoch', ${progress}->'best'->'epoch', 'metrics', jsonb_build_object(
      'train_loss', ${progress}->'best'->'train_loss', 'train_accuracy', ${progress}->'best'->'train_accuracy',
      'val_loss', ${progress}->'best'->'val_loss', 'val_accuracy', ${progress}->'best'->'val_accuracy')) END`
}
