/** The scheduler's side of sweeps. Every write locks the sweep's row first: it and a cancel follow each other. */
import type { JobId, ResolvedConfig, SweepId } from '@trainyard/contracts'
import type {
  NewTrial,
  OpenTrial,
  RunningSweep,
  SweepRunStore,
  SweepUpdate,
  TrialJob,
} from '@trainyard/domain'
import type { Database, Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { translateErrors } from '../to-domain-error.ts'
import { cancelTrainings } from './cancel-trainings.ts'
import { removeUnkept } from './remove-unkept.ts'
import { readScored } from './scored-trials.ts'
import { insertEventForEach, insertSweepEvents } from './sweep-events.ts'

interface RunningRow {
  id: string
  project_id: string
  dataset_id: string
  status: string
  stop_reason: string | null
  config: unknown
  method: string
  seed: bigint
  objective: unknown
  max_trials: number
  engine_version: string
  rounds: unknown
  finished_trials: number
  chosen: number
  counts: RunningSweep['trials'] | null
  failures: Record<string, number> | null
  seconds: number
}

interface OpenRow {
  trial_index: number
  trial_status: string
  params: unknown
  decision: unknown
  id: string | null
  repeat: number
  status: string
  stop_reason: string | null
  epoch: number
  best: unknown
  final: unknown
  error: unknown
  finished_at: Date | null
}

export function createSweepRuns(database: Database): SweepRunStore {
  return {
    active: () =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<RunningRow[]>`
          SELECT s.id, s.project_id, s.dataset_id, s.status, s.stop_reason, s.config, s.method, s.seed, s.objective,
            s.max_trials, s.engine_version, s.rounds, s.finished_trials,
            (SELECT COALESCE(max(trial_index) + 1, 0)::int FROM sweep_trials WHERE sweep_id = s.id) AS chosen,
            (SELECT jsonb_object_agg(status, trials) FROM (
              SELECT status, count(*) AS trials FROM sweep_trials WHERE sweep_id = s.id GROUP BY status) AS c) AS counts,
            (SELECT jsonb_object_agg(code, trials) FROM (
              SELECT error->>'code' AS code, count(*) AS trials FROM sweep_trials
              WHERE sweep_id = s.id AND error IS NOT NULL GROUP BY code) AS f) AS failures,
            COALESCE(extract(epoch FROM clock_timestamp() - s.started_at), 0)::float8 AS seconds
          FROM sweeps s WHERE s.status IN ('queued', 'running', 'pausing', 'cancelling') ORDER BY s.created_at, s.id`
        return rows.map(toRunning)
      }),

    openTrials: (sweepId) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<OpenRow[]>`
          SELECT t.trial_index, t.status AS trial_status, t.params, j.*,
            (SELECT decision FROM sweep_rungs r WHERE r.sweep_id = t.sweep_id AND r.trial_index = t.trial_index
              ORDER BY r.epoch DESC LIMIT 1) AS decision
          FROM sweep_trials t
          LEFT JOIN LATERAL (
            SELECT DISTINCT ON (repeat) id, repeat, status, stop_reason, epoch, best, final, error, finished_at FROM jobs
            WHERE sweep_id = t.sweep_id AND trial_index = t.trial_index ORDER BY repeat, created_at DESC, id DESC) j ON true
          WHERE t.sweep_id = ${sweepId} AND t.status IN ('waiting', 'running') ORDER BY t.trial_index, j.repeat`
        const trials = new Map<number, OpenTrial>()
        for (const row of rows) {
          const trial = trials.get(row.trial_index) ?? toOpenTrial(row)
          if (row.id !== null) trial.jobs.push(toTrialJob(row, row.id))
          trials.set(row.trial_index, trial)
        }
        return [...trials.values()]
      }),

    scored: (sweepId) => translateErrors(() => readScored(database, sweepId)),

    apply: (sweepId, update) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          const held = await transaction.$queryRaw<{ status: string }[]>`
            SELECT status FROM sweeps WHERE id = ${sweepId}
              AND status IN ('queued', 'running', 'pausing', 'cancelling') FOR UPDATE`
          if (held[0] === undefined) return false
          await markTrials(transaction, sweepId, update)
          if (update.unkept !== undefined) await removeUnkept(transaction, sweepId, update.unkept)
          await updateSweep(transaction, sweepId, held[0].status, update)
          await insertSweepEvents(transaction, sweepId, update.events)
          return true
        }),
      ),

    insertTrials: (sweep, trials) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          const held = await transaction.$queryRaw<{ id: string }[]>`
            SELECT id FROM sweeps WHERE id = ${sweep.id} AND status = 'running' AND stop_reason IS NULL FOR UPDATE`
          if (held.length === 0) return false
          const added = await addTrials(transaction, sweep.id, trials)
          await addJobs(
            transaction,
            sweep,
            trials.filter(({ trialIndex }) => added.has(trialIndex)),
          )
          return true
        }),
      ),

    cancelJobs: (sweepId) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          await transaction.$queryRaw`SELECT id FROM sweeps WHERE id = ${sweepId} FOR UPDATE`
          return await cancelTrainings(transaction, sweepId)
        }),
      ),
  }
}

async function markTrials(
  transaction: Queryable,
  sweepId: SweepId,
  { started, settled }: SweepUpdate,
): Promise<void> {
  if (started.length > 0) {
    await transaction.$executeRaw`
      UPDATE sweep_trials SET status = 'running'
      WHERE sweep_id = ${sweepId} AND status = 'waiting' AND trial_index = ANY(${started}::int[])`
  }
  if (settled.length === 0) return
  const rows = settled.map((trial, i) => ({
    trial_index: trial.trialIndex,
    status: trial.status,
    place: i + 1,
    objective: trial.objective?.mean ?? null,
    summary: trial.objective,
    epochs: trial.epochs,
    error: trial.error,
  }))
  await transaction.$executeRaw`
    WITH sweep AS (
      UPDATE sweeps SET finished_trials = finished_trials + ${rows.length}::int WHERE id = ${sweepId}
      RETURNING id, finished_trials - ${rows.length}::int AS before)
    UPDATE sweep_trials t SET status = e.status, objective = e.objective, summary = NULLIF(e.summary, 'null'::jsonb),
      epochs = e.epochs, error = NULLIF(e.error, 'null'::jsonb), finished_order = sweep.before + e.place,
      finished_at = clock_timestamp()
    FROM sweep, jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS e (trial_index int, status text, place int,
      objective float8, summary jsonb, epochs int, error jsonb)
    WHERE t.sweep_id = sweep.id AND t.trial_index = e.trial_index AND t.status IN ('waiting', 'running')`
}

/** A status moves on from where the runner saw it, not from where a command has moved it meanwhile. */
async function updateSweep(
  transaction: Queryable,
  sweepId: SweepId,
  held: string,
  update: SweepUpdate,
): Promise<void> {
  const json = (value: unknown) =>
    value === undefined ? Prisma.sql`NULL::jsonb` : Prisma.sql`${JSON.stringify(value)}::jsonb`
  const isBegun = update.status === 'running' && held === 'queued'
  const isEnded =
    update.status !== undefined && ['succeeded', 'failed', 'cancelled'].includes(update.status)
  await transaction.$executeRaw`
    UPDATE sweeps SET status = COALESCE(${update.status ?? null}, status),
      stop_reason = COALESCE(stop_reason, ${update.stopReason ?? null}),
      rounds = COALESCE(${json(update.rounds)}, rounds), warnings = COALESCE(${json(update.warnings)}, warnings),
      error = COALESCE(NULLIF(${json(update.error)}, 'null'::jsonb), error),
      started_at = CASE WHEN ${isBegun} THEN COALESCE(started_at, clock_timestamp()) ELSE started_at END,
      finished_at = CASE WHEN ${isEnded} THEN clock_timestamp() ELSE finished_at END
    WHERE id = ${sweepId}`
}

/** Those that were not there before. */
async function addTrials(
  transaction: Queryable,
  sweepId: SweepId,
  trials: readonly NewTrial[],
): Promise<Set<number>> {
  const rows = trials.map((trial) => ({
    trial_index: trial.trialIndex,
    status: trial.refused?.status ?? 'waiting',
    params: trial.params,
    round: trial.round,
    seen_trials: trial.seenTrials,
    error: trial.refused?.error ?? null,
  }))
  const added = await transaction.$queryRaw<{ trial_index: number }[]>`
    INSERT INTO sweep_trials (sweep_id, trial_index, status, params, round, seen_trials, error, finished_at)
    SELECT ${sweepId}, trial_index, status, params, round, seen_trials, NULLIF(error, 'null'::jsonb),
      CASE WHEN status <> 'waiting' THEN clock_timestamp() END
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS e (trial_index int, status text, params jsonb, round int,
      seen_trials int, error jsonb)
    ON CONFLICT (sweep_id, trial_index) DO NOTHING RETURNING trial_index`
  return new Set(added.map((row) => row.trial_index))
}

async function addJobs(
  transaction: Queryable,
  sweep: RunningSweep,
  trials: readonly NewTrial[],
): Promise<void> {
  const rows = trials.flatMap((trial) =>
    trial.jobs.map((job) => ({
      id: job.id,
      trial_index: trial.trialIndex,
      repeat: job.repeat,
      config: job.config,
      resolved_config: job.resolvedConfig,
      validation_dataset_id: datasetOf(job.resolvedConfig.validation),
      test_dataset_id: datasetOf(job.resolvedConfig.test),
      parameter_count: job.parameterCount,
      expected_ms: job.expectedMs,
      name: job.config.name ?? null,
      priority: job.config.priority ?? 0,
      metadata: job.config.metadata ?? {},
    })),
  )
  if (rows.length === 0) return
  await transaction.$executeRaw`
    WITH job AS (
      INSERT INTO jobs (id, project_id, dataset_id, validation_dataset_id, test_dataset_id, name, config, resolved_config, parameter_count,
        engine_version, priority, metadata, event_seq, sweep_id, trial_index, repeat, expected_ms)
      SELECT e.id, ${sweep.projectId}, ${sweep.datasetId}, e.validation_dataset_id, e.test_dataset_id, e.name, e.config, e.resolved_config,
        e.parameter_count, ${sweep.engineVersion}, e.priority, e.metadata, 1, ${sweep.id}, e.trial_index, e.repeat, e.expected_ms
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS e (id text, trial_index int, repeat int, config jsonb,
        resolved_config jsonb, validation_dataset_id text, test_dataset_id text, parameter_count int, expected_ms float8, name text, priority int,
        metadata jsonb)
      RETURNING id, event_seq)
    ${insertEventForEach('job.created', 'A trial of a sweep waits for a worker', { status: 'queued', sweep_id: sweep.id })}`
}

function datasetOf(part: ResolvedConfig['validation'] | ResolvedConfig['test']): string | null {
  return part != null && 'dataset_id' in part ? part.dataset_id : null
}

function toRunning(row: RunningRow): RunningSweep {
  return {
    id: row.id as SweepId,
    projectId: row.project_id as RunningSweep['projectId'],
    datasetId: row.dataset_id as RunningSweep['datasetId'],
    status: row.status as RunningSweep['status'],
    stopReason: row.stop_reason as RunningSweep['stopReason'],
    config: row.config as RunningSweep['config'],
    method: row.method as RunningSweep['method'],
    seed: Number(row.seed),
    objective: row.objective as RunningSweep['objective'],
    maxTrials: row.max_trials,
    engineVersion: row.engine_version,
    rounds: row.rounds as RunningSweep['rounds'],
    finishedTrials: row.finished_trials,
    chosen: row.chosen,
    trials: row.counts ?? {},
    failures: row.failures ?? {},
    seconds: row.seconds,
  }
}

function toOpenTrial(row: OpenRow): OpenTrial {
  return {
    trialIndex: row.trial_index,
    status: row.trial_status as OpenTrial['status'],
    params: row.params as OpenTrial['params'],
    decision: row.decision as OpenTrial['decision'],
    jobs: [],
  }
}

function toTrialJob(row: OpenRow, id: string): TrialJob {
  return {
    jobId: id as JobId,
    repeat: row.repeat,
    status: row.status,
    stopReason: row.stop_reason as TrialJob['stopReason'],
    epoch: row.epoch,
    best: row.best as TrialJob['best'],
    final: row.final as TrialJob['final'],
    error: row.error as TrialJob['error'],
    finishedAt: row.finished_at,
  }
}
