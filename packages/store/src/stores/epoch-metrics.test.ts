import { createId, type EpochMetrics, type JobId } from '@trainyard/contracts'
import { expect, it } from 'vitest'
import {
  insertDataset,
  insertJob,
  insertProject,
  makeEpochMetrics,
} from '../../../../test/support/factories.ts'
import { useTestStores } from '../../../../test/support/use-stores.ts'

const stores = useTestStores()

it.each([3, 4, 7, 100, 999])(
  'keeps the first, the last and the best of ten thousand within %i points',
  async (maxPoints) => {
    const id = await insertHistory(10_000)

    const { rows, totalEpochs } = await stores.jobs.metrics(id, { maxPoints, bestEpoch: 4321 })

    const epochs = rows.map((row) => row.epoch)
    expect(totalEpochs).toBe(10_000)
    expect(epochs.length).toBeLessThanOrEqual(maxPoints)
    expect(epochs).toEqual(expect.arrayContaining([1, 4321, 10_000]))
    expect(epochs).toEqual(epochs.toSorted((a, b) => a - b))
  },
)

it('keeps a spike of one epoch, up or down, in either loss', async () => {
  const spikes = new Map<number, Partial<EpochMetrics>>([
    [1111, { train_loss: 50 }],
    [3333, { train_loss: 0.001 }],
    [5555, { val_loss: 50 }],
    [7777, { val_loss: 0.001 }],
  ])
  const id = await insertHistory(10_000, (epoch) => ({
    train_loss: 1,
    val_loss: 1,
    ...spikes.get(epoch),
  }))

  const { rows } = await stores.jobs.metrics(id, { maxPoints: 100, bestEpoch: null })

  const epochs = rows.map((row) => row.epoch)
  expect(epochs).toEqual(expect.arrayContaining([...spikes.keys()]))
})

it('gives a short history as it is, and none of a job without epochs', async () => {
  const id = await insertHistory(10)
  const empty = await insertHistory(0)
  const thinning = { maxPoints: 10, bestEpoch: 5 }

  expect((await stores.jobs.metrics(id, thinning)).rows).toEqual(
    Array.from({ length: 10 }, (_, i) => makeEpochMetrics(i + 1)),
  )
  expect(await stores.jobs.metrics(empty, thinning)).toEqual({ rows: [], totalEpochs: 0 })
})

async function insertHistory(
  epochs: number,
  change: (epoch: number) => Partial<EpochMetrics> = () => ({}),
): Promise<JobId> {
  const projectId = await insertProject(stores)
  const { id: datasetId } = await insertDataset(stores, projectId)
  const { id } = await insertJob(stores, projectId, datasetId, { id: createId('job') })
  const claimed = await stores.leases.claim(id, 'worker')
  const lease = { jobId: id, leaseEpoch: claimed?.leaseEpoch ?? 0 }
  const metrics = Array.from({ length: epochs }, (_, i) => makeEpochMetrics(i + 1, change(i + 1)))
  for (let from = 0; from < epochs; from += 5000) {
    const part = metrics.slice(from, from + 5000)
    const epoch = from + part.length
    await stores.leases.report(lease, { metrics: part, layers: [], epoch, best: null })
  }
  return id
}
