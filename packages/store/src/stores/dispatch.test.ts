import { createId, type JobId, type ProjectId } from '@trainyard/contracts'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import {
  endBackoff,
  expireLease,
  insertDataset,
  insertJob,
  insertProject,
  makeEpochMetrics,
  makeNewSweep,
  openTestStores,
  type TestStores,
} from '../../../../test/support/factories.ts'

let database: TestDatabase | null = null
let stores: TestStores

beforeEach(async () => {
  await close()
  database = await createTestDatabase()
  stores = openTestStores(database.url)
})

afterAll(close)

describe('pick', () => {
  it('takes a project’s only job before the second job of a project with twenty', async () => {
    const many = await insertJobs(20)
    const [only] = await insertJobs(1)

    const picked = (await stores.dispatch.pick(4)).map((job) => job.jobId)

    expect(picked).toEqual([many[0], only, many[1], many[2]])
  })

  it('lets a project wait by as many turns as it is told, and others go before it', async () => {
    const [first, second] = await insertJobs(2)
    const others = await insertJobs(3)
    const { projectId } = await stores.database.job.findUniqueOrThrow({
      where: { id: first ?? '' },
    })

    const picked = await stores.dispatch.pick(4, new Map([[projectId as never, 2]]))

    expect(picked.map((job) => job.jobId)).toEqual([others[0], others[1], first, others[2]])
    expect(picked.map((job) => job.jobId)).not.toContain(second)
  })

  it('knows which projects have work, and the thread time that each has had since', async () => {
    const { job } = stores.database
    const seconds = (ago: number) => new Date(Date.now() - 1000 * ago)
    const [first = '' as JobId, second = '' as JobId, ended = '' as JobId] = await insertJobs(4)
    await job.updateMany({
      where: { id: { in: [first, second] } },
      data: { status: 'running', batchId: first, startedAt: seconds(3600) },
    })
    await job.update({
      where: { id: ended },
      data: { status: 'succeeded', startedAt: seconds(50), finishedAt: seconds(40) },
    })
    const [waiting = '' as JobId] = await insertJobs(1)
    const [paused = '' as JobId] = await insertJobs(1)
    const sweepId = createId('sweep')
    await insertSweep(sweepId, paused)
    await job.update({ where: { id: paused }, data: { sweepId, trialIndex: 0, repeat: 0 } })
    await stores.database.sweep.update({ where: { id: sweepId }, data: { status: 'paused' } })
    await insertProject(stores)
    const projectOf = async (id: JobId) =>
      (await job.findUniqueOrThrow({ where: { id } })).projectId

    const begun = await stores.dispatch.threadTimes(null)
    const { threadMs } = await stores.dispatch.threadTimes(begun.atMs - 100_000)

    const [busy, idle] = [await projectOf(first), await projectOf(waiting)]
    expect(begun.threadMs).toEqual(
      new Map([
        [busy, 0],
        [idle, 0],
      ]),
    )
    expect(threadMs.get(idle as ProjectId)).toBe(0)
    // Two that were claimed together for all of the time, and one for 10 s of it.
    expect(threadMs.get(busy as ProjectId)).toBeGreaterThan(110_000 - 1000)
    expect(threadMs.get(busy as ProjectId)).toBeLessThan(110_000 + 5000)
  })

  it('takes a project’s own job before the second trial of its own sweep, and no trial of a paused one', async () => {
    const sweepId = createId('sweep')
    const [first = '' as JobId, second = '' as JobId, third = '' as JobId] = await insertJobs(3)
    await insertSweep(sweepId, first)
    await stores.database.job.updateMany({
      where: { id: { in: [first, second, third] } },
      data: { sweepId, trialIndex: 0, repeat: 0 },
    })
    const [own] = await insertJobs(1, { projectOf: first })

    const whileRunning = (await stores.dispatch.pick(4)).map((job) => job.jobId)
    await stores.database.sweep.update({ where: { id: sweepId }, data: { status: 'paused' } })
    const whilePaused = (await stores.dispatch.pick(4)).map((job) => job.jobId)

    expect(whileRunning).toEqual([first, own, second, third])
    expect(whilePaused).toEqual([own])
  })

  it('counts trainings that were claimed together as one', async () => {
    const [first = '' as JobId, ...others] = await insertJobs(20)
    await stores.database.job.updateMany({
      where: { id: { in: [first, ...others.slice(0, 9)] } },
      data: { status: 'running', batchId: first },
    })

    expect(await stores.dispatch.pick(4)).toHaveLength(3)
  })

  it('never has more than the window under way', async () => {
    await insertJobs(10)

    const first = await stores.dispatch.pick(4)
    await stores.dispatch.markDispatched(first)
    const second = await stores.dispatch.pick(4)

    expect(first).toHaveLength(4)
    expect(second).toEqual([])
  })

  it('takes a higher priority first, then the older', async () => {
    const [a, b] = await insertJobs(2)
    const [c] = await insertJobs(1, { priority: 5, projectOf: a })

    const picked = (await stores.dispatch.pick(4)).map((job) => job.jobId)

    expect(picked).toEqual([c, a, b])
  })
})

describe('redispatch', () => {
  it('makes a handed-over job dispatchable again under the next generation', async () => {
    const [id] = await insertJobs(1)
    const first = await stores.dispatch.pick(4)
    await stores.dispatch.markDispatched(first)

    await stores.dispatch.redispatch(first)

    expect(await stores.dispatch.pick(4)).toEqual([{ jobId: id, generation: 1 }])
  })
})

describe('recoverDeadLeases', () => {
  it('leaves a living lease alone', async () => {
    const [id] = await insertJobs(1)
    await stores.leases.claim(id, 'worker')

    expect(await stores.dispatch.recoverDeadLeases()).toEqual([])
  })

  it('requeues the job of a lost worker at once, the second time after a while', async () => {
    const [id] = await insertJobs(1)

    const first = await loseWorker(id)
    const dispatchable = await stores.dispatch.pick(4)
    const second = await loseWorker(id)

    expect([first, second]).toEqual(['requeued', 'requeued'])
    expect(dispatchable.map((job) => job.jobId)).toEqual([id])
    expect(await stores.dispatch.pick(4)).toEqual([])
  })

  it('fails a job after five lost workers in a row', async () => {
    const [id] = await insertJobs(1)

    const outcomes = []
    for (let death = 1; death <= 5; death++) outcomes.push(await loseWorker(id))

    expect(outcomes).toEqual(['requeued', 'requeued', 'requeued', 'requeued', 'failed'])
  })

  it('does not count deaths between which the job got further than before', async () => {
    const [id] = await insertJobs(1)

    const outcomes = []
    for (let death = 1; death <= 8; death++) outcomes.push(await loseWorker(id, death))

    expect(outcomes).not.toContain('failed')
  })

  it('blames a job only for deaths that it dies alone: the second in a row makes it suspect', async () => {
    const [id] = await insertJobs(1)
    await loseWorker(id)
    const afterOne = [await stores.leases.isSuspect(id), await stores.dispatch.pick(1)]
    await loseWorker(id)
    await endBackoff(stores, id)

    const beside = await stores.leases.claim(id, 'worker')
    const isSuspect = await stores.leases.isSuspect(id)
    const alone = await stores.leases.claim(id, 'worker', { isAlone: true })

    expect(afterOne).toEqual([false, [{ jobId: id, generation: 1 }]])
    expect([beside, isSuspect]).toEqual([null, true])
    expect(alone?.attempt).toBe(3)
  })

  it('acquits a suspect that gets further than ever before, and lets it run beside others again', async () => {
    const [id] = await insertJobs(1)
    await loseWorker(id, 7)
    await loseWorker(id)
    await loseWorker(id, 7)
    await endBackoff(stores, id)
    const suspected = await stores.leases.isSuspect(id)
    await loseWorker(id, 8)

    expect(suspected).toBe(true)
    expect(await stores.leases.isSuspect(id)).toBe(false)
    expect((await stores.leases.claim(id, 'worker'))?.furthestBatch).toBe(8)
  })

  it('counts no death when the worker was told to go, however often that happens', async () => {
    const [id] = await insertJobs(1)

    const outcomes = []
    for (let deploy = 1; deploy <= 10; deploy++) {
      await stores.workers.heartbeat({ id: 'worker', slots: 2 })
      await stores.workers.drain('worker')
      outcomes.push(await loseWorker(id))
      await stores.workers.leave('worker')
    }

    expect(outcomes).toEqual(outcomes.map(() => 'requeued'))
    const row = await stores.database.job.findUniqueOrThrow({ where: { id } })
    expect(row.crashCount).toBe(0)
    expect((await stores.dispatch.pick(1)).map((job) => job.jobId)).toEqual([id])
  })

  it('asks nobody to be dead who renewed before the time that is asked about', async () => {
    const [id] = await insertJobs(1)
    await stores.leases.claim(id, 'worker')
    await expireLease(stores, id)
    const beforeMs = (await stores.dispatch.clockMs()) - 3_600_000

    expect(await stores.dispatch.recoverDeadLeases(beforeMs)).toEqual([])
    expect(await stores.dispatch.recoverDeadLeases()).toHaveLength(1)
  })

  it('cancels a job whose cancel was asked for', async () => {
    const [id] = await insertJobs(1)
    await stores.leases.claim(id, 'worker')
    await stores.database.$executeRaw`UPDATE jobs SET status = 'cancelling' WHERE id = ${id}`
    await expireLease(stores, id)

    expect(await stores.dispatch.recoverDeadLeases()).toEqual([{ jobId: id, outcome: 'cancelled' }])
  })
})

describe('a worker that leaves', () => {
  it('is remembered to have drained as long as a job of it is left behind, so that it counts as no death', async () => {
    const [id] = await insertJobs(1)
    await stores.workers.heartbeat({ id: 'leaving', slots: 1 })
    await stores.leases.claim(id, 'leaving')

    await stores.workers.drain('leaving')
    await stores.workers.leave('leaving')
    await expireLease(stores, id)
    await stores.dispatch.recoverDeadLeases()

    const row = await stores.database.job.findUniqueOrThrow({ where: { id } })
    expect([row.status, row.crashCount]).toEqual(['queued', 0])
    await stores.workers.leave('leaving')
    expect(await stores.database.worker.count({ where: { id: 'leaving' } })).toBe(0)
  })
})

describe('a clock of Postgres that is set back by an hour', () => {
  it('keeps no job of a dead worker for longer than a lease', async () => {
    const [id] = await insertJobs(1)
    await stores.leases.claim(id, 'worker')
    await stores.database.$executeRaw`UPDATE jobs SET lease_until = lease_until + interval '1 hour'`

    await stores.dispatch.recoverDeadLeases()

    const row = await stores.database.job.findUniqueOrThrow({ where: { id } })
    const leftMs = (row.leaseUntil?.getTime() ?? 0) - (await stores.dispatch.clockMs())
    expect(leftMs).toBeGreaterThan(0)
    expect(leftMs).toBeLessThanOrEqual(9000)
  })

  it('keeps no job from being picked, and no lost delivery from being found', async () => {
    const [id] = await insertJobs(1)
    await stores.database.$executeRaw`UPDATE jobs SET run_after = run_after + interval '1 hour'`
    const picked = await stores.dispatch.pick(1)
    await stores.dispatch.markDispatched(picked)
    await stores.database
      .$executeRaw`UPDATE jobs SET dispatched_at = dispatched_at + interval '1 hour'`

    expect(picked).toEqual([{ jobId: id, generation: 0 }])
    expect(await stores.dispatch.undelivered()).toEqual(picked)
  })
})

/** Claims the job, alone, reports up to `epoch`, of one batch each, if given, and lets the worker die. */
async function loseWorker(id: JobId, epoch?: number) {
  await endBackoff(stores, id)
  const claimed = await stores.leases.claim(id, 'worker', { isAlone: true })
  if (claimed === null) throw new Error(`${id} could not be claimed`)
  if (epoch !== undefined) {
    const lease = { jobId: id, leaseEpoch: claimed.leaseEpoch }
    const metrics = [makeEpochMetrics(epoch)]
    await stores.leases.report(lease, { metrics, layers: [], epoch, best: null }, epoch)
  }
  await expireLease(stores, id)
  const recovered = await stores.dispatch.recoverDeadLeases()
  return recovered[0]?.outcome
}

async function insertJobs(
  count: number,
  { priority = 0, projectOf }: { priority?: number; projectOf?: JobId | undefined } = {},
): Promise<[JobId, ...JobId[]]> {
  const { projectId, datasetId } = await place(projectOf)
  const ids: JobId[] = []
  for (let i = 0; i < count; i++) {
    ids.push((await insertJob(stores, projectId, datasetId, { priority })).id)
  }
  return ids as [JobId, ...JobId[]]
}

async function insertSweep(id: ReturnType<typeof createId<'sweep'>>, jobOf: JobId): Promise<void> {
  const { projectId, datasetId } = await place(jobOf)
  await stores.sweeps.insert(makeNewSweep(id, projectId, datasetId), null)
  await stores.database.sweep.update({ where: { id }, data: { status: 'running' } })
}

async function place(projectOf: JobId | undefined) {
  if (projectOf === undefined) {
    const projectId = await insertProject(stores)
    return { projectId, datasetId: (await insertDataset(stores, projectId)).id }
  }
  const row = await stores.database.job.findUniqueOrThrow({ where: { id: projectOf } })
  return { projectId: row.projectId as never, datasetId: row.datasetId as never }
}

async function close() {
  if (database === null) return
  await stores.close()
  await database.drop()
}
