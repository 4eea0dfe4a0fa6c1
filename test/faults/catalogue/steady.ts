/** Many small jobs, and what may happen to the queue and its schedulers meanwhile. */
import { setTimeout as delay } from 'node:timers/promises'
import { openProducer, openPulse, type QueueOptions } from '../../../packages/queue/src/index.ts'
import { startScheduler } from '../../../services/scheduler/src/scheduler.ts'
import type { Fault } from '../fault.ts'
import type { Findings } from '../rig/findings.ts'
import { readJob, secondsToStart, submitAtRate } from '../rig/load.ts'
import { emptyQueue } from '../rig/queue-faults.ts'
import { LEASE_SECONDS, type Rig } from '../rig/rig.ts'
import { silentLog } from '../rig/silent-log.ts'

const SECONDS = 10
const RESTART_SECONDS_MAX = 3
const DELIVERIES = 5
const TWO_SCHEDULERS_SECONDS = 60

export const f01: Fault = {
  id: 'F01',
  title: '1,000 small jobs in ten seconds, nothing wrong',
  kinds: ['tiny'],
  needsMachine: true,
  run: (rig, findings) => submitMany(rig, findings, 1000),
}

export const f02: Fault = {
  id: 'F02',
  title: '1,000 small jobs, the queue emptied after 3, 5 and 7 s',
  kinds: ['tiny'],
  needsMachine: true,
  run: (rig, findings) => emptyThreeTimes(rig, findings, 1000),
}

export async function emptyThreeTimes(rig: Rig, findings: Findings, jobs: number): Promise<void> {
  const emptying = async () => {
    for (const waitMs of [3000, 2000, 2000]) {
      await delay(waitMs)
      const at = new Date()
      await emptyQueue(rig)
      const seconds = await secondsToStart(rig, at)
      findings.atMost('next start after it was emptied, s', seconds, RESTART_SECONDS_MAX)
    }
  }
  await Promise.all([submitMany(rig, findings, jobs), emptying()])
}

export const f12: Fault = {
  id: 'F12',
  title: `one job delivered ${DELIVERIES} times at once to two workers`,
  kinds: ['tiny'],
  async run(rig, findings) {
    await rig.start('worker')
    for (const scheduler of rig.processes('scheduler')) await rig.end(scheduler, 'SIGTERM')
    const { jobId } = await rig.submitUntilAccepted('tiny')
    const producer = await openProducer(queueOf(rig))
    const generations = Array.from({ length: DELIVERIES }, (_, i) => 100 + i)
    await producer.add(generations.map((generation) => ({ jobId: jobId as never, generation })))
    await rig.untilStatus(jobId, ['succeeded'])
    await producer.close()
    findings.equal('claims', (await readJob(rig, jobId)).attempt, 1)
  },
}

export const f13: Fault = {
  id: 'F13',
  title: `two schedulers that both lead, for ${TWO_SCHEDULERS_SECONDS} s`,
  kinds: ['tiny', 'adam_dropout'],
  async run(rig, findings) {
    const queue = queueOf(rig)
    const producer = await openProducer(queue)
    const pulse = await openPulse({ ...queue, name: 'second' })
    const { stores } = rig.stack
    const second = startScheduler({
      ...stores,
      producer,
      pulse,
      // What the lock prevents: this one leads beside the one that holds it.
      leadership: { isLeader: async () => true, close: async () => undefined },
      log: silentLog,
      leaseSeconds: LEASE_SECONDS,
      checkpointDays: 30,
      jobMemoryBytesMax: 2 * 1024 ** 3,
      sweeps: stores.sweepRuns,
    })
    const killing = async () => {
      for (let i = 0; i < TWO_SCHEDULERS_SECONDS / 10; i++) {
        await delay(rig.random.between(5000, 10_000))
        await rig.submitUntilAccepted('adam_dropout')
        for (const worker of rig.processes('worker')) await rig.end(worker, 'SIGKILL')
        await rig.start('worker')
      }
    }
    const load = { perSecond: 10, seconds: TWO_SCHEDULERS_SECONDS, again: true }
    await Promise.all([submitAtRate(rig, 'tiny', load), killing()])
    await rig.settle()
    await second.stop()
    await Promise.all([producer.close(), pulse.close()])
    findings.note('jobs', rig.journal.submissions.length)
  },
}

/** Spread evenly, and waited for until the last has ended. */
async function submitMany(rig: Rig, findings: Findings, jobs: number): Promise<void> {
  const startedMs = performance.now()
  await submitAtRate(rig, 'tiny', { perSecond: jobs / SECONDS, seconds: SECONDS, again: true })
  await rig.settle()
  findings.note('to the last end, s', (performance.now() - startedMs) / 1000)
}

function queueOf(rig: Rig): QueueOptions {
  return {
    databaseUrl: rig.stack.databaseUrl,
    redisUrl: rig.redis?.server.url ?? null,
    onError: () => undefined,
  }
}
