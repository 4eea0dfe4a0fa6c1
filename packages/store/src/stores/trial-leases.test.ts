import { createId, type JobId, type SweepId } from '@trainyard/contracts'
import type { Finish, Lease } from '@trainyard/domain'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  insertDataset,
  insertJob,
  insertProject,
  makeEpochMetrics,
  makeNewSweep,
} from '../../../../test/support/factories.ts'
import { useTestStores } from '../../../../test/support/use-stores.ts'
import { waitFor } from '../../../../test/support/wait-for.ts'

const stores = useTestStores()
const FINISH: Finish = {
  status: 'succeeded',
  stopReason: 'epochs_completed',
  error: null,
  final: null,
  best: null,
  manifest: null,
  metrics: [makeEpochMetrics(1), makeEpochMetrics(2)],
  layers: [],
  weights: [],
}

let sweepId: SweepId
let trials: JobId[] = []

beforeEach(async () => {
  sweepId = createId('sweep')
  const projectId = await insertProject(stores)
  const { id: datasetId } = await insertDataset(stores, projectId)
  await stores.sweeps.insert(makeNewSweep(sweepId, projectId, datasetId), null)
  await stores.database.sweep.update({ where: { id: sweepId }, data: { status: 'running' } })
  trials = []
  for (let trialIndex = 0; trialIndex < 4; trialIndex++) {
    const { id } = await insertJob(stores, projectId, datasetId)
    await stores.database.job.update({
      where: { id },
      data: { sweepId, trialIndex, repeat: 0, expectedMs: 2 },
    })
    trials.push(id)
  }
})

describe('trials that are claimed together', () => {
  it('have a lease each, and none is taken that is handed over or may have killed a worker', async () => {
    const { database } = stores
    await database.job.update({
      where: { id: trials[2] as JobId },
      data: { dispatchedAt: new Date() },
    })
    await database.job.update({ where: { id: trials[3] as JobId }, data: { crashCount: 1 } })

    const [first, ...siblings] = await claimAll()

    expect(siblings.map(({ jobId }) => jobId)).toEqual([trials[1]])
    expect(siblings[0]?.leaseEpoch).toBe(1)
    const rows = await database.job.findMany({ where: { batchId: first?.jobId ?? '' } })
    expect(rows.map(({ id }) => id).sort()).toEqual([trials[0], trials[1]].sort())
  })

  it.each([
    { count: 2, siblings: 1, what: 'their share of the slots' },
    { count: 63, siblings: 3, what: 'all, where the share would be less than half a batch' },
  ])('are $what, of at most $count more', async ({ count, siblings }) => {
    await stores.workers.heartbeat({ id: 'a worker', slots: 2 })
    const jobId = trials[0] as JobId
    await stores.leases.claim(jobId, 'a worker')

    const claimed = await stores.trialLeases.claimSiblings({ jobId, sweepId }, 'a worker', count)

    expect(claimed).toHaveLength(siblings)
  })

  it('are not held while the first of them is waited for, which a cancel may hold that waits for them', async () => {
    const jobId = trials[0] as JobId
    await stores.leases.claim(jobId, 'a worker')
    let claiming: Promise<unknown> = Promise.resolve()

    await stores.database.$transaction(async (cancel) => {
      await cancel.$queryRaw`SELECT id FROM jobs WHERE id = ${jobId} FOR UPDATE`
      claiming = stores.trialLeases.claimSiblings({ jobId, sweepId }, 'a worker', 63)
      await waitFor('the claim waits', async () => {
        const waiting = await stores.database.$queryRaw<unknown[]>`
          SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
        return waiting.length > 0
      })
      await cancel.$queryRaw`SELECT id FROM jobs WHERE sweep_id = ${sweepId} ORDER BY id FOR UPDATE NOWAIT`
    })

    expect(await claiming).toHaveLength(3)
  })

  it('end in one write, except those whose lease is another’s, and those to be cancelled as cancelled', async () => {
    const leases = await claimAll()
    await stores.database.job.update({ where: { id: trials[1] as JobId }, data: { leaseEpoch: 9 } })
    await stores.database.job.update({
      where: { id: trials[2] as JobId },
      data: { status: 'cancelling' },
    })

    const written = await stores.trialLeases.finishMany(
      leases.map((lease) => ({ lease, finish: FINISH })),
    )

    expect(written.sort()).toEqual([trials[0], trials[2], trials[3]].sort())
    const rows = await stores.database.job.findMany({
      where: { sweepId },
      orderBy: { trialIndex: 'asc' },
    })
    expect(rows.map(({ status }) => status)).toEqual([
      'succeeded',
      'running',
      'cancelled',
      'succeeded',
    ])
    const events = await stores.jobs.events(trials[0] as JobId, 0, 10)
    expect(events.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'job.created'],
      [2, 'job.started'],
      [3, 'job.epoch_completed'],
      [4, 'job.succeeded'],
    ])
    const metrics = await stores.jobs.metrics(trials[0] as JobId, {
      maxPoints: 10,
      bestEpoch: null,
    })
    expect(metrics.rows).toHaveLength(2)
  })

  it('are told as queued when they are given back, and as paused where a pause was asked for', async () => {
    const leases = await claimAll()
    const paused = trials[1] as JobId
    await stores.database.job.update({ where: { id: paused }, data: { status: 'pausing' } })

    await stores.trialLeases.releaseMany(leases, 'drained')

    const rows = await stores.database.job.findMany({ where: { id: { in: trials } } })
    const lasts = await Promise.all(
      trials.map(async (id) => (await stores.jobs.events(id, 0, 10)).at(-1)),
    )
    for (const [i, id] of trials.entries()) {
      const status = id === paused ? 'paused' : 'queued'
      expect(rows.find((row) => row.id === id)?.status).toBe(status)
      expect([lasts[i]?.type, lasts[i]?.data.status]).toEqual([
        id === paused ? 'job.paused' : 'job.retrying',
        status,
      ])
    }
  })

  it('say when they are renewed which are to be cancelled, and which are another’s', async () => {
    const leases = await claimAll()
    await stores.database.job.update({ where: { id: trials[1] as JobId }, data: { leaseEpoch: 9 } })
    await stores.database.job.update({
      where: { id: trials[2] as JobId },
      data: { status: 'cancelling' },
    })

    const answers = await stores.trialLeases.renew(leases)

    expect(trials.map((id) => answers.get(id))).toEqual(['go_on', undefined, 'cancel', 'go_on'])
  })
})

describe('a trial at a rung', () => {
  it('is told the same again, whatever was said since', async () => {
    const [lease] = await claimAll()
    const saying = { trialIndex: 0, epoch: 3, value: 1 }
    const say = (trialIndex: number, value: number) =>
      stores.trialLeases.sayAtRung(
        lease as Lease,
        sweepId,
        { ...saying, trialIndex, value },
        (before) => ({
          stops: before.length > 0,
          before: before.length,
        }),
      )

    const first = await say(0, 1)
    const second = await say(1, Number.POSITIVE_INFINITY)
    const again = await say(0, 99)

    expect([first, second, again]).toEqual([
      { stops: false, before: 0 },
      { stops: true, before: 1 },
      { stops: false, before: 0 },
    ])
  })

  it('is heard only under its own lease', async () => {
    const [lease] = await claimAll()
    const other = { jobId: lease?.jobId as JobId, leaseEpoch: 9 }

    const decision = await stores.trialLeases.sayAtRung(
      other,
      sweepId,
      { trialIndex: 0, epoch: 3, value: 1 },
      () => ({ stops: true }),
    )

    expect(decision).toBeNull()
    expect(await stores.database.sweepRung.count({ where: { sweepId } })).toBe(0)
  })
})

async function claimAll(): Promise<Lease[]> {
  const jobId = trials[0] as JobId
  const first = await stores.leases.claim(jobId, 'a worker')
  const siblings = await stores.trialLeases.claimSiblings({ jobId, sweepId }, 'a worker', 63)
  return [
    { jobId, leaseEpoch: first?.leaseEpoch ?? 0 },
    ...siblings.map(({ id, leaseEpoch }) => ({ jobId: id, leaseEpoch })),
  ]
}
