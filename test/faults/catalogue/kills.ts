/** Workers that die at random times, and the bits of what they trained. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import { type Findings, quantile } from '../rig/findings.ts'
import { readFingerprints } from '../rig/fingerprints.ts'
import { FOUR_CONFIGURATIONS, type KindName } from '../rig/job-kinds.ts'
import { countLeft, readRunning, recordRecoveries } from '../rig/load.ts'
import { isUndisturbed } from '../rig/references.ts'
import { type Rig, SLOTS } from '../rig/rig.ts'

/** Together 100; more where there are fewer other faults. */
const KILLS_PER_QUEUE = { redis: 40, postgres: 60 }
const KILLS_WITH_DEFAULT_LEASE = 10
const RECOVERY_SECONDS_MAX = 15

export const f25: Fault = {
  id: 'F25',
  title: 'kill -9 of the worker at random times, a hundred times on both queues together',
  kinds: FOUR_CONFIGURATIONS,
  run: (rig, findings) => killAgainAndAgain(rig, findings, KILLS_PER_QUEUE[rig.queue]),
}

export const f25default: Fault = {
  id: 'F25b',
  title: `${KILLS_WITH_DEFAULT_LEASE} × kill -9 of the worker with the default lease of 9 s`,
  kinds: FOUR_CONFIGURATIONS,
  environment: { TRAINYARD_LEASE_SECONDS: '9' },
  run: (rig, findings) => killAgainAndAgain(rig, findings, KILLS_WITH_DEFAULT_LEASE),
}

/** Two jobs are under way all the time, of each configuration in turn; each kill hits whatever they are at. */
export async function killAgainAndAgain(
  rig: Rig,
  findings: Findings,
  kills: number,
  configurations: readonly KindName[] = FOUR_CONFIGURATIONS,
): Promise<void> {
  let nth = 0
  const hits: string[][] = []
  for (let killed = 0; killed < kills; ) {
    const waiting = await countLeft(rig)
    // No more: one that waits would take the slot of one that comes back.
    for (let i = waiting; i < SLOTS; i++) {
      const kind = configurations[nth++ % configurations.length] ?? 'adam_dropout'
      await rig.submitUntilAccepted(kind)
    }
    await delay(rig.random.between(500, 3500))
    const hit = await readRunning(rig)
    if (hit.length === 0) continue
    await killWorker(rig)
    killed++
    hits.push(hit)
    const killedAt = new Date()
    await rig.start('worker')
    await recordRecoveries(rig, findings, hit, killedAt)
  }
  await rig.settle()
  findings.atMost(
    'recovery p99, s',
    quantile(findings.recoveriesMs, 0.99) / 1000,
    RECOVERY_SECONDS_MAX,
  )
  findings.note('waited for their back-off', findings.backOffs)
  findings.note('jobs', nth)
  const same = new Set((await readFingerprints(rig)).filter(isUndisturbed).map((of) => of.jobId))
  const harmless = hits.filter((hit) => hit.every((jobId) => same.has(jobId)))
  findings.equal('kills', hits.length, kills)
  findings.equal('kills whose jobs ended bit-identical', harmless.length, kills)
}

async function killWorker(rig: Rig): Promise<void> {
  for (const worker of rig.processes('worker')) await rig.end(worker, 'SIGKILL')
}
