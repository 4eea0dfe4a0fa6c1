import type { JobId } from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { expireLease } from '../../../../test/support/factories.ts'
import { LEASE_SECONDS, openTestScheduler, type TestScheduler } from '../scheduler-deps.fixture.ts'
import { makeRecoverDeadLeases } from './recover-dead-leases.ts'

const GRACE_SECONDS = LEASE_SECONDS + 2

let scheduler: TestScheduler
/** Postgres as the scheduler sees it. */
let isAway: boolean
let isLeader: boolean
let recoverDeadLeases: () => Promise<boolean>

beforeEach(async () => {
  scheduler = await openTestScheduler('postgres')
  isAway = false
  isLeader = true
  const { dispatch } = scheduler.deps
  recoverDeadLeases = makeRecoverDeadLeases({
    ...scheduler.deps,
    dispatch: {
      ...dispatch,
      async clockMs() {
        if (isAway) throw new DomainError('unavailable')
        return await dispatch.clockMs()
      },
    },
    leadership: { isLeader: async () => isLeader, close: async () => undefined },
  })
})

afterEach(() => scheduler.stop())

it('declares nobody dead within a lease and two seconds of the first contact', async () => {
  const jobId = await loseWorker()

  const recovered = await watch(GRACE_SECONDS - 1)

  expect(recovered).toBe(false)
  expect((await scheduler.read(jobId)).status).toBe('running')
})

it('puts the job of a lost worker back after that, and announces it', async () => {
  const jobId = await loseWorker()

  const recovered = await watch(GRACE_SECONDS + 1)

  expect(recovered).toBe(true)
  expect(await scheduler.read(jobId)).toEqual({
    status: 'queued',
    generation: 1,
    isDispatched: false,
  })
  expect(scheduler.changed).toEqual([jobId])
  expect(scheduler.logged).toContain('a worker was lost')
})

it('leaves a job alone whose worker has renewed meanwhile', async () => {
  const jobId = await loseWorker()
  await watch(2)
  await scheduler.stores.leases.report({ jobId, leaseEpoch: 1 }, null)

  expect(await watch(GRACE_SECONDS)).toBe(false)
  expect(scheduler.changed).toEqual([])
})

it.each([
  ['Postgres was away', () => true],
  ['the clock was set forward, or the machine slept', () => false],
])('starts the grace anew after %s', async (_, fails) => {
  await watch(GRACE_SECONDS + 1)
  if (fails()) {
    isAway = true
    await expect(recoverDeadLeases()).rejects.toMatchObject({ code: 'unavailable' })
    isAway = false
  }
  scheduler.moveClock(60)
  const jobId = await loseWorker()

  const soon = await watch(GRACE_SECONDS - 1)
  const between = (await scheduler.read(jobId)).status
  const late = await watch(2)

  expect([soon, late]).toEqual([false, true])
  expect(between).toBe('running')
})

it('starts the grace when it begins to lead, however long it was second', async () => {
  isLeader = false
  const jobId = await loseWorker()

  const asSecond = await watch(GRACE_SECONDS + 1)
  isLeader = true
  const asNewLeader = await watch(GRACE_SECONDS - 1)
  const asLeader = await watch(2)

  expect([asSecond, asNewLeader, asLeader]).toEqual([false, false, true])
  expect(scheduler.changed).toEqual([jobId])
})

it('goes on recovering after the clock was set back by an hour', async () => {
  await watch(GRACE_SECONDS + 1)
  scheduler.moveClock(-3600)
  const jobId = await loseWorker()

  expect(await watch(GRACE_SECONDS + 1)).toBe(true)
  expect(scheduler.changed).toEqual([jobId])
})

/** Looks once a second for so long; whether anything was recovered. */
async function watch(seconds: number): Promise<boolean> {
  let hasRecovered = await recoverDeadLeases()
  for (let second = 0; second < seconds; second++) {
    scheduler.moveClock(1)
    hasRecovered = (await recoverDeadLeases()) || hasRecovered
  }
  return hasRecovered
}

/** A running job whose lease is over. */
async function loseWorker(): Promise<JobId> {
  const [job] = await scheduler.insertJobs(1)
  const jobId = job?.id as JobId
  await scheduler.stores.leases.claim(jobId, 'a worker')
  await expireLease(scheduler.stores, jobId)
  return jobId
}
