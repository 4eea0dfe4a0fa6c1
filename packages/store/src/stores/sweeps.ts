import { createId, type JobId, type ProjectId, type Sweep } from '@trainyard/contracts'
import { DomainError, decideSweep, isSweepEnded, type SweepStore } from '@trainyard/domain'
import type { Database, Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import {
  type SweepEventRow,
  type SweepRow,
  type TrialRow,
  toSweep,
  toSweepEvent,
  toTrial,
} from '../mappers/sweep.ts'
import { translateErrors } from '../to-domain-error.ts'
import { cancelTrainings } from './cancel-trainings.ts'
import { writeOnce } from './idempotency.ts'
import { toList, toPageClause } from './keyset.ts'
import { readRecord, readScored } from './scored-trials.ts'
import { insertEventForEach, insertSweepEvents } from './sweep-events.ts'

const KEYSET = { createdAt: Prisma.sql`s.created_at`, id: Prisma.sql`s.id` }
/** Trainings that say how fast the workers are. */
const SPEED_JOBS = 100

/** The API's side of sweeps. */
export function createSweeps(database: Database): SweepStore {
  return {
    insert: (sweep, request) =>
      translateErrors(() =>
        writeOnce(database, { projectId: sweep.projectId, request, status: 201 }, async (tx) => {
          // A change or a deletion of the data set locks its row for itself.
          const found = await tx.$queryRaw<{ id: string }[]>`
            SELECT id FROM datasets WHERE project_id = ${sweep.projectId} AND id = ${sweep.datasetId}
              AND deleted_at IS NULL FOR SHARE`
          if (found.length === 0) throw new DomainError('dataset_not_found')
          await tx.$executeRaw`
            INSERT INTO sweeps (id, project_id, dataset_id, name, config, method, seed, objective, repeats, max_trials,
              engine_version, metadata)
            VALUES (${sweep.id}, ${sweep.projectId}, ${sweep.datasetId}, ${sweep.name},
              ${JSON.stringify(sweep.config)}::json, ${sweep.method}, ${sweep.seed}::bigint,
              ${JSON.stringify(sweep.objective)}::jsonb, ${sweep.repeats}, ${sweep.maxTrials}, ${sweep.engineVersion},
              ${JSON.stringify(sweep.metadata)}::jsonb)`
          await insertSweepEvents(tx, sweep.id, [
            {
              type: 'sweep.created',
              message: `A sweep of ${sweep.maxTrials} trials is accepted`,
              data: { status: 'queued', max_trials: sweep.maxTrials },
            },
          ])
          return await findOrThrow(tx, sweep.projectId, sweep.id)
        }),
      ),

    find: (projectId, id) => translateErrors(() => findSweep(database, projectId, id)),

    list: (projectId, page) =>
      translateErrors(async () => {
        const status =
          page.status === undefined ? Prisma.empty : Prisma.sql`AND s.status = ${page.status}`
        const rest = await toPageClause(page, KEYSET, (cursor) => cursorAt(projectId, cursor))
        const rows = await readSweeps(
          database,
          Prisma.sql`s.project_id = ${projectId} ${status} ${rest}`,
        )
        return toList(rows, page, toSweep)
      }),

    trials: (sweep, page) =>
      translateErrors(async () => {
        const { goal } = sweep.objective
        const after = page.after ?? null
        const status =
          page.status === undefined ? Prisma.empty : Prisma.sql`AND t.status = ${page.status}`
        const key = sortKey(goal)
        const isSorted = page.sort === 'objective'
        // Trials without an objective come last.
        const next =
          after === null
            ? Prisma.empty
            : isSorted
              ? Prisma.sql`AND (${key}, t.trial_index) > (
                  SELECT ${key}, t.trial_index FROM sweep_trials t WHERE t.sweep_id = ${sweep.id} AND t.trial_index = ${after})`
              : Prisma.sql`AND t.trial_index > ${after}`
        const order = isSorted ? Prisma.sql`${key}, t.trial_index` : Prisma.sql`t.trial_index`
        const rows = await database.$queryRaw<TrialRow[]>`
          WITH ranked AS (${rankedTrials(Prisma.sql`t.sweep_id = ${sweep.id}`, goal)})
          SELECT t.*, ${jobIds} FROM ranked t WHERE true ${status} ${next} ORDER BY ${order} LIMIT ${page.limit + 1}::int`
        return toList(
          rows.map((row) => ({ ...row, id: String(row.trial_index) })),
          { limit: page.limit },
          toTrial,
        )
      }),

    scored: (sweepId) => translateErrors(() => readScored(database, sweepId)),

    record: (sweepId) => translateErrors(() => readRecord(database, sweepId)),

    events: (sweepId, afterSeq, limit) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<SweepEventRow[]>`
          SELECT id, sweep_id, seq, level, type, message, data, created_at FROM sweep_events
          WHERE sweep_id = ${sweepId} AND seq > ${afterSeq} ORDER BY seq LIMIT ${limit}::int`
        return rows.map(toSweepEvent)
      }),

    eventSeq: (sweepId, eventId) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<{ seq: number }[]>`
          SELECT seq FROM sweep_events WHERE sweep_id = ${sweepId} AND id = ${eventId}`
        return rows[0]?.seq ?? null
      }),

    command: (projectId, id, command) =>
      translateErrors(() =>
        database.$transaction(async (tx) => {
          const status = await lockSweep(tx, projectId, id)
          if (status === null) return null
          const next = decideSweep(status, command)
          let running: JobId[] = []
          if (next !== status) {
            if (command === 'cancel') running = await cancelTrainings(tx, id)
            // What has ended and is not recorded yet keeps its result: the scheduler records it, and then the end.
            const isOver = command === 'cancel' && !(await hasOpenTrials(tx, id))
            const reached = isOver ? 'cancelled' : next
            await moveTo(tx, id, reached)
            await insertSweepEvents(tx, id, [describe(reached, command)])
          }
          return { sweep: await findOrThrow(tx, projectId, id), running }
        }),
      ),

    extend: (projectId, id, maxTrials) =>
      translateErrors(() =>
        database.$transaction(async (tx) => {
          const status = await lockSweep(tx, projectId, id)
          if (status === null) return null
          if (status === 'cancelled' || status === 'cancelling') {
            const detail = `The sweep is ${status} and takes no more trials; start another.`
            throw new DomainError('illegal_transition', { detail, status, allowed: [] })
          }
          const changed = await tx.$executeRaw`
            UPDATE sweeps SET max_trials = ${maxTrials} WHERE id = ${id} AND max_trials < ${maxTrials}`
          if (changed === 0) {
            const { max_trials: known } = await findOrThrow(tx, projectId, id)
            const detail = `is ${maxTrials}, but must be more than the ${known} trials that the sweep has`
            throw new DomainError('validation_error', {
              errors: [{ pointer: '#/max_trials', detail }],
            })
          }
          if (isSweepEnded(status)) await reopen(tx, id, status)
          await insertSweepEvents(tx, id, [
            {
              type: 'sweep.extended',
              message: `The sweep has ${maxTrials} trials now`,
              data: { max_trials: maxTrials },
            },
          ])
          return await findOrThrow(tx, projectId, id)
        }),
      ),

    retryTrial: (projectId, id, trialIndex) =>
      translateErrors(() =>
        database.$transaction(async (tx) => {
          const status = await lockSweep(tx, projectId, id)
          if (status === null) return null
          const trials = await tx.$queryRaw<{ status: string }[]>`
            SELECT status FROM sweep_trials WHERE sweep_id = ${id} AND trial_index = ${trialIndex}`
          if (trials[0] === undefined) return null
          const failed = await tx.$queryRaw<{ id: string }[]>`
            SELECT id FROM (
              SELECT DISTINCT ON (repeat) id, status FROM jobs WHERE sweep_id = ${id} AND trial_index = ${trialIndex}
              ORDER BY repeat, created_at DESC, id DESC) AS newest WHERE status = 'failed'`
          if (failed.length === 0 || status === 'cancelled' || status === 'cancelling') {
            const detail = `The trial is ${trials[0].status} in a sweep that is ${status}; only what has failed in training can be tried again.`
            throw new DomainError('illegal_transition', {
              detail,
              status: trials[0].status,
              allowed: [],
            })
          }
          for (const job of failed) {
            await tx.$executeRaw`
              WITH job AS (
                INSERT INTO jobs (id, project_id, dataset_id, validation_dataset_id, test_dataset_id, name, config, resolved_config,
                  parameter_count, engine_version, priority, metadata, event_seq, sweep_id, trial_index, repeat, expected_ms)
                SELECT ${createId('job')}, project_id, dataset_id, validation_dataset_id, test_dataset_id, name, config, resolved_config,
                  parameter_count, engine_version, priority, metadata, 1, sweep_id, trial_index, repeat, expected_ms
                FROM jobs WHERE id = ${job.id} RETURNING id, event_seq)
              ${insertEventForEach('job.created', 'A failed trial is tried again', { status: 'queued' })}`
          }
          await tx.$executeRaw`
            UPDATE sweep_trials SET status = 'waiting', objective = NULL, summary = NULL, error = NULL,
              finished_at = NULL, finished_order = NULL
            WHERE sweep_id = ${id} AND trial_index = ${trialIndex}`
          if (isSweepEnded(status)) await reopen(tx, id, status)
          return await findOrThrow(tx, projectId, id)
        }),
      ),

    flopsPerSecond: () =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<{ speed: number | null }[]>`
          SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY 6.0 * parameter_count * examples_per_second) AS speed
          FROM (
            SELECT j.parameter_count, m.examples_per_second FROM jobs j
            JOIN epoch_metrics m ON m.job_id = j.id AND m.epoch = j.epoch
            WHERE j.status = 'succeeded' AND j.finished_at > clock_timestamp() - interval '1 day'
            ORDER BY j.finished_at DESC LIMIT ${SPEED_JOBS}::int) AS newest`
        return rows[0]?.speed ?? null
      }),
  }

  async function cursorAt(projectId: ProjectId, cursor: string): Promise<Date | null> {
    const known = await database.$queryRaw<{ created_at: Date }[]>`
      SELECT created_at FROM sweeps WHERE project_id = ${projectId} AND id = ${cursor}`
    return known[0]?.created_at ?? null
  }
}

async function lockSweep(
  transaction: Queryable,
  projectId: ProjectId,
  id: string,
): Promise<Sweep['status'] | null> {
  const rows = await transaction.$queryRaw<{ status: Sweep['status'] }[]>`
    SELECT status FROM sweeps WHERE project_id = ${projectId} AND id = ${id} FOR UPDATE`
  return rows[0]?.status ?? null
}

async function moveTo(transaction: Queryable, id: string, status: Sweep['status']): Promise<void> {
  await transaction.$executeRaw`
    UPDATE sweeps SET status = ${status},
      stop_reason = CASE WHEN ${status} IN ('cancelling', 'cancelled') THEN 'cancelled' ELSE stop_reason END,
      started_at = CASE WHEN ${status} = 'running' THEN COALESCE(started_at, clock_timestamp()) ELSE started_at END,
      finished_at = CASE WHEN ${status} = 'cancelled' THEN clock_timestamp() END
    WHERE id = ${id}`
}

async function hasOpenTrials(transaction: Queryable, id: string): Promise<boolean> {
  const rows = await transaction.$queryRaw<{ trial_index: number }[]>`
    SELECT trial_index FROM sweep_trials WHERE sweep_id = ${id} AND status IN ('waiting', 'running') LIMIT 1`
  return rows.length > 0
}

async function reopen(transaction: Queryable, id: string, status: Sweep['status']): Promise<void> {
  const found = await transaction.$queryRaw<{ id: string }[]>`
    SELECT d.id FROM datasets d JOIN sweeps s ON s.dataset_id = d.id
    WHERE s.id = ${id} AND d.deleted_at IS NULL FOR SHARE OF d`
  if (found.length === 0) {
    const detail = `The sweep is ${status} and its data set was deleted: nothing more can be trained.`
    throw new DomainError('illegal_transition', { detail, status, allowed: [] })
  }
  await transaction.$executeRaw`
    UPDATE sweeps SET status = 'running', stop_reason = NULL, error = NULL, finished_at = NULL WHERE id = ${id}`
}

function describe(status: Sweep['status'], command: string) {
  if (command === 'resume') {
    return { type: 'sweep.resumed', message: 'The sweep goes on', data: { status } } as const
  }
  const messages = {
    cancelling: 'Running trials stop at their next batch',
    cancelled: 'The sweep was cancelled',
    pausing: 'Running trials end; no other starts',
    paused: 'The sweep is paused',
  }
  const reached = status as keyof typeof messages
  return { type: `sweep.${reached}`, message: messages[reached], data: { status } } as const
}

/** Lower is better; what has none comes last. */
function sortKey(goal: Sweep['objective']['goal']): Prisma.Sql {
  return goal === 'minimize'
    ? Prisma.sql`COALESCE(t.objective, 'infinity'::float8)`
    : Prisma.sql`COALESCE(-t.objective, 'infinity'::float8)`
}

const jobIds = Prisma.sql`ARRAY(
  SELECT id FROM (
    SELECT DISTINCT ON (repeat) repeat, id FROM jobs j WHERE j.sweep_id = t.sweep_id AND j.trial_index = t.trial_index
    ORDER BY repeat, created_at DESC, id DESC) AS newest ORDER BY repeat) AS job_ids`

function rankedTrials(where: Prisma.Sql, goal: Sweep['objective']['goal']): Prisma.Sql {
  const key = sortKey(goal)
  return Prisma.sql`
    SELECT t.sweep_id, t.trial_index, t.status, t.params, t.round, t.seen_trials, t.finished_order, t.objective, t.summary,
      t.epochs, t.error,
      CASE WHEN t.objective IS NOT NULL THEN (rank() OVER (ORDER BY ${key}))::int END AS rank,
      (first_value(t.summary #>> '{confidence,low}') OVER (ORDER BY ${key}, t.trial_index))::float8 AS best_low,
      (first_value(t.summary #>> '{confidence,high}') OVER (ORDER BY ${key}, t.trial_index))::float8 AS best_high
    FROM sweep_trials t WHERE ${where}`
}

async function findOrThrow(queryable: Queryable, projectId: ProjectId, id: string): Promise<Sweep> {
  const sweep = await findSweep(queryable, projectId, id)
  if (sweep === null) throw new Error(`sweep ${id} vanished inside its own transaction`)
  return sweep
}

async function findSweep(
  queryable: Queryable,
  projectId: ProjectId,
  id: string,
): Promise<Sweep | null> {
  const rows = await readSweeps(queryable, Prisma.sql`s.project_id = ${projectId} AND s.id = ${id}`)
  return rows[0] === undefined ? null : toSweep(rows[0])
}

async function readSweeps(queryable: Queryable, where: Prisma.Sql): Promise<SweepRow[]> {
  return await queryable.$queryRaw<SweepRow[]>`
    SELECT s.id, s.project_id, s.dataset_id, s.name, s.status, s.stop_reason, s.config, s.method, s.seed, s.objective,
      s.repeats, s.max_trials, s.rounds, s.warnings, s.error, s.metadata, s.created_at, s.started_at, s.finished_at,
      (SELECT jsonb_object_agg(status, trials) FROM (
        SELECT status, count(*) AS trials FROM sweep_trials WHERE sweep_id = s.id GROUP BY status) AS c) AS counts,
      (SELECT jsonb_object_agg(code, trials) FROM (
        SELECT error->>'code' AS code, count(*) AS trials FROM sweep_trials
        WHERE sweep_id = s.id AND error IS NOT NULL GROUP BY code) AS f) AS failures,
      (SELECT COALESCE(sum(epochs), 0)::int FROM sweep_trials WHERE sweep_id = s.id) AS epochs,
      (SELECT to_jsonb(b) FROM (
        SELECT t.*, 1 AS rank, (t.summary #>> '{confidence,low}')::float8 AS best_low,
          (t.summary #>> '{confidence,high}')::float8 AS best_high, ${jobIds}
        FROM sweep_trials t WHERE t.sweep_id = s.id AND t.objective IS NOT NULL
        ORDER BY CASE WHEN s.objective->>'goal' = 'maximize' THEN -t.objective ELSE t.objective END, t.trial_index
        LIMIT 1) AS b) AS best
    FROM sweeps s WHERE ${where}`
}
