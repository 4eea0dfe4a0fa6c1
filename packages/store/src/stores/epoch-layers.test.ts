import type { EpochLayers, JobId } from '@trainyard/contracts'
import { detailToObserve, type Lease } from '@trainyard/domain'
import { expect, it } from 'vitest'
import {
  expireLease,
  insertDataset,
  insertJob,
  insertProject,
  makeEpochLayers,
  makeEpochMetrics,
} from '../../../../test/support/factories.ts'
import { useTestStores } from '../../../../test/support/use-stores.ts'

const stores = useTestStores()

it('keeps what was observed bit for bit, in the order of the epochs', async () => {
  const lease = await startJob()
  const observed = [makeEpochLayers(0), makeEpochLayers(1), makeEpochLayers(2, false)]

  await report(lease, observed.slice(0, 1), 1)
  await report(lease, observed.slice(1), 2)

  expect(await stores.jobs.layers(lease.jobId)).toEqual(observed)
})

it('keeps at most 200 of a hundred thousand epochs, and histograms of at most 20, with both ends', async () => {
  const lease = await startJob()
  const epochs = 100_000
  let most = 0
  for (let from = 0; from < epochs; from += 5000) {
    const observed: EpochLayers[] = []
    for (let epoch = from === 0 ? 0 : from + 1; epoch <= from + 5000; epoch++) {
      const detail = detailToObserve(epoch, epochs)
      if (detail !== null) observed.push(makeEpochLayers(epoch, detail === 'histograms'))
    }
    await report(lease, observed, from + 5000)
    most = Math.max(most, (await stores.jobs.layers(lease.jobId)).length)
  }

  const kept = await stores.jobs.layers(lease.jobId)
  const numbers = kept.map(({ epoch }) => epoch)
  const withHistograms = kept.filter(({ layers }) => layers.every(({ histograms }) => histograms))
  expect(most).toBeLessThanOrEqual(200)
  expect(kept.length).toBeGreaterThan(100)
  expect([numbers[0], numbers[1], numbers.at(-1)]).toEqual([0, 1, epochs])
  expect(new Set(numbers.slice(2, -1).map((epoch) => epoch % 512))).toEqual(new Set([0]))
  expect(withHistograms.length).toBeLessThanOrEqual(20)
  expect(withHistograms.length).toBeGreaterThan(10)
  expect(withHistograms.map(({ epoch }) => epoch)).toEqual(expect.arrayContaining([0, 1, epochs]))
})

it('starts a second attempt with none, and has none of a job that has not begun', async () => {
  const lease = await startJob()
  await report(lease, [makeEpochLayers(0), makeEpochLayers(1)], 1)
  await expireLease(stores, lease.jobId)
  await stores.dispatch.recoverDeadLeases()

  await claim(lease.jobId)

  expect(await stores.jobs.layers(lease.jobId)).toEqual([])
})

it('takes the rest with the terminal state', async () => {
  const lease = await startJob()
  await report(lease, [makeEpochLayers(0), makeEpochLayers(1)], 1)

  await stores.leases.finish(lease, {
    status: 'succeeded',
    stopReason: 'epochs_completed',
    error: null,
    final: null,
    best: null,
    metrics: [makeEpochMetrics(2)],
    layers: [makeEpochLayers(2)],
    manifest: null,
    weights: [],
  })

  expect((await stores.jobs.layers(lease.jobId)).map(({ epoch }) => epoch)).toEqual([0, 1, 2])
})

async function report(lease: Lease, layers: EpochLayers[], epoch: number): Promise<void> {
  const metrics = [makeEpochMetrics(epoch)]
  const answer = await stores.leases.report(lease, { metrics, layers, epoch, best: null })
  expect(answer).toBe('go_on')
}

async function startJob(): Promise<Lease> {
  const projectId = await insertProject(stores)
  const dataset = await insertDataset(stores, projectId)
  return await claim((await insertJob(stores, projectId, dataset.id)).id)
}

async function claim(jobId: JobId): Promise<Lease> {
  const claimed = await stores.leases.claim(jobId, 'worker')
  if (claimed === null) throw new Error(`${jobId} could not be claimed`)
  return { jobId, leaseEpoch: claimed.leaseEpoch }
}
