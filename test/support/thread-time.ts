/** How long jobs waited and threads were taken, read from the rows. Trials that were claimed together take one thread. */
import type { Database } from '@trainyard/store'

/** From the acceptance of a job to its start. */
export async function readWaitMs(database: Database, jobId: string): Promise<number> {
  const [row] = await database.$queryRaw<{ ms: number | null }[]>`
    SELECT (extract(epoch FROM started_at - created_at) * 1000)::float8 AS ms FROM jobs WHERE id = ${jobId}`
  return row?.ms ?? Number.NaN
}

/** For how long a thread was taken at once, of what has ended since. */
export async function readTaken(
  database: Database,
  since: Date,
): Promise<{ medianMs: number; longestMs: number }> {
  const [row] = await database.$queryRaw<{ median: number; longest: number }[]>`
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::float8 AS median, max(ms)::float8 AS longest FROM (
      SELECT extract(epoch FROM max(finished_at) - min(started_at)) * 1000 AS ms FROM jobs
      WHERE finished_at > ${since} AND started_at IS NOT NULL GROUP BY COALESCE(batch_id, id)) taken`
  return { medianMs: row?.median ?? Number.NaN, longestMs: row?.longest ?? Number.NaN }
}

/** What a sweep had of the threads between two moments. */
export async function readShare(
  database: Database,
  sweepId: string,
  from: Date,
  to: Date,
): Promise<{ threadSeconds: number; trials: number }> {
  const [row] = await database.$queryRaw<{ seconds: number | null; trials: number }[]>`
    SELECT sum(extract(epoch FROM LEAST(ended, ${to}::timestamptz) - GREATEST(begun, ${from}::timestamptz)))::float8 AS seconds,
      COALESCE(sum(trials), 0)::int AS trials
    FROM (
      SELECT min(started_at) AS begun,
        CASE WHEN bool_and(finished_at IS NOT NULL) THEN max(finished_at) ELSE ${to}::timestamptz END AS ended,
        count(*) FILTER (WHERE finished_at BETWEEN ${from}::timestamptz AND ${to}::timestamptz) AS trials
      FROM jobs WHERE sweep_id = ${sweepId} AND started_at IS NOT NULL GROUP BY COALESCE(batch_id, id)) taken
    WHERE begun < ${to}::timestamptz AND ended > ${from}::timestamptz`
  return { threadSeconds: row?.seconds ?? 0, trials: row?.trials ?? 0 }
}
