/** A job that two workers in a row have died of, or beside. */
import type { Dataset, Job, ResolvedConfig } from '@trainyard/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitFor } from '../../../../test/support/wait-for.ts'
import { makeXorRows, openTestWorker, type TestWorker } from '../worker-deps.fixture.ts'
import { type JobTrainer, makeJobTrainer } from './train-job.ts'

let worker: TestWorker
let trainer: JobTrainer
/** A thousand batches an epoch. */
let slowXor: Dataset

beforeAll(async () => {
  worker = await openTestWorker()
  trainer = makeJobTrainer(worker.deps)
  slowXor = await worker.insertDataset(makeXorRows(4000))
})

afterAll(async () => {
  await trainer.drain()
  await worker.stop()
})

it('runs with nobody beside it until it has a checkpoint, and those that made way go on then', async () => {
  const neighbours = [await insertEndless(), await insertEndless()]
  const delivered = neighbours.map((job) => trainer.train(job.id))
  await Promise.all(neighbours.map((job) => untilEpoch(job, 1)))
  const suspect = await insertEndless((resolved) => {
    resolved.checkpoint.every_seconds = 1
  })
  // Beyond any batch it will reach here: only a checkpoint acquits it.
  await worker.stores.database.$executeRaw`
    UPDATE jobs SET crash_count = 2, furthest_batch = 1000000000 WHERE id = ${suspect.id}`

  const suspected = trainer.train(suspect.id)
  await untilEpoch(suspect, 1)
  const aside = await Promise.all(neighbours.map(readRow))
  const again = neighbours.map((job) => trainer.train(job.id))
  await untilEpoch(suspect, 2)
  const whileAlone = await Promise.all(neighbours.map(readRow))
  await waitFor('those that made way', async () => {
    const rows = await Promise.all(neighbours.map(readRow))
    return rows.some((row) => row.status === 'running' && row.attempt === 2)
  })
  const acquitted = await readRow(suspect)

  expect(aside.map((row) => [row.status, row.crashCount])).toEqual([
    ['queued', 0],
    ['queued', 0],
  ])
  expect(whileAlone.map((row) => [row.status, row.attempt])).toEqual([
    ['queued', 1],
    ['queued', 1],
  ])
  expect([acquitted.status, acquitted.crashCount]).toEqual(['running', 0])
  const events = await worker.stores.jobs.events(neighbours[0]?.id as Job['id'], 0, 100_000)
  expect(events.filter(({ type }) => type === 'job.retrying').map(({ data }) => data)).toEqual([
    { status: 'queued', reason: 'made_way' },
  ])
  await trainer.drain()
  await Promise.all([...delivered, suspected, ...again])
})

function insertEndless(change: (resolved: ResolvedConfig) => void = () => undefined) {
  return worker.insertJob(slowXor, (resolved) => {
    resolved.training.epochs = 100_000
    change(resolved)
  })
}

function readRow(job: Job) {
  return worker.stores.database.job.findUniqueOrThrow({ where: { id: job.id } })
}

async function untilEpoch(job: Job, epoch: number): Promise<void> {
  await waitFor(`epoch ${epoch} of ${job.id}`, async () => (await readRow(job)).epoch >= epoch)
}
