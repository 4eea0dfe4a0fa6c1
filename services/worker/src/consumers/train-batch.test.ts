/** Trials that share a thread, where their results cannot be stored. */
import { createId, type Job } from '@trainyard/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeNewSweep } from '../../../../test/support/factories.ts'
import { makeXorRows, openTestWorker, type TestWorker } from '../worker-deps.fixture.ts'
import { makeJobTrainer } from './train-job.ts'

/** Long enough together for a write while they train. */
const EPOCHS = 3000
const TRIALS = 4

let worker: TestWorker

beforeAll(async () => {
  worker = await openTestWorker()
})

afterAll(() => worker.stop())

it('leaves trials to their leases when a bug keeps their results from being stored, and lives on', async () => {
  const trials = await insertTrials()
  let renewals = 0
  const trainer = makeJobTrainer({
    ...worker.deps,
    renewEveryMs: 50,
    trialLeases: {
      ...worker.deps.trialLeases,
      async renew(leases) {
        renewals += 1
        return await worker.deps.trialLeases.renew(leases)
      },
      async finishMany() {
        throw new Error('a bug')
      },
    },
  })

  const [delivery] = await Promise.allSettled([trainer.train(trials[0]?.id as Job['id'])])
  const renewedBefore = renewals
  await trainer.drain()
  const later = await worker.insertJob(await worker.insertDataset(makeXorRows(40)))
  await makeJobTrainer(worker.deps).train(later.id)

  expect(delivery.status).toBe('rejected')
  expect(renewedBefore).toBeGreaterThan(0)
  expect(renewals).toBe(renewedBefore)
  const rows = await worker.stores.database.job.findMany({
    where: { id: { in: trials.map(({ id }) => id) } },
  })
  expect(rows.map(({ status }) => status)).toEqual(trials.map(() => 'running'))
})

async function insertTrials(): Promise<Job[]> {
  const dataset = await worker.insertDataset(makeXorRows(40))
  const sweepId = createId('sweep')
  const { stores, projectId } = worker
  await stores.sweeps.insert(makeNewSweep(sweepId, projectId, dataset.id), null)
  await stores.database.sweep.update({ where: { id: sweepId }, data: { status: 'running' } })
  await stores.workers.heartbeat({ id: worker.deps.workerId, slots: 1 })
  const trials: Job[] = []
  for (let trialIndex = 0; trialIndex < TRIALS; trialIndex++) {
    const job = await worker.insertJob(dataset, (resolved) => {
      resolved.training.epochs = EPOCHS
    })
    await stores.database.job.update({
      where: { id: job.id },
      data: { sweepId, trialIndex, repeat: 0, expectedMs: 50 },
    })
    trials.push(job)
  }
  return trials
}
