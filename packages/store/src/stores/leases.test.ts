import type { JobId } from '@trainyard/contracts'
import type { Finish, Lease } from '@trainyard/domain'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  endBackoff,
  expireLease,
  insertDataset,
  insertJob,
  insertProject,
  makeEpochLayers,
  makeEpochMetrics,
} from '../../../../test/support/factories.ts'
import { useTestStores } from '../../../../test/support/use-stores.ts'

const stores = useTestStores()
let projectId: Awaited<ReturnType<typeof insertProject>>
let datasetId: Awaited<ReturnType<typeof insertDataset>>['id']

beforeAll(async () => {
  projectId = await insertProject(stores)
  datasetId = (await insertDataset(stores, projectId)).id
})

describe('claim', () => {
  it('gives a job to one of ten workers that ask at the same time', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)

    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, i) => stores.leases.claim(id, `worker ${i}`)),
    )

    expect(claims.filter((claim) => claim !== null)).toHaveLength(1)
    expect((await read(id)).status).toBe('running')
  })

  it('gives nothing for a job that is cancelled', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    await stores.jobs.cancel(projectId, id)

    expect(await stores.leases.claim(id, 'worker')).toBeNull()
  })

  it('starts a second attempt with an empty history', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    const first = await claim(id)
    await stores.leases.report(first, progress(1, 2, 3))
    await expireLease(stores, id)
    await stores.dispatch.recoverDeadLeases()

    const second = await claim(id)
    await stores.leases.report(second, progress(1))

    expect((await history(id)).map((row) => row.epoch)).toEqual([1])
    expect((await read(id)).attempt).toBe(2)
  })
})

describe('report', () => {
  it('stores epochs bit for bit, the last as one event, and says go on', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    const lease = await claim(id)
    const rows = [
      makeEpochMetrics(1, { train_loss: 0.1 + 0.2, val_loss: 5e-324 }),
      makeEpochMetrics(2, { train_loss: null, non_finite: { train_loss: 'inf' } }),
    ]

    const progress = { metrics: rows, layers: [], epoch: 2, best: null }
    const answer = await stores.leases.report(lease, progress)

    expect(answer).toBe('go_on')
    expect(await history(id)).toEqual(rows)
    const events = await stores.jobs.events(id, 0, 100)
    expect(events.map((event) => [event.seq, event.type])).toEqual([
      [1, 'job.created'],
      [2, 'job.started'],
      [3, 'job.epoch_completed'],
    ])
    expect(events[2]?.data).toEqual(rows[1])
  })

  it('stores thousands of epochs each once, and tells of the last', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    const lease = await claim(id)
    const epochs = Array.from({ length: 4500 }, (_, i) => i + 1)

    await stores.leases.report(lease, progress(...epochs.slice(0, 2200)))
    await stores.leases.finish(lease, {
      ...succeeded(),
      metrics: epochs.slice(2200).map((epoch) => makeEpochMetrics(epoch)),
    })

    const [stored] = await stores.database.$queryRaw<object[]>`
      SELECT count(*)::int, min(epoch), max(epoch) FROM epoch_metrics WHERE job_id = ${id}`
    expect(stored).toEqual({ count: 4500, min: 1, max: 4500 })
    const told = (await stores.jobs.events(id, 0, 100)).filter(
      ({ type }) => type === 'job.epoch_completed',
    )
    expect(told.map(({ data }) => data)).toMatchObject([{ epoch: 2200 }, { epoch: 4500 }])
  })

  it('changes nothing under an older lease epoch', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    const stale = await claim(id)
    await expireLease(stores, id)
    await stores.dispatch.recoverDeadLeases()
    const fresh = await claim(id)
    await stores.leases.report(fresh, progress(1))

    const answers = [
      await stores.leases.report(stale, progress(1, 2, 3)),
      await stores.leases.report(stale, null),
      await stores.leases.finish(stale, succeeded()),
      await stores.leases.release(stale, 'drained'),
      await stores.leases.abandon(stale),
    ]

    expect(answers).toEqual(['fenced', 'fenced', 'fenced', 'fenced', 'fenced'])
    expect((await history(id)).map((row) => row.epoch)).toEqual([1])
    expect((await read(id)).status).toBe('running')
  })

  it('renews a lease that has run out when nobody took the job meanwhile', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    const lease = await claim(id)
    await expireLease(stores, id)

    expect(await stores.leases.report(lease, null)).toBe('go_on')
    expect(await stores.dispatch.recoverDeadLeases()).toEqual([])
  })

  it('tells the worker of a cancel', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    const lease = await claim(id)
    await stores.jobs.cancel(projectId, id)

    expect(await stores.leases.report(lease, null)).toBe('cancel')
  })
})

describe('abandon', () => {
  it('counts a thread that ended as a death, at once and not when the lease is over', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    const outcomes = []
    for (let death = 1; death <= 5; death++) {
      await endBackoff(stores, id)
      const claimed = await stores.leases.claim(id, 'worker', { isAlone: true })
      if (claimed === null) throw new Error('not queued')
      outcomes.push(await stores.leases.abandon({ jobId: id, leaseEpoch: claimed.leaseEpoch }))
    }

    expect(outcomes).toEqual(['requeued', 'requeued', 'requeued', 'requeued', 'failed'])
    expect((await read(id)).error?.code).toBe('worker_lost')
  })
})

describe('finish', () => {
  it('ends a job once, and its row refuses every change after that', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    const lease = await claim(id)

    const answers = [
      await stores.leases.finish(lease, succeeded()),
      await stores.leases.finish(lease, { ...succeeded(), status: 'failed', stopReason: null }),
    ]

    expect(answers).toEqual(['done', 'fenced'])
    const change = stores.database.$executeRaw`UPDATE jobs SET status = 'failed' WHERE id = ${id}`
    await expect(change).rejects.toThrow(/is succeeded and cannot change/)
    const types = (await stores.jobs.events(id, 0, 100)).map((event) => event.type)
    expect(types.filter((type) => type === 'job.succeeded')).toHaveLength(1)
  })

  it('ends as cancelled when a cancel was acknowledged, even if the training was done', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    const lease = await claim(id)
    await stores.jobs.cancel(projectId, id)

    await stores.leases.finish(lease, succeeded())

    const job = await read(id)
    expect([job.status, job.stop_reason]).toEqual(['cancelled', 'cancelled'])
  })

  it('has a long history stored before its transaction, which could not last for so long', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    const lease = await claim(id)
    const metrics = Array.from({ length: 2500 }, (_, i) => makeEpochMetrics(i + 1))
    const end = { ...succeeded(), metrics }
    const countEpochs = () => stores.database.epochMetric.count({ where: { jobId: id } })

    await expect(
      stores.leases.finish(lease, { ...end, split: { sha256: 'of no blob' } }),
    ).rejects.toThrow()
    const before = await countEpochs()
    await stores.leases.finish(lease, end)

    expect([before, await countEpochs()]).toEqual([2000, 2500])
    expect((await read(id)).status).toBe('succeeded')
  })

  it('keeps the epochs that were not reported before', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    const lease = await claim(id)
    await stores.leases.report(lease, progress(1, 2))

    await stores.leases.finish(lease, {
      ...succeeded(),
      metrics: [2, 3, 4].map((epoch) => makeEpochMetrics(epoch)),
    })

    expect((await history(id)).map((row) => row.epoch)).toEqual([1, 2, 3, 4])
  })
})

describe('a claim of a job whose worker has died', () => {
  it('is for nobody while its back-off lasts, by whatever old delivery, and is no reason to make way', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    await stores.database.$executeRaw`
      UPDATE jobs SET crash_count = 3, run_after = clock_timestamp() + interval '1 minute' WHERE id = ${id}`
    const early = await stores.leases.claim(id, 'worker', { isAlone: true })
    const isSuspectEarly = await stores.leases.isSuspect(id)

    await endBackoff(stores, id)

    expect([early, isSuspectEarly]).toEqual([null, false])
    expect(await stores.leases.isSuspect(id)).toBe(true)
    expect(await stores.leases.claim(id, 'worker', { isAlone: true })).not.toBeNull()
  })
})

describe('release', () => {
  it('puts the job back in the queue without counting a crash', async () => {
    const { id } = await insertJob(stores, projectId, datasetId)
    const lease = await claim(id)

    expect(await stores.leases.release(lease, 'drained')).toBe('done')

    expect((await read(id)).status).toBe('queued')
    const rows = await stores.database.$queryRaw`SELECT crash_count FROM jobs WHERE id = ${id}`
    expect(rows).toEqual([{ crash_count: 0 }])
  })
})

async function claim(jobId: JobId): Promise<Lease> {
  const claimed = await stores.leases.claim(jobId, 'worker')
  if (claimed === null) throw new Error(`${jobId} could not be claimed`)
  return { jobId, leaseEpoch: claimed.leaseEpoch }
}

async function read(jobId: JobId) {
  const job = await stores.jobs.find(projectId, jobId)
  if (job === null) throw new Error(`${jobId} is gone`)
  return job
}

async function history(jobId: JobId) {
  return (await stores.jobs.metrics(jobId, { maxPoints: 100, bestEpoch: null })).rows
}

function progress(...epochs: number[]) {
  return {
    metrics: epochs.map((epoch) => makeEpochMetrics(epoch)),
    layers: epochs.map((epoch) => makeEpochLayers(epoch)),
    epoch: epochs.at(-1) ?? 0,
    best: null,
  }
}

function succeeded(): Finish {
  return {
    status: 'succeeded',
    stopReason: 'epochs_completed',
    error: null,
    final: null,
    best: null,
    metrics: [],
    layers: [],
    manifest: null,
    weights: [],
  }
}
