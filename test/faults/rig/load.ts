/** Jobs in numbers, and how soon they go on. */
import { setTimeout as delay } from 'node:timers/promises'
import { waitFor } from '../../support/wait-for.ts'
import type { Findings } from './findings.ts'
import type { KindName } from './job-kinds.ts'
import type { Attempt, Submission } from './journal.ts'
import type { Rig } from './rig.ts'

/** Sends at an even pace whatever comes back (open loop); resolves when all have an answer. */
export async function submitAtRate(
  rig: Rig,
  kind: KindName,
  { perSecond, seconds, again = false }: { perSecond: number; seconds: number; again?: boolean },
): Promise<Submission[]> {
  const startedMs = performance.now()
  const sent: Promise<Submission>[] = []
  for (let i = 0; i < perSecond * seconds; i++) {
    sent.push(again ? rig.submitUntilAccepted(kind) : rig.submit(kind))
    await delay(Math.max(0, ((i + 1) * 1000) / perSecond - (performance.now() - startedMs)))
  }
  return await Promise.all(sent)
}

/** The unknown ones once more with their keys, `most` of them: what was accepted behind a lost answer is found again. */
export async function submitUnknownAgain(
  rig: Rig,
  submissions: readonly Submission[],
  most = 200,
): Promise<void> {
  const unknown = submissions.filter(({ jobId }) => jobId === null).slice(0, most)
  for (const submission of unknown) {
    await rig.submitUntilAccepted(submission.kind as KindName, submission)
  }
}

/** Seconds until the first start of a job after a moment. */
export async function secondsToStart(rig: Rig, since: Date): Promise<number> {
  return await waitFor(
    `a start after ${since.toISOString()}`,
    async () => {
      const [row] = await rig.query<{ seconds: number | null }>(
        `SELECT extract(epoch FROM min(created_at) - $1)::float8 AS seconds FROM events
         WHERE type = 'job.started' AND created_at > $1`,
        [since],
      )
      return row?.seconds
    },
    60_000,
  )
}

/** Submits until one is accepted; seconds from the call. */
export async function secondsToAccept(rig: Rig, kind: KindName): Promise<number> {
  const startedMs = performance.now()
  await rig.submitUntilAccepted(kind)
  return (performance.now() - startedMs) / 1000
}

/** Submits and waits until the job runs. */
export async function startJob(rig: Rig, kind: KindName): Promise<string> {
  const { jobId } = await rig.submitUntilAccepted(kind)
  await rig.untilStatus(jobId, ['running'])
  return jobId
}

export async function cancelJob(rig: Rig, jobId: string): Promise<void> {
  const answer = async () => (await rig.send('POST', `/v1/jobs/${jobId}/cancel`, {})).status
  await waitFor('the cancel is taken', async () => [200, 202].includes((await answer()) ?? 0))
  await rig.untilStatus(jobId, ['cancelled'])
}

export async function readRunning(rig: Rig): Promise<string[]> {
  const rows = await rig.query<{ id: string }>(`SELECT id FROM jobs WHERE status = 'running'`)
  return rows.map(({ id }) => id)
}

/** Of those that wait or run. */
export async function countLeft(rig: Rig): Promise<number> {
  const [row] = await rig.query<{ count: number }>(
    `SELECT count(*)::int FROM jobs WHERE status IN ('queued', 'running')`,
  )
  return row?.count ?? 0
}

export async function readJob(rig: Rig, jobId: string) {
  const [row] = await rig.query<{
    status: string
    attempt: number
    epoch: number
    crash_count: number
    lease_epoch: number
    error: { code: string } | null
  }>('SELECT status, attempt, epoch, crash_count, lease_epoch, error FROM jobs WHERE id = $1', [
    jobId,
  ])
  if (row === undefined) throw new Error(`there is no ${jobId}`)
  return row
}

/**
 * Until each of them has started again; how long that took goes to the findings. One that died twice without progress waits
 * on purpose, and is only counted.
 */
export async function recordRecoveries(
  rig: Rig,
  findings: Findings,
  jobIds: readonly string[],
  since: Date,
): Promise<void> {
  for (const jobId of jobIds) {
    const recovery = await waitFor(
      `${jobId} starts again`,
      async () => {
        const [row] = await rig.query<{ status: string; seconds: number | null; waits: boolean }>(
          `SELECT status, extract(epoch FROM (SELECT min(created_at) FROM events e WHERE e.job_id = j.id
               AND type = 'job.started' AND created_at > $2) - $2)::float8 AS seconds,
             COALESCE(run_after > $2::timestamptz + interval '1 second' AND run_after > (SELECT max(created_at) FROM events e
               WHERE e.job_id = j.id AND type = 'job.retrying') + interval '1 second', false) AS waits
           FROM jobs j WHERE id = $1`,
          [jobId, since],
        )
        const isUnderWay = row?.status === 'running' || row?.status === 'queued'
        // It may have ended in the moment before the fault.
        return row !== undefined && row.seconds === null && isUnderWay ? null : row
      },
      180_000,
    )
    if (recovery.waits) findings.backedOff()
    else if (recovery.seconds !== null) findings.recovered(recovery.seconds * 1000)
  }
}

/** What is promised while Postgres is away: 503 with Retry-After, soon, and nothing accepted. */
export function holdRefusals(
  findings: Findings,
  submissions: readonly Submission[],
  { fromMs, toMs, secondsMax }: { fromMs: number; toMs: number; secondsMax: number },
): void {
  const attempts = submissions
    .flatMap(({ attempts: all }) => all)
    .filter(({ atMs, durationMs }) => atMs - durationMs > fromMs && atMs < toMs)
  const count = (is: (attempt: Attempt) => boolean) => attempts.filter(is).length
  findings.note('requests meanwhile', attempts.length)
  findings.equal(
    'accepted meanwhile',
    count(({ outcome }) => outcome === 'ok'),
    0,
  )
  findings.equal(
    'without an answer',
    count(({ status }) => status === null),
    0,
  )
  findings.equal(
    'answers other than 503',
    count(({ status }) => status !== null && status !== 503),
    0,
  )
  findings.equal(
    'without Retry-After',
    count((each) => each.retryAfter === null),
    0,
  )
  const slowest = Math.max(...attempts.map(({ durationMs }) => durationMs)) / 1000
  findings.atMost('slowest answer, s', slowest, secondsMax)
}
