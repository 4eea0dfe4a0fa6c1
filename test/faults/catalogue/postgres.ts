/** Faults of Postgres: nothing is accepted falsely, nobody hangs, and everything goes on by itself afterwards. */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Fault } from '../fault.ts'
import type { Findings } from '../rig/findings.ts'
import {
  holdRefusals,
  readJob,
  secondsToAccept,
  startJob,
  submitAtRate,
  submitUnknownAgain,
} from '../rig/load.ts'
import type { Rig } from '../rig/rig.ts'

export const BACK_SECONDS_MAX = 5
export const ANSWER_SECONDS_MAX = 2.5
const kinds = ['tiny', 'adam_dropout'] as const

export const f14: Fault = {
  id: 'F14',
  title: 'Postgres stopped as in a crash for 60 s under 50 submissions a second',
  kinds,
  run: (rig, findings) =>
    postgresOutage(rig, findings, {
      seconds: 60,
      perSecond: 50,
      begin: () => rig.postgres.server.stop('immediate'),
      end: () => rig.postgres.server.start(),
    }),
}

export const f15: Fault = {
  id: 'F15',
  title: 'Postgres stopped in order for 5 s under 50 submissions a second',
  kinds,
  run: (rig, findings) =>
    postgresOutage(rig, findings, {
      seconds: 5,
      perSecond: 50,
      begin: () => rig.postgres.server.stop('fast'),
      end: () => rig.postgres.server.start(),
    }),
}

const SESSION_KILLS = 100
const BACKEND_KILLS = 3

export const f16: Fault = {
  id: 'F16',
  title: `500 submissions while sessions of the API are ended in mid-transaction, ${BACKEND_KILLS} of them by kill -9`,
  kinds,
  async run(rig, findings) {
    const load = submitAtRate(rig, 'tiny', { perSecond: 50, seconds: 10 })
    for (let i = 0; i < SESSION_KILLS; i++) {
      await delay(90)
      const busy = `SELECT pid FROM pg_stat_activity WHERE application_name = 'trainyard-api'
        ORDER BY (state <> 'idle') DESC, state_change DESC LIMIT 1`
      // While the server restarts, which a killed backend makes it do, there is nobody to ask.
      const [session] = await rig.query<{ pid: number }>(busy).catch(() => [])
      if (session === undefined) continue
      if (i % 40 === 20) signalIfAlive(session.pid)
      else await rig.query('SELECT pg_terminate_backend($1)', [session.pid]).catch(() => undefined)
    }
    const sent = await load
    const unknown = sent.filter(({ jobId }) => jobId === null)
    findings.note('unknown, sent again with their keys', unknown.length)
    await submitUnknownAgain(rig, sent, unknown.length)
    await rig.settle()
  },
}

export const f17: Fault = {
  id: 'F17',
  title: 'all of Postgres frozen for 30 s',
  kinds,
  run: (rig, findings) =>
    postgresOutage(rig, findings, {
      seconds: 30,
      perSecond: 10,
      begin: () => rig.postgres.server.freeze(),
      end: () => rig.postgres.server.thaw(),
    }),
}

export const f18: Fault = {
  id: 'F18',
  title: 'answers of Postgres lost on every connection for 10 s',
  kinds,
  run: (rig, findings) =>
    postgresOutage(rig, findings, {
      seconds: 10,
      perSecond: 10,
      // What a client asked is done, though it hears nothing of it.
      isSilentSuccess: true,
      begin: () => rig.postgres.proxy.set({ kind: 'half_open' }),
      end: () => rig.postgres.proxy.set({ kind: 'pass' }),
    }),
}

export const f19: Fault = {
  id: 'F19',
  title: 'every session of Postgres taken by others for 10 s',
  kinds,
  async run(rig, findings) {
    const running = [await startJob(rig, 'adam_dropout')]
    const clients: pg.Client[] = []
    const until = performance.now() + 10_000
    const taking = async () => {
      while (performance.now() < until) {
        await rig.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'trainyard%'`,
        )
        await takeSessions(rig, clients)
        await delay(500)
      }
    }
    const [sent] = await Promise.all([
      submitAtRate(rig, 'tiny', { perSecond: 10, seconds: 10 }),
      taking(),
    ])
    findings.note('foreign sessions', clients.length)
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
    findings.atMost(
      'first accepted once they are gone, s',
      await secondsToAccept(rig, 'tiny'),
      BACK_SECONDS_MAX,
    )
    const statuses = new Set(sent.flatMap(({ attempts }) => attempts.map(({ status }) => status)))
    findings.equal(
      'answers other than 201 and 503',
      [...statuses].filter((status) => status !== 201 && status !== 503),
      [],
    )
    await submitUnknownAgain(rig, sent)
    await rig.settle()
    findings.equal(
      'status of the job that ran',
      (await readJob(rig, running[0] ?? '')).status,
      'succeeded',
    )
  },
}

export const f22: Fault = {
  id: 'F22',
  title: 'the table of jobs locked by another session for 20 s',
  kinds,
  async run(rig, findings) {
    const locker = new pg.Client({ connectionString: rig.stack.databaseUrl })
    await locker.connect()
    await postgresOutage(rig, findings, {
      seconds: 20,
      perSecond: 10,
      async begin() {
        await locker.query('BEGIN')
        await locker.query('LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE')
      },
      async end() {
        await locker.query('COMMIT')
      },
    })
    await locker.end()
  },
}

interface Outage {
  seconds: number
  perSecond: number
  isSilentSuccess?: boolean
  begin(): unknown
  end(): unknown
}

/** Two long jobs run; submissions come before, in and after it; the jobs go on under the lease that they have. */
export async function postgresOutage(
  rig: Rig,
  findings: Findings,
  { seconds, perSecond, begin, end, isSilentSuccess = false }: Outage,
) {
  const running = [await startJob(rig, 'adam_dropout'), await startJob(rig, 'adam_dropout')]
  await submitAtRate(rig, 'tiny', { perSecond, seconds: 1 })
  await begin()
  const fromMs = Date.now()
  const sent = await submitAtRate(rig, 'tiny', { perSecond, seconds })
  const toMs = Date.now()
  await end()
  const backSeconds = await secondsToAccept(rig, 'tiny')
  holdRefusals(findings, sent, { fromMs, toMs, secondsMax: ANSWER_SECONDS_MAX })
  findings.atMost('first accepted once it is back, s', backSeconds, BACK_SECONDS_MAX)
  await submitUnknownAgain(rig, sent)
  await rig.settle()
  const attempts = await Promise.all(running.map(async (id) => (await readJob(rig, id)).attempt))
  if (isSilentSuccess) findings.note('attempts of those that ran', attempts.join(' and '))
  else findings.equal('attempts of those that ran', attempts, [1, 1])
}

function signalIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function takeSessions(rig: Rig, clients: pg.Client[]): Promise<void> {
  for (;;) {
    const client = new pg.Client({
      connectionString: rig.stack.databaseUrl,
      application_name: 'somebody',
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
    } catch {
      // None is left.
      return
    }
    clients.push(client)
  }
}
