/** Many small jobs, and what may happen to the queue meanwhile. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import type { Findings } from '../rig/findings.ts'
import { emptyQueue } from '../rig/queue-faults.ts'
import type { Rig } from '../rig/rig.ts'

const JOBS = 1000
const SUBMIT_MS = 10_000

export const f01: Fault = {
  id: 'F01',
  title: '1,000 small jobs in ten seconds, nothing wrong',
  kinds: ['tiny'],
  async run(rig, findings) {
    await submitMany(rig, findings, JOBS)
  },
}

export const f02: Fault = {
  id: 'F02',
  title: '1,000 small jobs, the queue emptied after 3, 5 and 7 s',
  kinds: ['tiny'],
  async run(rig, findings) {
    const emptied: Date[] = []
    const emptying = async () => {
      for (const waitMs of [3000, 2000, 2000]) {
        await delay(waitMs)
        emptied.push(new Date())
        await emptyQueue(rig)
      }
    }
    await Promise.all([submitMany(rig, findings, JOBS), emptying()])
    for (const at of emptied) {
      const [row] = await rig.query<{ seconds: number }>(
        `SELECT extract(epoch FROM min(created_at) - $1)::float8 AS seconds FROM events
         WHERE type = 'job.started' AND created_at > $1`,
        [at],
      )
      findings.atMost('next start after it was emptied, s', row?.seconds ?? Number.NaN, 3)
    }
  },
}

/** Spread evenly, and waited for until the last has ended. */
async function submitMany(rig: Rig, findings: Findings, count: number): Promise<void> {
  const startedMs = performance.now()
  const accepted: Promise<unknown>[] = []
  for (let i = 0; i < count; i++) {
    accepted.push(rig.submitUntilAccepted('tiny'))
    const dueMs = ((i + 1) / count) * SUBMIT_MS
    await delay(Math.max(0, dueMs - (performance.now() - startedMs)))
  }
  await Promise.all(accepted)
  await rig.settle(300_000)
  findings.note('to the last end, s', (performance.now() - startedMs) / 1000)
}
