/** Jobs that come from others: what they take over at the start, and what a verification has found at the end. */
import { createId, type JobId } from '@trainyard/contracts'
import { DomainError, type JobDerivation } from '@trainyard/domain'
import type { Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { bestOf } from './checkpoints.ts'

/** 32 MiB: well within the time of a statement, on a slow disk too. */
const CHUNKS_PER_STATEMENT = 128

/** In the transaction that has inserted the job. */
export async function takeOver(
  transaction: Queryable,
  jobId: JobId,
  { origin, parentJobId, checkpointId }: JobDerivation,
): Promise<void> {
  const parents = await transaction.$queryRaw<{ fork_step: number | null }[]>`
    WITH job AS (
      UPDATE jobs SET parent_job_id = ${parentJobId}, origin = ${origin} WHERE id = ${jobId})
    SELECT fork_step FROM jobs WHERE id = ${parentJobId}`
  const forkStep = parents[0]?.fork_step ?? null
  if (checkpointId !== undefined) {
    await copyCheckpoint(transaction, jobId, parentJobId, Prisma.sql`id = ${checkpointId}`)
  } else if (origin !== 'clone' && forkStep !== null) {
    // The same again is to begin where the other began.
    await copyCheckpoint(transaction, jobId, parentJobId, Prisma.sql`step = ${forkStep}`)
  }
  if (origin === 'verify') {
    const pending = { job_id: jobId, outcome: 'pending', differences: [], verified_at: null }
    await transaction.$executeRaw`
      UPDATE jobs SET verification = ${JSON.stringify(pending)}::jsonb WHERE id = ${parentJobId}`
  }
}

/** The copy is the job's own: what becomes of its parent is nothing to it. */
async function copyCheckpoint(
  transaction: Queryable,
  jobId: JobId,
  parentJobId: JobId,
  which: Prisma.Sql,
): Promise<void> {
  // The lock keeps its bytes from being dropped meanwhile.
  const found = await transaction.$queryRaw<{ step: number; sha256: string }[]>`
    SELECT step, sha256 FROM checkpoints WHERE job_id = ${parentJobId} AND ${which} FOR SHARE`
  const checkpoint = found[0]
  if (checkpoint === undefined) throw new DomainError('checkpoint_not_found')
  const { step, sha256 } = checkpoint
  await transaction.$executeRaw`
    INSERT INTO checkpoints (id, job_id, step, progress, architecture, preprocessing, sha256, bytes)
    SELECT ${createId('checkpoint')}, ${jobId}, step, progress, architecture, preprocessing, sha256, bytes
    FROM checkpoints WHERE job_id = ${parentJobId} AND step = ${step}`
  for (let from = 0, copied = CHUNKS_PER_STATEMENT; copied === CHUNKS_PER_STATEMENT; ) {
    copied = await transaction.$executeRaw`
      INSERT INTO checkpoint_chunks (job_id, sha256, position, data)
      SELECT ${jobId}, sha256, position, data FROM checkpoint_chunks
      WHERE job_id = ${parentJobId} AND sha256 = ${sha256}
        AND position >= ${from}::int AND position < ${from + CHUNKS_PER_STATEMENT}::int`
    from += CHUNKS_PER_STATEMENT
  }
  await transaction.$executeRaw`
    UPDATE jobs SET fork_step = ${step}, epoch = (c.progress->>'epoch')::int, best = ${bestOf(Prisma.sql`c.progress`)},
      progress_engine = p.progress_engine
    FROM checkpoints c, jobs p
    WHERE jobs.id = ${jobId} AND c.job_id = jobs.id AND c.step = ${step} AND p.id = ${parentJobId}`
  // Its history is that of one training, from the first epoch on.
  await transaction.$executeRaw`
    INSERT INTO epoch_metrics (job_id, epoch, step, train_loss, train_penalty, train_accuracy, val_loss, val_accuracy,
      learning_rate, gradient_norm, examples_per_second, duration_ms)
    SELECT ${jobId}, m.epoch, m.step, train_loss, train_penalty, train_accuracy, val_loss, val_accuracy,
      learning_rate, gradient_norm, examples_per_second, duration_ms
    FROM epoch_metrics m JOIN jobs j ON j.id = ${jobId} WHERE m.job_id = ${parentJobId} AND m.epoch <= j.epoch`
  await transaction.$executeRaw`
    INSERT INTO epoch_layers (job_id, epoch, rows, statistics, histograms)
    SELECT ${jobId}, l.epoch, rows, statistics, histograms
    FROM epoch_layers l JOIN jobs j ON j.id = ${jobId} WHERE l.job_id = ${parentJobId} AND l.epoch <= j.epoch`
}

/** Of a job that has trained another again, in the transaction of its success: told to the other. */
export async function settleVerification(transaction: Queryable, jobId: JobId): Promise<void> {
  await transaction.$executeRaw`
    WITH pair AS (
      SELECT first.id AS first_id, again.id AS again_id, first.manifest AS first_manifest, again.manifest AS again_manifest
      FROM jobs again JOIN jobs first ON first.id = again.parent_job_id
      WHERE again.id = ${jobId} AND again.origin = 'verify'),
    found AS (
      SELECT first_id, again_id, ARRAY_REMOVE(ARRAY[
        CASE WHEN ${weightsOf('first_id', 'best')} IS DISTINCT FROM ${weightsOf('again_id', 'best')} THEN 'weights.best' END,
        CASE WHEN ${weightsOf('first_id', 'last')} IS DISTINCT FROM ${weightsOf('again_id', 'last')} THEN 'weights.last' END,
        CASE WHEN EXISTS (${metricsOf('first_id')} EXCEPT ${metricsOf('again_id')})
          OR EXISTS (${metricsOf('again_id')} EXCEPT ${metricsOf('first_id')}) THEN 'metrics' END,
        CASE WHEN (first_manifest->'engine_version', first_manifest->'fused')
          IS DISTINCT FROM (again_manifest->'engine_version', again_manifest->'fused') THEN 'engine' END
      ], NULL) AS differences FROM pair)
    UPDATE jobs SET verification = jsonb_build_object('job_id', again_id,
      'outcome', CASE WHEN cardinality(differences) = 0 THEN 'identical' ELSE 'different' END,
      'differences', to_jsonb(differences),
      'verified_at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    FROM found WHERE jobs.id = first_id AND jobs.verification->>'job_id' = again_id`
}

function weightsOf(job: 'first_id' | 'again_id', which: 'best' | 'last'): Prisma.Sql {
  return Prisma.sql`(SELECT COALESCE(sha256, removed_sha256) FROM job_weights WHERE job_id = ${Prisma.raw(job)} AND which = ${which})`
}

/** Without what a clock measured. */
function metricsOf(job: 'first_id' | 'again_id'): Prisma.Sql {
  return Prisma.sql`SELECT epoch, step, train_loss, train_penalty, train_accuracy, val_loss, val_accuracy,
    learning_rate, gradient_norm FROM epoch_metrics WHERE job_id = ${Prisma.raw(job)}`
}
