import type { Fault } from './fault.ts'
import { audit } from './rig/audit.ts'
import { collectFindings, quantile } from './rig/findings.ts'
import { readFingerprints } from './rig/fingerprints.ts'
import { isUndisturbed, referenceOf, trainReferences } from './rig/references.ts'
import type { Rig } from './rig/rig.ts'

/** Longer than any fault takes. */
const HANG_MS = 900_000

export interface Result {
  id: string
  title: string
  queue: string
  submitted: number
  acknowledged: number
  unknown: number
  lost: number
  duplicated: number
  resumed: number
  fenced: number
  /** Of those whose undisturbed run is known. */
  identical: number
  compared: number
  recoveryMsP50: number
  recoveryMsP99: number
  seconds: number
  notes: readonly string[]
  violations: readonly string[]
}

/** Does the fault, waits for every job, holds all invariants, and puts the rig in order again. */
export async function runFault(fault: Fault, rig: Rig): Promise<Result> {
  const findings = collectFindings()
  const violations: string[] = []
  let first = rig.journal.submissions.length
  let startedMs = performance.now()
  let startedAt = new Date()
  const fencedBefore = await countFenced(rig)
  try {
    await trainReferences(rig, fault.kinds)
    first = rig.journal.submissions.length
    startedMs = performance.now()
    startedAt = new Date()
    await inTime(fault.run(rig, findings))
    await rig.restore()
    await rig.settle()
    violations.push(...findings.violations, ...(await audit(rig, fault.audit)))
  } catch (error) {
    violations.push(...findings.violations, `it broke off: ${(error as Error).stack}`)
  }
  const submissions = rig.journal.submissions.slice(first)
  const ids = submissions.flatMap(({ jobId }) => jobId ?? [])
  const stored = await rig
    .query<{ id: string; submission: string }>(
      `SELECT id, metadata->>'submission' AS submission FROM jobs WHERE (metadata->>'submission')::int >= $1`,
      [first],
    )
    .catch(() => [])
  const present = new Set(stored.map(({ id }) => id))
  const [resumed] = await rig
    .query<{ count: number }>(
      `SELECT count(*)::int FROM events WHERE type = 'job.started' AND (data->>'attempt')::int > 1 AND created_at > $1`,
      [startedAt],
    )
    .catch(() => [])
  const compared = (await readFingerprints(rig).catch(() => [])).filter(
    ({ jobId, kind }) => present.has(jobId) && referenceOf(kind) !== undefined,
  )
  const identical = compared.filter(isUndisturbed)
  return {
    id: fault.id,
    title: fault.title,
    queue: rig.queue,
    submitted: submissions.length,
    acknowledged: ids.length,
    unknown: submissions.filter(({ attempts }) =>
      attempts.some(({ outcome }) => outcome === 'unknown'),
    ).length,
    lost: ids.filter((id) => !present.has(id)).length,
    duplicated: stored.length - new Set(stored.map(({ submission }) => submission)).size,
    resumed: resumed?.count ?? 0,
    fenced: (await countFenced(rig)) - fencedBefore,
    identical: identical.length,
    compared: compared.length,
    recoveryMsP50: quantile(findings.recoveriesMs, 0.5),
    recoveryMsP99: quantile(findings.recoveriesMs, 0.99),
    seconds: (performance.now() - startedMs) / 1000,
    notes: findings.notes,
    violations,
  }
}

/** A process that does not end, say, is waited for without a deadline of its own. */
async function inTime(running: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`not within ${HANG_MS} ms`)), HANG_MS)
  try {
    await Promise.race([running, promise])
  } finally {
    clearTimeout(timer)
  }
}

/** How often a worker has found its lease to be another's. */
async function countFenced(rig: Rig): Promise<number> {
  const log = await rig.stack.log('worker')
  return log.split('nothing is written').length - 1 + log.split('"outcome":"fenced"').length - 1
}
