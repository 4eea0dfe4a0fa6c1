import { type EpochMetrics, type JobId, METRIC_NAMES } from '@trainyard/contracts'
import type { Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { fromEpochMetrics, type MetricsRow, toEpochMetrics } from '../mappers/metrics.ts'

/** Their parameters take some 8 ms of the event loop; those of five thousand rows held it up for 40 ms. */
const ROWS_PER_STATEMENT = 1000

/** For a statement each. */
export function inStatements(metrics: readonly EpochMetrics[]): (readonly EpochMetrics[])[] {
  return Array.from({ length: Math.ceil(metrics.length / ROWS_PER_STATEMENT) }, (_, i) =>
    metrics.slice(i * ROWS_PER_STATEMENT, (i + 1) * ROWS_PER_STATEMENT),
  )
}

/**
 * Inserts epochs for the job of the common table `job`, in one statement: single rows commit 80 times slower. An epoch that is
 * there already was computed with the same bits, so it may stay.
 */
export function insertEpochMetrics(metrics: readonly EpochMetrics[]): Prisma.Sql {
  const arrays = METRIC_NAMES.map((name) => {
    // As text: Prisma turns a NaN or an infinity into null, Postgres reads both.
    const values = metrics.map((row) => fromEpochMetrics(row, name)?.toString() ?? null)
    const type = Prisma.raw(name === 'epoch' || name === 'step' ? 'int[]' : 'float8[]')
    return Prisma.sql`${values}::text[]::${type}`
  })
  const columns = Prisma.raw(METRIC_NAMES.join(', '))
  return Prisma.sql`
    INSERT INTO epoch_metrics (job_id, ${columns})
    SELECT job.id, ${columns} FROM job, unnest(${Prisma.join(arrays)}) AS reported (${columns})
    ON CONFLICT (job_id, epoch) DO NOTHING`
}

/** First, last and best, which are kept whatever the extremes are. */
const FIXED_ROWS = 3
/** The lowest and the highest of the training and of the validation loss. */
const ROWS_PER_BUCKET = 4

/** Thins in the database: a hundred thousand rows would hold up an event loop for a fifth of a second. */
export async function readThinnedMetrics(
  queryable: Queryable,
  jobId: JobId,
  { maxPoints, bestEpoch }: { maxPoints: number; bestEpoch: number | null },
): Promise<{ rows: EpochMetrics[]; totalEpochs: number }> {
  const buckets = Math.floor((maxPoints - FIXED_ROWS) / ROWS_PER_BUCKET)
  const columns = Prisma.raw(METRIC_NAMES.join(', '))
  const rows = await queryable.$queryRaw<(MetricsRow & { total: number })[]>`
    WITH numbered AS (
      SELECT ${columns}, (row_number() OVER (ORDER BY epoch) - 1)::int AS place, (count(*) OVER ())::int AS total
      FROM epoch_metrics WHERE job_id = ${jobId}),
    ranked AS (
      SELECT *, total <= ${maxPoints}::int OR place IN (0, total - 1) OR epoch = ${bestEpoch}::int AS fixed,
        row_number() OVER (bucket ORDER BY train_loss, epoch) AS lowest_train,
        row_number() OVER (bucket ORDER BY train_loss DESC, epoch) AS highest_train,
        row_number() OVER (bucket ORDER BY val_loss NULLS LAST, epoch) AS lowest_val,
        row_number() OVER (bucket ORDER BY val_loss DESC NULLS LAST, epoch) AS highest_val
      FROM numbered WINDOW bucket AS (PARTITION BY place::bigint * ${buckets}::int / total))
    SELECT ${columns}, total FROM ranked
    WHERE fixed OR (${buckets}::int > 0
      AND (1 IN (lowest_train, highest_train) OR (val_loss IS NOT NULL AND 1 IN (lowest_val, highest_val))))
    ORDER BY epoch`
  return { rows: rows.map(toEpochMetrics), totalEpochs: rows[0]?.total ?? 0 }
}
