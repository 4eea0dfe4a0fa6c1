/** A process killed at each of the places where something has been done and the next thing has not. */
import { setTimeout as delay } from 'node:timers/promises'
import { FAILPOINTS, type Failpoint } from '../../../packages/lifecycle/src/index.ts'
import type { ServiceName } from '../../support/stack.ts'
import { waitFor } from '../../support/wait-for.ts'
import type { Fault } from '../fault.ts'
import type { Findings } from '../rig/findings.ts'
import type { Submission } from '../rig/journal.ts'
import { cancelJob, startJob } from '../rig/load.ts'
import { emptyQueue } from '../rig/queue-faults.ts'
import { type Rig, SLOTS } from '../rig/rig.ts'

/** Five in all; more where there are fewer other faults. */
const KILLS_PER_QUEUE = { redis: 2, postgres: 3 }
const CHECKPOINTS_MAX = 2
/** Between the break of a connection and the news of its process' end. */
const ANSWER_MS = 500
const REACHED_MS_MAX = 120_000

export const f11: Fault = {
  id: 'F11',
  title: `a kill at each of ${FAILPOINTS.length} places, five times on both queues together`,
  kinds: ['tiny', 'adam_dropout'],
  async run(rig, findings) {
    await killAt(rig, findings, FAILPOINTS, KILLS_PER_QUEUE[rig.queue])
  },
}

export async function killAt(
  rig: Rig,
  findings: Findings,
  places: readonly Failpoint[],
  times: number,
): Promise<void> {
  for (const place of places) {
    for (let i = 0; i < times; i++) await killOnce(rig, place)
    await rig.settle()
  }
  findings.note('places', places.length)
  findings.note('kills', places.length * times)
}

async function killOnce(rig: Rig, place: Failpoint): Promise<void> {
  const service = serviceOf(place)
  const isRepeated = place.startsWith('worker.checkpoint') || place === 'worker.reported'
  const count = isRepeated ? Math.ceil(rig.random.between(0, CHECKPOINTS_MAX)) : 1
  const process = await rig.replace(service, { TRAINYARD_FAILPOINTS: `${place}=kill@${count}` })
  const hasEnded = () => Promise.race([process.exited.then(() => true), delay(ANSWER_MS, false)])
  const again = await provoke(rig, place, hasEnded)
  await waitFor(`${place} ends the ${service}`, hasEnded, REACHED_MS_MAX)
  await rig.start(service)
  await again()
}

/** What leads to the place. Returns what is to be done once the process is replaced. */
async function provoke(
  rig: Rig,
  place: Failpoint,
  hasEnded: () => Promise<boolean>,
): Promise<() => Promise<unknown>> {
  if (place.startsWith('api.cancel')) {
    const jobId = await startJob(rig, 'endless')
    // Asked again where a busy machine was late with its answer.
    do await rig.send('POST', `/v1/jobs/${jobId}/cancel`, {})
    while (!(await hasEnded()))
    return () => cancelJob(rig, jobId)
  }
  if (place.startsWith('api.')) {
    let submission: Submission
    do submission = await rig.submit('tiny')
    while (!(await hasEnded()))
    return () => rig.submitUntilAccepted('tiny', submission)
  }
  if (place.startsWith('redeliver.')) {
    // As many as are under way, and as many behind them in the queue.
    const ids: string[] = []
    for (let i = 0; i < 2 * SLOTS; i++) ids.push((await rig.submitUntilAccepted('endless')).jobId)
    for (const id of ids.slice(0, SLOTS)) await rig.untilStatus(id, ['running'])
    await emptyQueue(rig)
    return async () => {
      for (const id of ids) await cancelJob(rig, id)
    }
  }
  if (place.startsWith('recover.') || place === 'worker.released') {
    const jobId = await startJob(rig, 'endless')
    const [worker] = rig.processes('worker')
    if (worker === undefined) throw new Error('there is no worker')
    await rig.end(worker, place === 'worker.released' ? 'SIGTERM' : 'SIGKILL')
    if (place !== 'worker.released') await rig.start('worker')
    return async () => {
      await rig.untilStatus(jobId, ['running'])
      await cancelJob(rig, jobId)
    }
  }
  const isMidway = place.startsWith('worker.checkpoint') || place === 'worker.reported'
  await rig.submitUntilAccepted(isMidway ? 'adam_dropout' : 'tiny')
  return async () => undefined
}

function serviceOf(place: Failpoint): ServiceName {
  if (place.startsWith('api.')) return 'api'
  return place.startsWith('worker.') ? 'worker' : 'scheduler'
}
