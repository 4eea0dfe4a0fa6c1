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
  const unlessAway = async <Result>(query: () => Promise<Result>) => {
    if (isAway) throw new DomainError('unavailable')
    return await query()
  }
  recoverDeadLeases = makeRecoverDeadLeases({
    ...scheduler.deps,
    dispatch: {
      ...dispatch,
      undelivered: () => unlessAway(dispatch.undelivered),
      recoverDeadLeases: () => unlessAway(dispatch.recoverDeadLeases),
    },
    leadership: {
      isLeader: () => unlessAway(async () => isLeader),
      close: async () => undefined,
    },
  })
})

afterEach(() => scheduler.stop())

it('declares nobody dead within a lease and two seconds of the first contact', async () => {
  const jobId = await loseWorker()

  const answers = [await recoverDeadLeases()]
  scheduler.moveClock(GRACE_SECONDS - 0.001)
  answers.push(await recoverDeadLeases())

  expect(answers).toEqual([false, false])
  expect((await scheduler.read(jobId)).status).toBe('running')
})

it('puts the job of a lost worker back after that, and announces it', async () => {
  const jobId = await loseWorker()
  await recoverDeadLeases()
  scheduler.moveClock(GRACE_SECONDS)

  const hasRecovered = await recoverDeadLeases()

  expect(hasRecovered).toBe(true)
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
  await recoverDeadLeases()
  await scheduler.stores.leases.report({ jobId, leaseEpoch: 1 }, null)
  scheduler.moveClock(GRACE_SECONDS)

  expect(await recoverDeadLeases()).toBe(false)
  expect(scheduler.changed).toEqual([])
})

it.each([
  ['within the first grace', 5],
  ['after it', GRACE_SECONDS + 60],
])('starts the grace anew after a failed contact %s', async (_, seconds) => {
  await recoverDeadLeases()
  scheduler.moveClock(seconds)
  isAway = true
  await expect(recoverDeadLeases()).rejects.toMatchObject({ code: 'unavailable' })
  scheduler.moveClock(60)
  isAway = false
  const jobId = await loseWorker()

  const answers = [await recoverDeadLeases()]
  scheduler.moveClock(GRACE_SECONDS - 0.001)
  answers.push(await recoverDeadLeases())
  const between = (await scheduler.read(jobId)).status
  scheduler.moveClock(0.001)
  answers.push(await recoverDeadLeases())

  expect(answers).toEqual([false, false, true])
  expect(between).toBe('running')
})

it('starts the grace when it begins to lead, however long it was second', async () => {
  isLeader = false
  await recoverDeadLeases()
  scheduler.moveClock(GRACE_SECONDS)
  const jobId = await loseWorker()

  const asSecond = await recoverDeadLeases()
  isLeader = true
  const asNewLeader = await recoverDeadLeases()
  scheduler.moveClock(GRACE_SECONDS)
  const asLeader = await recoverDeadLeases()

  expect([asSecond, asNewLeader, asLeader]).toEqual([false, false, true])
  expect(scheduler.changed).toEqual([jobId])
})

/** A running job whose lease is over. */
async function loseWorker(): Promise<JobId> {
  const [job] = await scheduler.insertJobs(1)
  const jobId = job?.id as JobId
  await scheduler.stores.leases.claim(jobId, 'a worker')
  await expireLease(scheduler.stores, jobId)
  return jobId
}
