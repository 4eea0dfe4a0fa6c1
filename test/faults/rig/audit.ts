/**
 * The invariants that hold after every fault, whatever it was, over everything that the rig's Trainyard has ever done.
 */
import { Redis } from 'ioredis'
import { waitFor } from '../../support/wait-for.ts'
import { readFingerprints } from './fingerprints.ts'
import { isUndisturbed, referenceOf } from './references.ts'
import { type Rig, SLOTS } from './rig.ts'

const WINDOW = 2 * SLOTS
const REDIS_KEYS_MAX = 50 + 5 * WINDOW
const REDIS_BYTES_MAX = 32 * 1024 ** 2
const CANCEL_SECONDS_MAX = 1
const LEASE_DEAD_SECONDS_MAX = 15
/** Pools of all processes at their largest: API 10, worker 4, scheduler 3, each with queue and pulse. */
const SESSIONS_MAX = 50
const EXAMPLES = 3

export interface AuditOptions {
  /** Redis was away or slow while jobs were cancelled. */
  cancelSecondsMax?: number
}

/** Violations, each as a line; none when all is well. Call when every job has ended. */
export async function audit(rig: Rig, options: AuditOptions = {}): Promise<string[]> {
  const violations: string[] = []
  const report = (invariant: string, what: string, found: readonly unknown[]) => {
    if (found.length === 0) return
    const examples = found.slice(0, EXAMPLES).map((one) => JSON.stringify(one))
    violations.push(`${invariant}: ${found.length} × ${what}, as ${examples.join(' ')}`)
  }
  const none = async (invariant: string, what: string, sql: string, values: unknown[] = []) => {
    report(invariant, what, await rig.query(sql, values))
  }

  const jobs = await rig.query<{ id: string; status: string; submission: string }>(
    `SELECT id, status, metadata->>'submission' AS submission FROM jobs`,
  )
  const byId = new Map(jobs.map((job) => [job.id, job]))
  const acknowledged = rig.journal.submissions.filter(({ jobId }) => jobId !== null)
  report(
    'I1',
    'acknowledged, and lost or not ended',
    acknowledged.filter(({ jobId }) => {
      const status = byId.get(jobId ?? '')?.status ?? 'lost'
      return !['succeeded', 'failed', 'cancelled'].includes(status)
    }),
  )
  report(
    'I2',
    'a job that nobody asked for',
    jobs.filter(
      ({ submission }) =>
        submission !== '-1' && rig.journal.submissions[Number(submission)] === undefined,
    ),
  )
  await none(
    'I2',
    'submissions with several jobs',
    `SELECT metadata->>'submission' AS submission, count(*) FROM jobs GROUP BY 1 HAVING count(*) > 1`,
  )
  await none(
    'I3',
    'ended jobs without exactly one event of their end',
    `SELECT j.id, j.status, count(e.id) FROM jobs j LEFT JOIN events e ON e.job_id = j.id
       AND e.type IN ('job.succeeded', 'job.failed', 'job.cancelled')
     WHERE j.status IN ('succeeded', 'failed', 'cancelled')
     GROUP BY j.id, j.status HAVING count(e.id) <> 1 OR min(e.type) <> 'job.' || j.status`,
  )
  await none(
    'I3',
    'events after the end',
    `SELECT j.id FROM jobs j JOIN events e ON e.job_id = j.id AND e.seq = j.event_seq
     WHERE j.status IN ('succeeded', 'failed', 'cancelled') AND e.type <> 'job.' || j.status`,
  )
  await none(
    'I3',
    'histories of events with gaps or doubles',
    `SELECT j.id FROM jobs j JOIN events e ON e.job_id = j.id GROUP BY j.id, j.event_seq
     HAVING count(*) <> j.event_seq OR max(e.seq) <> j.event_seq`,
  )
  await none(
    'I4',
    'successes whose epochs are not exactly 1 to the last',
    `SELECT j.id, count(m.epoch), max(m.epoch), j.epoch FROM jobs j LEFT JOIN epoch_metrics m ON m.job_id = j.id
     WHERE j.status = 'succeeded' GROUP BY j.id
     HAVING count(m.epoch) <> j.epoch OR max(m.epoch) <> j.epoch OR min(m.epoch) <> 1`,
  )
  await none(
    'I5',
    'attempts that were not counted up by one',
    `SELECT job_id FROM (SELECT job_id, (data->>'attempt')::int AS attempt,
         row_number() OVER (PARTITION BY job_id ORDER BY seq) AS nth FROM events WHERE type = 'job.started') s
     WHERE attempt <> nth`,
  )
  await none(
    'I5',
    'epochs told out of order within an attempt: two have written at a time',
    `WITH told AS (SELECT job_id, seq, (data->>'epoch')::int AS epoch,
         count(*) FILTER (WHERE type = 'job.started') OVER (PARTITION BY job_id ORDER BY seq) AS attempt, type FROM events)
     SELECT a.job_id FROM (SELECT *, lag(epoch) OVER (PARTITION BY job_id, attempt ORDER BY seq) AS before
       FROM told WHERE type = 'job.epoch_completed') a WHERE epoch <= before`,
  )
  report('I6', 'results that differ from the undisturbed run', await findDifferent(rig))
  await none(
    'I7',
    'epochs written later than allowed after a cancel',
    `SELECT j.id FROM jobs j JOIN epoch_metrics m ON m.job_id = j.id
     WHERE j.status = 'cancelled' AND m.created_at > j.cancel_requested_at + make_interval(secs => $1)`,
    [options.cancelSecondsMax ?? CANCEL_SECONDS_MAX],
  )
  await none(
    'I8',
    'leases dead for too long',
    `SELECT id FROM jobs WHERE status IN ('running', 'pausing', 'cancelling')
       AND lease_until < clock_timestamp() - make_interval(secs => $1)`,
    [LEASE_DEAD_SECONDS_MAX],
  )
  report('I9', 'leftovers in the queue', await findLeftovers(rig))
  report('I10', 'things seen by another project', await findSeenByOthers(rig))
  report('I11', 'clients that were not told each event of their job once', await findUntold(rig))
  report('I12', 'ends of processes that nobody asked for', rig.deaths)
  report('I12', 'errors or secrets in the logs', await findInLogs(rig))
  const sessions = await rig.query(
    `SELECT application_name, count(*)::int FROM pg_stat_activity WHERE application_name LIKE 'trainyard%' GROUP BY 1`,
  )
  const open = sessions.reduce((sum, row) => sum + Number(row.count), 0)
  report('I12', 'more sessions than the pools hold', open > SESSIONS_MAX ? sessions : [])
  return violations
}

async function findDifferent(rig: Rig) {
  const fingerprints = await readFingerprints(rig)
  return fingerprints.filter((one) => referenceOf(one.kind) !== undefined && !isUndisturbed(one))
}

async function findLeftovers(rig: Rig): Promise<unknown[]> {
  if (rig.redis === null) {
    const rows = `SELECT count(*)::int AS jobs FROM bullmq.job`
    return await waitUntilEmpty(async () => {
      const [row] = await rig.query<{ jobs: number }>(rows)
      return (row?.jobs ?? 0) > 5 * WINDOW ? [row] : []
    })
  }
  const client = new Redis(rig.redis.server.url)
  try {
    return await waitUntilEmpty(async () => {
      const keys = await client.dbsize()
      const bytes = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
      return keys > REDIS_KEYS_MAX || bytes > REDIS_BYTES_MAX ? [{ keys, bytes }] : []
    })
  } finally {
    client.disconnect()
  }
}

/** Some things end a moment after their job has. What is still there after a while stays. */
async function waitUntilEmpty(look: () => Promise<unknown[]>): Promise<unknown[]> {
  let found: unknown[] = []
  const isEmpty = async () => {
    found = await look()
    return found.length === 0
  }
  await waitFor('nothing left', isEmpty, 5000).catch(() => undefined)
  return found
}

async function findUntold(rig: Rig): Promise<unknown[]> {
  const jobs = await rig.query<{ id: string; event_seq: number }>('SELECT id, event_seq FROM jobs')
  const lengths = new Map(jobs.map(({ id, event_seq }) => [id, event_seq]))
  return await waitUntilEmpty(async () =>
    [...rig.followers].flatMap(([jobId, { told, hasEnded }]) => {
      const isInOrder = told.every(({ seq }, i) => seq === i + 1)
      if (hasEnded() && isInOrder && told.length === lengths.get(jobId)) return []
      return [{ jobId, told: told.length, of: lengths.get(jobId), isInOrder }]
    }),
  )
}

async function findSeenByOthers(rig: Rig): Promise<unknown[]> {
  const apiKey = await rig.stack.createKey('somebody else')
  const read = async (path: string) => {
    const response = await fetch(rig.stack.baseUrl + path, {
      headers: { authorization: `Bearer ${apiKey}` },
    })
    return { status: response.status, body: (await response.json()) as { data?: unknown[] } }
  }
  const list = await read('/v1/jobs')
  const some = rig.journal.submissions.find(({ jobId }) => jobId !== null)?.jobId
  const one = some === undefined ? null : await read(`/v1/jobs/${some}`)
  return [
    ...(list.status === 200 && list.body.data?.length === 0 ? [] : [list]),
    ...(one === null || one.status === 404 ? [] : [one]),
  ]
}

async function findInLogs(rig: Rig): Promise<string[]> {
  const secrets = [rig.stack.apiKey, new URL(rig.postgres.server.url).password]
  const found: string[] = []
  for (const service of ['api', 'scheduler', 'worker'] as const) {
    for (const line of (await rig.stack.log(service)).split('\n')) {
      const isFatal = /unhandled|TypeError|ReferenceError|RangeError/.test(line)
      if (isFatal || secrets.some((secret) => line.includes(secret))) {
        found.push(`${service}: ${line.slice(0, 400)}`)
      }
    }
  }
  return found
}
