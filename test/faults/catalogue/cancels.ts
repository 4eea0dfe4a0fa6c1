/** Cancels at random times, and the one outcome of each. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import { type Findings, quantile } from '../rig/findings.ts'
import { startJob } from '../rig/load.ts'
import type { Rig } from '../rig/rig.ts'

/** On each of the two queues, together 500 and 1,000. */
const CANCELS = 250
const RACES = 500
const CANCEL_SECONDS_MAX = 1

export const f37: Fault = {
  id: 'F37',
  title: `${CANCELS} running jobs cancelled at random times`,
  kinds: [],
  needsMachine: true,
  run: (rig, findings) => cancelMany(rig, findings, CANCELS),
}

export async function cancelMany(rig: Rig, findings: Findings, count: number): Promise<void> {
  const secondsOfEach: number[] = []
  const replies = new Set<number | null>()
  const ends = new Set<string>()
  const cancelOne = async () => {
    const jobId = await startJob(rig, 'endless')
    await delay(rig.random.between(0, 400))
    const reply = await rig.send('POST', `/v1/jobs/${jobId}/cancel`, {})
    replies.add(reply.status)
    ends.add(await rig.untilStatus(jobId, ['succeeded', 'failed', 'cancelled']))
    const [row] = await rig.query<{ seconds: number }>(
      `SELECT extract(epoch FROM finished_at - cancel_requested_at)::float8 AS seconds FROM jobs WHERE id = $1`,
      [jobId],
    )
    secondsOfEach.push(row?.seconds ?? Number.NaN)
  }
  const lane = async () => {
    while (secondsOfEach.length < count) await cancelOne()
  }
  await Promise.all([lane(), lane()])
  findings.equal('replies', [...replies], [202])
  findings.equal('ends', [...ends], ['cancelled'])
  findings.note('p50, s', quantile(secondsOfEach, 0.5))
  findings.atMost('p99, s', quantile(secondsOfEach, 0.99), CANCEL_SECONDS_MAX)
}

export const f39: Fault = {
  id: 'F39',
  title: `${RACES} cancels that race the end of the job`,
  kinds: ['tiny'],
  needsMachine: true,
  run: (rig, findings) => raceEnds(rig, findings, RACES),
}

export async function raceEnds(rig: Rig, findings: Findings, count: number): Promise<void> {
  const ends = { cancelled: 0, succeeded: 0 }
  let raced = 0
  let wrong = 0
  const raceOne = async () => {
    const { jobId } = await rig.submitUntilAccepted('tiny')
    await delay(rig.random.between(0, 60))
    const reply = await rig.send('POST', `/v1/jobs/${jobId}/cancel`, {})
    // An ended job is refused with a 409 whose `status` is that of the response.
    const { job_status, status } = reply.body as { job_status?: string; status?: string }
    const told = job_status ?? status
    const end = await rig.untilStatus(jobId, ['succeeded', 'failed', 'cancelled'])
    if (end === 'cancelled' || end === 'succeeded') ends[end]++
    // Who is told "cancelling" sees it cancelled, who is told an end sees that end.
    if (end !== (told === 'cancelling' ? 'cancelled' : told)) wrong++
  }
  const lane = async () => {
    while (raced++ < count) await raceOne()
  }
  await Promise.all([lane(), lane(), lane(), lane()])
  findings.note('cancelled', ends.cancelled)
  findings.note('succeeded', ends.succeeded)
  findings.equal('replies that the end does not agree with', wrong, 0)
}
