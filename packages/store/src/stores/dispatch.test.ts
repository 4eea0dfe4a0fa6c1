import type { JobId } from '@trainyard/contracts'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import {
  expireLease,
  insertDataset,
  insertJob,
  insertProject,
  makeEpochMetrics,
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

  it('cancels a job whose cancel was asked for', async () => {
    const [id] = await insertJobs(1)
    await stores.leases.claim(id, 'worker')
    await stores.database.$executeRaw`UPDATE jobs SET status = 'cancelling' WHERE id = ${id}`
    await expireLease(stores, id)

    expect(await stores.dispatch.recoverDeadLeases()).toEqual([{ jobId: id, outcome: 'cancelled' }])
  })
})

/** Claims the job, reports up to `epoch` if given, and lets the worker die. */
async function loseWorker(id: JobId, epoch?: number) {
  const claimed = await stores.leases.claim(id, 'worker')
  if (claimed === null) throw new Error(`${id} could not be claimed`)
  if (epoch !== undefined) {
    const lease = { jobId: id, leaseEpoch: claimed.leaseEpoch }
    const metrics = [makeEpochMetrics(epoch)]
    await stores.leases.report(lease, { metrics, layers: [], epoch, best: null })
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
