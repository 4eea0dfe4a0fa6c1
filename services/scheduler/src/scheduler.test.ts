import type { JobId } from '@trainyard/contracts'
import { openConsumer } from '@trainyard/queue'
import pg from 'pg'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { expireLease } from '../../../test/support/factories.ts'
import { waitFor } from '../../../test/support/wait-for.ts'
import { startScheduler } from './scheduler.ts'
import { openTestScheduler, type TestScheduler } from './scheduler-deps.fixture.ts'

/** Rounds are a second apart, and an outage takes some. */
vi.setConfig({ testTimeout: 20_000 })

let scheduler: TestScheduler
let running: { stop(): Promise<void> } | null

/** Short, so that its grace is over soon. */
const LEASE_SECONDS = 2

beforeEach(async () => {
  scheduler = await openTestScheduler('postgres', { leaseSeconds: LEASE_SECONDS })
  running = null
})

afterEach(async () => {
  vi.restoreAllMocks()
  await running?.stop()
  await scheduler.stop()
})

it('hands a job over at the pulse of its submission and makes its delivery again when it is lost', async () => {
  const live = () => scheduler.stores.workers.heartbeat({ id: 'a', slots: 1 })
  await live()
  running = startScheduler(scheduler.deps)
  const [job] = await scheduler.insertJobs(1)
  scheduler.deps.pulse.jobQueued()
  const received: JobId[] = []
  // A worker that takes deliveries and does nothing: each of them is lost.
  const consumer = await openConsumer(
    scheduler.queue,
    1,
    async (jobId) => void received.push(jobId),
  )

  await waitFor('a second delivery', async () => {
    await live()
    return received.length >= 2
  })

  expect(new Set(received)).toEqual(new Set([job?.id]))
  await consumer.close()
})

it('recovers dead leases while the queue is away', async () => {
  const jobId = await claimJob()
  await expireLease(scheduler.stores, jobId)
  const noQueue = () => Promise.reject(new Error('no queue'))
  // A delivery that may be lost makes every round ask the queue.
  await scheduler.insertJobs(1)
  await scheduler.stores.dispatch.markDispatched(await scheduler.stores.dispatch.pick(4))
  await scheduler.ageDeliveries()
  running = startScheduler({
    ...scheduler.deps,
    producer: { ...scheduler.deps.producer, add: noQueue, findLost: noQueue },
  })

  await waitFor('the recovery', async () => (await scheduler.read(jobId)).status === 'queued')
  // Told after the commit.
  await waitFor('the pulse', () => scheduler.changed.length > 0)

  expect(scheduler.changed).toEqual([jobId])
})

it('lets every worker renew after Postgres was away before it declares one dead', async () => {
  // The pool of the test itself tells of its broken connections there.
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const jobId = await claimJob()
  const contacts = countContacts()
  running = startScheduler({ ...scheduler.deps, dispatch: contacts.dispatch })
  await waitFor('the end of the first grace', async () => {
    await scheduler.stores.leases.report({ jobId, leaseEpoch: 1 }, null)
    return contacts.recoveries() > 0
  })

  await expireDuringOutage(jobId)
  const contactsBefore = contacts.count()
  await waitFor('contacts after the outage', () => contacts.count() >= contactsBefore + 4)
  const renewed = await scheduler.stores.leases.report({ jobId, leaseEpoch: 1 }, null)

  expect(renewed).toBe('go_on')
  expect(scheduler.changed).toEqual([])
})

it('ends its rounds at stop', async () => {
  const contacts = countContacts()
  const stopping = startScheduler({ ...scheduler.deps, dispatch: contacts.dispatch })
  await waitFor('the first contact', () => contacts.count() > 0)

  await stopping.stop()
  await scheduler.stop()

  expect(scheduler.logged).not.toContain('a round has failed')
  scheduler = await openTestScheduler('postgres')
})

async function claimJob(): Promise<JobId> {
  const [job] = await scheduler.insertJobs(1)
  await scheduler.stores.leases.claim(job?.id as JobId, 'a worker')
  return job?.id as JobId
}

/** The real store, and how often it answered. */
function countContacts() {
  const { dispatch } = scheduler.deps
  let count = 0
  let recoveries = 0
  return {
    dispatch: {
      ...dispatch,
      async clockMs() {
        const answer = await dispatch.clockMs()
        count += 1
        return answer
      },
      async recoverDeadLeases(asOfMs?: number) {
        const answer = await dispatch.recoverDeadLeases(asOfMs)
        recoveries += 1
        return answer
      },
    },
    count: () => count,
    recoveries: () => recoveries,
  }
}

/** No connection to the database, until rounds have failed and the lease is over. */
async function expireDuringOutage(jobId: JobId): Promise<void> {
  const url = new URL(scheduler.database.url)
  const name = url.pathname.slice(1)
  url.pathname = '/postgres'
  const admin = new pg.Client({ connectionString: url.href })
  await admin.connect()
  await scheduler.stores.database.$executeRaw`
    UPDATE jobs SET lease_until = clock_timestamp() + interval '1 second' WHERE id = ${jobId}`
  const { rows } = await admin.query<{ over_at: Date }>(
    "SELECT clock_timestamp() + interval '1.1 seconds' AS over_at",
  )
  const failuresBefore = failedRounds()
  await admin.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`)
  await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [
    name,
  ])
  await waitFor('rounds that fail while the lease runs out', async () => {
    const now = await admin.query<{ is_over: boolean }>(
      'SELECT clock_timestamp() > $1::timestamptz AS is_over',
      [rows[0]?.over_at],
    )
    return now.rows[0]?.is_over === true && failedRounds() >= failuresBefore + 4
  })
  await admin.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`)
  await admin.end()
}

function failedRounds(): number {
  return scheduler.logged.filter((message) => message === 'a round has failed').length
}
