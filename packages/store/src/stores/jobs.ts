import type { Job, ProjectId } from '@trainyard/contracts'
import { assertAllowed, type DatasetRevision, DomainError, type JobStore } from '@trainyard/domain'
import type { Database, Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { type EventRow, type JobRow, toEvent, toJob } from '../mappers/job.ts'
import { translateErrors } from '../to-domain-error.ts'
import { dropCheckpoints } from './checkpoints.ts'
import { takeOver } from './derive-job.ts'
import { readEpochLayers } from './epoch-layers.ts'
import { readThinnedMetrics } from './epoch-metrics.ts'
import { insertEvent } from './events.ts'
import { writeOnce } from './idempotency.ts'
import { toList, toPageClause } from './keyset.ts'
import { cancelJob, type MoveJob, pauseJob, resumeJob } from './move-job.ts'
import { removedByGc } from './removed-by-gc.ts'

/** The checkpoint of a large network is hundreds of megabytes, which Postgres copies for a job that begins with it. */
const COPY_TIMEOUT_MS = 60_000

const KEYSET = { createdAt: Prisma.sql`j.created_at`, id: Prisma.sql`j.id` }

/** The API's side of jobs: what callers submit, see and cancel. */
export function createJobs(database: Database): JobStore {
  return {
    insert: (job, request) =>
      translateErrors(() =>
        writeOnce(
          database,
          {
            ...{ projectId: job.projectId, request, status: 201 },
            ...(job.derivation !== undefined && { timeoutMs: COPY_TIMEOUT_MS }),
          },
          async (transaction) => {
            await assertUnchanged(transaction, job.datasets)
            await transaction.$executeRaw`
              WITH job AS (
                INSERT INTO jobs (id, project_id, dataset_id, validation_dataset_id, test_dataset_id, name, config, resolved_config, parameter_count,
                  engine_version, priority, metadata, event_seq)
                VALUES (${job.id}, ${job.projectId}, ${job.datasetId}, ${job.validationDatasetId}, ${job.testDatasetId}, ${job.name},
                  ${JSON.stringify(job.config)}::jsonb,
                  ${JSON.stringify(job.resolvedConfig)}::jsonb, ${job.parameterCount}, ${job.engineVersion},
                  ${job.priority}, ${JSON.stringify(job.metadata)}::jsonb, 1)
                RETURNING id, event_seq)
              ${insertEvent('job.created', 'The job is accepted and waits for a worker', { status: 'queued' })}`
            if (job.derivation !== undefined) await takeOver(transaction, job.id, job.derivation)
            return await findOrThrow(transaction, job.projectId, job.id)
          },
        ),
      ),

    find: (projectId, id) => translateErrors(() => findJob(database, projectId, id)),

    list: (projectId, page) =>
      translateErrors(async () => {
        const status =
          page.status === undefined ? Prisma.empty : Prisma.sql`AND j.status = ${page.status}`
        const rest = await toPageClause(page, KEYSET, (cursor) => cursorAt(projectId, cursor))
        const mine = Prisma.sql`j.project_id = ${projectId} ${status}`
        const rows = await readJobs(database, Prisma.sql`${mine} ${rest}`)
        return toList(rows, page, toJob)
      }),

    cancel: (projectId, id, mode = 'graceful') => move(projectId, id, cancelJob(mode)),
    pause: (projectId, id) => move(projectId, id, pauseJob),
    resume: (projectId, id) => move(projectId, id, resumeJob),

    delete: (projectId, id, { purge }) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          const locked = await transaction.$queryRaw<{ status: Job['status'] }[]>`
            SELECT status FROM jobs
            WHERE project_id = ${projectId} AND id = ${id} AND (deleted_at IS NULL OR ${purge}) FOR UPDATE`
          const status = locked[0]?.status
          if (status === undefined) return false
          assertAllowed('delete', status)
          if (purge) await transaction.$executeRaw`DELETE FROM jobs WHERE id = ${id}`
          else {
            await transaction.$executeRaw`UPDATE jobs SET deleted_at = clock_timestamp() WHERE id = ${id}`
            await dropCheckpoints(transaction, Prisma.sql`id = ${id}`)
          }
          return true
        }),
      ),

    events: (jobId, afterSeq, limit) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<EventRow[]>`
          SELECT id, job_id, seq, level, type, message, data, created_at FROM events
          WHERE job_id = ${jobId} AND seq > ${afterSeq} ORDER BY seq LIMIT ${limit}::int`
        return rows.map(toEvent)
      }),

    eventSeq: (jobId, eventId) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<{ seq: number }[]>`
          SELECT seq FROM events WHERE job_id = ${jobId} AND id = ${eventId}`
        return rows[0]?.seq ?? null
      }),

    metrics: (jobId, thinning) =>
      translateErrors(() => readThinnedMetrics(database, jobId, thinning)),

    layers: (jobId) => translateErrors(() => readEpochLayers(database, jobId)),

    weights: (jobId, which) =>
      translateErrors(async () => {
        const row = await database.jobWeights.findUnique({
          where: { jobId_which: { jobId, which } },
          include: { blob: true },
        })
        if (row === null) return null
        if (row.blob === null) throw removedByGc(`${which} weights`, jobId)
        return {
          epoch: row.epoch,
          sha256: row.blob.sha256,
          bytes: Number(row.blob.bytes),
          architecture: row.architecture as never,
          preprocessing: row.preprocessing as never,
        }
      }),

    split: (jobId) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<{ split_sha256: string | null }[]>`
          SELECT split_sha256 FROM jobs WHERE id = ${jobId}`
        return rows[0]?.split_sha256 ?? null
      }),

    countByStatus: () =>
      translateErrors(
        () => database.$queryRaw<{ status: Job['status']; count: number }[]>`
          SELECT status, count(*)::int AS count FROM jobs WHERE deleted_at IS NULL GROUP BY status`,
      ),
  }

  function move(projectId: ProjectId, id: string, moveJob: MoveJob): Promise<Job | null> {
    return translateErrors(() =>
      database.$transaction(async (transaction) =>
        (await moveJob(transaction, projectId, id))
          ? await findOrThrow(transaction, projectId, id)
          : null,
      ),
    )
  }

  async function cursorAt(projectId: ProjectId, cursor: string): Promise<Date | null> {
    const known = await database.$queryRaw<{ created_at: Date }[]>`
      SELECT created_at FROM jobs WHERE project_id = ${projectId} AND id = ${cursor}`
    return known[0]?.created_at ?? null
  }
}

/** From here to the end of the transaction they stay as they are: a change or a deletion locks the row for itself. */
async function assertUnchanged(
  transaction: Queryable,
  datasets: readonly DatasetRevision[],
): Promise<void> {
  const [ids, revisions] = [datasets.map(({ id }) => id), datasets.map(({ revision }) => revision)]
  const unchanged = await transaction.$queryRaw<{ id: string }[]>`
    SELECT d.id FROM datasets d JOIN unnest(${ids}::text[], ${revisions}::int[]) AS seen (id, revision)
      ON seen.id = d.id AND seen.revision = d.revision
    WHERE d.deleted_at IS NULL ORDER BY d.id FOR SHARE OF d`
  if (unchanged.length < datasets.length) throw new DomainError('dataset_changed')
}

async function findOrThrow(queryable: Queryable, projectId: ProjectId, id: string): Promise<Job> {
  const job = await findJob(queryable, projectId, id)
  if (job === null) throw new Error(`job ${id} vanished inside its own transaction`)
  return job
}

async function findJob(
  queryable: Queryable,
  projectId: ProjectId,
  id: string,
): Promise<Job | null> {
  const rows = await readJobs(queryable, Prisma.sql`j.project_id = ${projectId} AND j.id = ${id}`)
  return rows[0] === undefined ? null : toJob(rows[0])
}

async function readJobs(queryable: Queryable, where: Prisma.Sql): Promise<JobRow[]> {
  return await queryable.$queryRaw<JobRow[]>`
    SELECT j.id, j.project_id, j.dataset_id, j.name, j.status, j.stop_reason, j.config, j.resolved_config,
      j.parameter_count, j.engine_version, j.sweep_id, j.trial_index, j.priority, j.metadata, j.error, j.epoch, j.best, j.final, j.folds,
      j.baselines, j.test, j.manifest, j.attempt, j.parent_job_id, j.origin, j.verification,
      (SELECT v.status FROM jobs v WHERE v.id = j.verification->>'job_id') AS verifier_status,
      j.created_at, j.started_at, j.finished_at, clock_timestamp() AS now,
      CASE WHEN j.status = 'queued' THEN (
        SELECT count(*)::int FROM jobs q WHERE q.status = 'queued' AND q.project_id = j.project_id
          AND (q.priority > j.priority OR (q.priority = j.priority AND (q.created_at, q.id) < (j.created_at, j.id)))
      ) END AS ahead,
      ${weightsOf('best')} AS best_weights, ${weightsOf('last')} AS last_weights
    FROM jobs j WHERE j.deleted_at IS NULL AND ${where}`
}

/** Those that were removed have their hash still. */
function weightsOf(which: 'best' | 'last'): Prisma.Sql {
  return Prisma.sql`(
    SELECT jsonb_build_object('epoch', w.epoch, 'sha256', COALESCE(w.sha256, w.removed_sha256), 'bytes', b.bytes)
    FROM job_weights w LEFT JOIN blobs b ON b.sha256 = w.sha256 WHERE w.job_id = j.id AND w.which = ${which})`
}
