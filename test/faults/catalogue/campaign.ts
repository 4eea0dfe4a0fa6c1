/** Everything at random, from a seed: whatever happens next to whatever else, the invariants hold. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ServiceName } from '../../support/stack.ts'
import type { Fault } from '../fault.ts'
import type { Findings } from '../rig/findings.ts'
import type { KindName } from '../rig/job-kinds.ts'
import { countLeft, readRunning } from '../rig/load.ts'
import { emptyQueue } from '../rig/queue-faults.ts'
import type { Rig } from '../rig/rig.ts'
import type { ProxyMode } from '../rig/tcp-proxy.ts'

const MINUTES = 10
/** Jobs that wait or run; more would only have to be waited for at the end. */
const LEFT_MAX = 6
const KINDS: readonly KindName[] = [
  'tiny',
  'tiny',
  'tiny',
  'adam_dropout',
  'batch_norm_momentum',
  'two_threads',
  'noise_early_stopping',
]

export const f63: Fault = {
  id: 'F63',
  title: `${MINUTES} minutes of faults drawn from the seed`,
  kinds: ['tiny', 'adam_dropout', 'batch_norm_momentum', 'two_threads', 'noise_early_stopping'],
  // Two long outages in a row stop every pool at once; a cancel then waits for the next renewal.
  audit: { cancelSecondsMax: 15 },
  run: (rig, findings) => runCampaign(rig, findings, MINUTES * 60),
}

type Deed = (rig: Rig) => Promise<unknown>

const DEEDS: Record<string, Deed> = {
  kill_worker: (rig) => kill(rig, 'worker'),
  kill_scheduler: (rig) => kill(rig, 'scheduler'),
  kill_api: (rig) => kill(rig, 'api'),
  drain_worker: (rig) => rig.replace('worker'),
  drain_api: (rig) => rig.replace('api'),
  freeze_worker: (rig) => freeze(rig, 'worker'),
  freeze_scheduler: (rig) => freeze(rig, 'scheduler'),
  empty_queue: (rig) => emptyQueue(rig),
  restart_redis: async ({ redis, random }) => {
    await redis?.server.kill()
    await delay(random.between(100, 4000))
    await redis?.server.start()
  },
  restart_postgres: async ({ postgres, random }) => {
    await postgres.server.stop(random.pick(['fast', 'immediate']))
    await delay(random.between(100, 4000))
    await postgres.server.start()
  },
  freeze_postgres: async ({ postgres, random }) => {
    postgres.server.freeze()
    await delay(random.between(100, 4000))
    postgres.server.thaw()
  },
  break_postgres: (rig) => breakNetwork(rig, rig.postgres.proxy),
  break_redis: async (rig) => {
    if (rig.redis !== null) await breakNetwork(rig, rig.redis.proxy)
  },
  end_sessions: (rig) =>
    rig.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'trainyard%' AND random() < 0.5`,
    ),
  cancel_job: async (rig) => {
    const running = await readRunning(rig)
    if (running.length > 0)
      await rig.send('POST', `/v1/jobs/${rig.random.pick(running)}/cancel`, {})
  },
}

/** Jobs come all the while, with a few waiting at any time. */
export async function runCampaign(rig: Rig, findings: Findings, seconds: number): Promise<void> {
  const untilMs = performance.now() + seconds * 1000
  let done = 0
  const harm = async () => {
    while (performance.now() < untilMs) {
      await delay(rig.random.between(500, 5000))
      const name = rig.random.pick(Object.keys(DEEDS))
      try {
        await DEEDS[name]?.(rig)
      } catch (error) {
        throw new Error(`the rig could not ${name}`, { cause: error })
      }
      done++
    }
  }
  // Postgres may be the one that is away.
  const hasFewLeft = () =>
    countLeft(rig).then(
      (left) => left <= LEFT_MAX,
      () => true,
    )
  const load = async () => {
    while (performance.now() < untilMs) {
      await rig.submitUntilAccepted(rig.random.pick(KINDS))
      await delay(rig.random.between(200, 2500))
      while (performance.now() < untilMs && !(await hasFewLeft())) await delay(200)
    }
  }
  await Promise.all([harm(), load()])
  await rig.restore()
  await rig.settle()
  findings.note('faults', done)
  findings.note('jobs', rig.journal.submissions.length)
}

async function kill(rig: Rig, service: ServiceName): Promise<void> {
  for (const process of rig.processes(service)) await rig.end(process, 'SIGKILL')
  await rig.start(service)
}

/** Another comes meanwhile, where there may be two. */
async function freeze(rig: Rig, service: ServiceName): Promise<void> {
  const frozen = rig.processes(service)
  for (const { pid } of frozen) process.kill(pid, 'SIGSTOP')
  await rig.start(service)
  await delay(rig.random.between(1000, 4000))
  for (const { pid } of frozen) process.kill(pid, 'SIGCONT')
  for (const one of frozen) await rig.end(one, 'SIGTERM')
}

async function breakNetwork(rig: Rig, proxy: Rig['postgres']['proxy']): Promise<void> {
  const modes: ProxyMode[] = [
    { kind: 'refuse' },
    { kind: 'reset' },
    { kind: 'black_hole' },
    { kind: 'half_open' },
    { kind: 'delay', delayMs: 200 },
    { kind: 'cut', afterBytes: 20_000 },
  ]
  await proxy.set(rig.random.pick(modes))
  await delay(rig.random.between(100, 4000))
  await proxy.set({ kind: 'pass' })
}
