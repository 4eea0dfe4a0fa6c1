import { createHash } from 'node:crypto'
import type { JobId } from '@trainyard/contracts'
import type { CheckpointStore, JobCheckpoint } from '@trainyard/domain'
import type { Database, Queryable } from '../client.ts'
import { translateErrors } from '../to-domain-error.ts'
import { isMine } from './is-mine.ts'

/** A chunk is converted on the event loop: 256 KiB takes a few milliseconds there. */
const CHUNK_BYTES = 256 * 1024

export function createCheckpoints(database: Database): CheckpointStore {
  return {
    put: (lease, { sha256, bytes }) =>
      translateErrors(async () => {
        for (let position = 0; position * CHUNK_BYTES < bytes.length; position++) {
          const chunk = bytes.subarray(position * CHUNK_BYTES, (position + 1) * CHUNK_BYTES)
          await database.$executeRaw`
            INSERT INTO checkpoint_chunks (job_id, sha256, position, data)
            SELECT id, ${sha256}, ${position}::int, ${chunk} FROM jobs WHERE ${isMine(lease)}
            ON CONFLICT DO NOTHING`
        }
      }),

    read: (jobId, sha256) =>
      translateErrors(async () => {
        const chunks: Uint8Array[] = []
        for (;;) {
          const rows = await database.$queryRaw<{ data: Uint8Array }[]>`
            SELECT data FROM checkpoint_chunks
            WHERE job_id = ${jobId} AND sha256 = ${sha256} AND position = ${chunks.length}`
          if (rows[0] === undefined) break
          chunks.push(rows[0].data)
        }
        const bytes = Buffer.concat(chunks)
        return createHash('sha256').update(bytes).digest('hex') === sha256 ? bytes : null
      }),
  }
}

/** For the holder of the lease, within its transaction: the newest `keep` stay. */
export async function keepCheckpoint(
  transaction: Queryable,
  jobId: JobId,
  { step, sha256, bytes, keep, progress }: JobCheckpoint,
): Promise<void> {
  await transaction.$executeRaw`
    INSERT INTO checkpoints (job_id, step, progress, sha256, bytes)
    VALUES (${jobId}, ${step}, ${JSON.stringify(progress)}::jsonb, ${sha256}, ${bytes})
    ON CONFLICT (job_id, step) DO UPDATE SET
      progress = EXCLUDED.progress, sha256 = EXCLUDED.sha256, bytes = EXCLUDED.bytes`
  await transaction.$executeRaw`
    DELETE FROM checkpoints WHERE job_id = ${jobId} AND step NOT IN (
      SELECT step FROM checkpoints WHERE job_id = ${jobId} ORDER BY step DESC LIMIT ${keep})`
  await transaction.$executeRaw`
    DELETE FROM checkpoint_chunks c WHERE job_id = ${jobId}
      AND NOT EXISTS (SELECT 1 FROM checkpoints k WHERE k.job_id = c.job_id AND k.sha256 = c.sha256)`
  // A resumed job goes on from the newest one, so another is always progress.
  await transaction.$executeRaw`UPDATE jobs SET crash_count = 0 WHERE id = ${jobId}`
}
