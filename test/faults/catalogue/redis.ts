/** Faults of Redis alone: jobs are accepted and computed on all the while, and start again soon after. */
import { setTimeout as delay } from 'node:timers/promises'
import type { TestRedis } from '../../support/redis.ts'
import type { Fault } from '../fault.ts'
import { type Findings, quantile } from '../rig/findings.ts'
import type { Submission } from '../rig/journal.ts'
import { readJob, secondsToStart, startJob, submitAtRate } from '../rig/load.ts'
import { askRedis } from '../rig/queue-faults.ts'
import type { Rig } from '../rig/rig.ts'

const RESTART_SECONDS_MAX = 3
const SLEEP_SECONDS = 10
const SUBMIT_MS_MAX = 100
const DEBUGGED = ['--save', '', '--enable-debug-command', 'local']
const APPEND_ONLY = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec']
const redisOnly = { queues: ['redis'], kinds: ['tiny', 'adam_dropout'] } as const

export const f03: Fault = {
  id: 'F03',
  title: 'Redis killed and restarted empty after 5, 20 and 60 s',
  ...redisOnly,
  async run(rig, findings) {
    for (const seconds of [5, 20, 60]) {
      await redisOutage(rig, findings, seconds, {
        begin: (redis) => redis.kill(),
        end: (redis) => redis.start(),
      })
    }
  },
}

export const f04: Fault = {
  id: 'F04',
  title: 'Redis with an append-only file killed and restarted after 5 and 20 s',
  ...redisOnly,
  async run(rig, findings) {
    await restartRedis(rig, APPEND_ONLY)
    for (const seconds of [5, 20]) {
      await redisOutage(rig, findings, seconds, {
        begin: (redis) => redis.kill(),
        end: (redis) => redis.start(APPEND_ONLY),
      })
    }
    await rig.settle()
    await restartRedis(rig)
  },
}

export const f05: Fault = {
  id: 'F05',
  title: 'every connection to Redis broken each 500 ms for 30 s',
  ...redisOnly,
  async run(rig, findings) {
    const breaking = async () => {
      for (let i = 0; i < 60; i++) {
        await delay(500)
        await askRedis(rig, (client) => client.client('KILL', 'TYPE', 'NORMAL'))
      }
    }
    const load = submitAtRate(rig, 'tiny', { perSecond: 10, seconds: 30, again: true })
    await Promise.all([load, breaking()])
    findings.atMost('next start, s', await nextStart(rig), RESTART_SECONDS_MAX)
  },
}

export const f06: Fault = {
  id: 'F06',
  title: 'Redis frozen for 45 s, longer than the lock of a delivery',
  ...redisOnly,
  run: (rig, findings) =>
    redisOutage(rig, findings, 45, {
      begin: (redis) => redis.signal('SIGSTOP'),
      end: (redis) => redis.signal('SIGCONT'),
    }),
}

export const f07: Fault = {
  id: 'F07',
  title: `Redis blocked for ${SLEEP_SECONDS} s by one command, twice within ${3 * SLEEP_SECONDS} s`,
  ...redisOnly,
  needsMachine: true,
  async run(rig, findings) {
    await restartRedis(rig, DEBUGGED)
    await nextStart(rig)
    const submit = () => submitAtRate(rig, 'tiny', { perSecond: 20, seconds: SLEEP_SECONDS })
    const without = await submit()
    const [meanwhile, running]: [Submission[], string[]] = [[], []]
    for (const waitMs of [0, SLEEP_SECONDS * 1000]) {
      await delay(waitMs)
      running.push(await startJob(rig, 'adam_dropout'))
      const sleep = askRedis(rig, (client) => client.call('DEBUG', 'SLEEP', SLEEP_SECONDS))
      const [sent] = await Promise.all([submit(), sleep])
      meanwhile.push(...sent)
      findings.atMost('next start, s', await nextStart(rig), RESTART_SECONDS_MAX)
    }
    await rig.settle()
    findings.note('p99 of a submission without, ms', submitMsP99(without))
    findings.atMost('p99 meanwhile, ms', submitMsP99(meanwhile), SUBMIT_MS_MAX)
    const accepted = meanwhile.filter(({ jobId }) => jobId !== null)
    findings.equal('accepted meanwhile', accepted.length, meanwhile.length)
    const attempts = await Promise.all(running.map(async (id) => (await readJob(rig, id)).attempt))
    findings.equal('attempts of those that ran', attempts, [1, 1])
    await restartRedis(rig)
  },
}

export const f08: Fault = {
  id: 'F08',
  title: 'a network that swallows all bytes to Redis for 60 s',
  ...redisOnly,
  run: (rig, findings) =>
    redisOutage(rig, findings, 60, {
      begin: () => redisOf(rig).proxy.set({ kind: 'black_hole' }),
      end: () => redisOf(rig).proxy.set({ kind: 'pass' }),
    }),
}

export const f09: Fault = {
  id: 'F09',
  title: 'Redis out of memory for 10 s',
  ...redisOnly,
  run: (rig, findings) =>
    redisOutage(rig, findings, 10, {
      begin: () => askRedis(rig, (client) => client.config('SET', 'maxmemory', '1mb')),
      end: () => askRedis(rig, (client) => client.config('SET', 'maxmemory', '0')),
    }),
}

export const f10: Fault = {
  id: 'F10',
  title: 'Redis that evicts keys when a service starts',
  ...redisOnly,
  async run(rig, findings) {
    const setPolicy = (policy: string) =>
      askRedis(rig, (client) => client.config('SET', 'maxmemory-policy', policy))
    await setPolicy('allkeys-lru')
    for (const service of ['scheduler', 'worker'] as const) {
      const said = await rig.start(service).then(
        () => 'it has started',
        (error: Error) => error.message.split('\n'),
      )
      const isClear = said[0]?.startsWith(`${service} has ended with 78`) === true
      const names = `${said}`.includes('must be noeviction')
      findings.equal(`${service} refuses with 78 and a reason`, [isClear, names], [true, true])
    }
    await setPolicy('noeviction')
  },
}

/**
 * A long job runs, others are submitted all the while. None of them waits for Redis to be accepted or to compute; the
 * first start comes soon after it is back.
 */
export async function redisOutage(
  rig: Rig,
  findings: Findings,
  seconds: number,
  change: Record<'begin' | 'end', (redis: TestRedis) => unknown>,
): Promise<void> {
  const { server } = redisOf(rig)
  // One slot stays free for those that wait.
  const running = await startJob(rig, 'adam_dropout')
  await change.begin(server)
  const sent = await submitAtRate(rig, 'tiny', { perSecond: 2, seconds })
  await change.end(server)
  const backAt = new Date()
  findings.equal(
    `accepted meanwhile (${seconds} s)`,
    sent.filter(({ jobId }) => jobId !== null).length,
    sent.length,
  )
  findings.atMost(
    'first start once it is back, s',
    await secondsToStart(rig, backAt),
    RESTART_SECONDS_MAX,
  )
  await rig.settle()
  findings.equal('attempts of the one that ran', (await readJob(rig, running)).attempt, 1)
}

async function restartRedis(rig: Rig, settings?: readonly string[]): Promise<void> {
  const { server } = redisOf(rig)
  await server.kill()
  await server.start(settings)
}

/** Of the first attempts. */
function submitMsP99(submissions: readonly Submission[]): number {
  return quantile(
    submissions.flatMap(({ attempts: [first] }) => first?.durationMs ?? []),
    0.99,
  )
}

async function nextStart(rig: Rig): Promise<number> {
  const at = new Date()
  await rig.submitUntilAccepted('tiny')
  return await secondsToStart(rig, at)
}

function redisOf(rig: Rig) {
  if (rig.redis === null) throw new Error('this rig has no Redis')
  return rig.redis
}
