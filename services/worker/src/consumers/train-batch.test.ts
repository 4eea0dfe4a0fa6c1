/** Trials that share a thread: what of them is written when, and what is not. */
import { createId, type Job, type SweepId } from '@trainyard/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeNewSweep } from '../../../../test/support/factories.ts'
import { waitFor } from '../../../../test/support/wait-for.ts'
import { makeXorRows, openTestWorker, type TestWorker } from '../worker-deps.fixture.ts'
import { makeTakeDelivery } from './take-delivery.ts'
import { type JobTrainer, makeJobTrainer } from './train-job.ts'

/** Long enough together for a write while they train. */
const EPOCHS = 3000
const TRIALS = 4

let worker: TestWorker

beforeAll(async () => {
  worker = await openTestWorker()
})

afterAll(() => worker.stop())

it('leaves trials to their leases when a bug keeps their results from being stored, and lives on', async () => {
  const trials = await insertTrials(EPOCHS)
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

it('takes the next delivery while a batch is written, and not another one while that goes on', async () => {
  const batches = [await insertTrials(9), await insertTrials(9), await insertTrials(9)]
  const [first, second, third] = batches.map(([trial]) => trial?.id as Job['id'])
  const gate = Promise.withResolvers<void>()
  const trainer = makeJobTrainer({
    ...worker.deps,
    trialLeases: {
      ...worker.deps.trialLeases,
      async finishMany(finishes) {
        await gate.promise
        return await worker.deps.trialLeases.finishMany(finishes)
      },
    },
  })
  let trained = 0
  const counting: Pick<JobTrainer, 'train'> = {
    train: (jobId, onTrained) =>
      trainer.train(jobId, () => {
        trained += 1
        onTrained?.()
      }),
  }
  const take = makeTakeDelivery(counting, worker.deps.log)
  const statusesOf = async (trials: readonly Job[] = []) => {
    const ids = trials.map(({ id }) => id)
    const rows = await worker.stores.database.job.findMany({ where: { id: { in: ids } } })
    return new Set(rows.map(({ status }) => status))
  }

  await take(first as Job['id'])
  const whileWritten = await statusesOf(batches[0])
  const others = [take(second as Job['id']), take(third as Job['id'])]
  let taken = 0
  for (const other of others) {
    other.then(() => {
      taken += 1
    })
  }
  await waitFor('both are trained', () => trained === batches.length)
  const takenWhileWritten = taken
  gate.resolve()
  await Promise.all(others)
  await trainer.drain()

  expect(whileWritten).toEqual(new Set(['running']))
  expect(takenWhileWritten).toBe(0)
  for (const trials of batches) expect(await statusesOf(trials)).toEqual(new Set(['succeeded']))
})

it('ends trials in seconds whose weights cannot be stored, when their sweep is cancelled', async () => {
  // Weights that no other trial has stored.
  const trials = await insertTrials(7)
  worker.logged.length = 0
  const trainer = makeJobTrainer({ ...worker.deps, blobs: worker.lostBlobs, renewEveryMs: 100 })
  const delivery = trainer.train(trials[0]?.id as Job['id'])
  await waitFor('a try that fails', () => worker.logged.some((line) => /tried again/.test(line)))

  const ids = trials.map(({ id }) => id)
  const [first] = await worker.stores.database.job.findMany({ where: { id: { in: ids } } })
  await worker.stores.sweepRuns.cancelJobs(first?.sweepId as SweepId)
  await delivery

  for (const trial of trials) {
    const ended = await worker.read(trial)
    expect(ended).toMatchObject({ status: 'cancelled', weights: null, epoch: 7 })
  }
})

it('ends a trial in seconds that is cancelled by itself while the weights of the others wait to be stored', async () => {
  const trials = await insertTrials(8)
  worker.logged.length = 0
  const trainer = makeJobTrainer({ ...worker.deps, blobs: worker.lostBlobs, renewEveryMs: 100 })
  const delivery = trainer.train(trials[0]?.id as Job['id'])
  await waitFor('a try that fails', () => worker.logged.some((line) => /tried again/.test(line)))

  const [one, ...others] = trials as [Job, ...Job[]]
  await worker.stores.jobs.cancel(worker.projectId, one.id)
  await waitFor('its end', async () => (await worker.read(one)).status === 'cancelled')
  const waiting = await Promise.all(others.map(async (trial) => (await worker.read(trial)).status))
  await Promise.all(
    others.map((trial) => worker.stores.jobs.cancel(worker.projectId, trial.id, 'force')),
  )
  await delivery

  expect(waiting).toEqual(others.map(() => 'running'))
})

it('gives trials back, and counts no death, when what they are trained on cannot be read', async () => {
  const trials = await insertTrials(9)
  const trainer = makeJobTrainer({
    ...worker.deps,
    datasets: worker.lostDatasets,
    renewEveryMs: 50,
  })

  await trainer.train(trials[0]?.id as Job['id'])

  const ids = trials.map(({ id }) => id)
  const rows = await worker.stores.database.job.findMany({ where: { id: { in: ids } } })
  expect(rows.map(({ status, crashCount }) => [status, crashCount])).toEqual(
    trials.map(() => ['queued', 0]),
  )
})

async function insertTrials(epochs: number): Promise<Job[]> {
  const dataset = await worker.insertDataset(makeXorRows(40))
  const sweepId = createId('sweep')
  const { stores, projectId } = worker
  await stores.sweeps.insert(makeNewSweep(sweepId, projectId, dataset.id), null)
  await stores.database.sweep.update({ where: { id: sweepId }, data: { status: 'running' } })
  await stores.workers.heartbeat({ id: worker.deps.workerId, slots: 1 })
  const trials: Job[] = []
  for (let trialIndex = 0; trialIndex < TRIALS; trialIndex++) {
    const job = await worker.insertJob(dataset, (resolved) => {
      resolved.training.epochs = epochs
    })
    await stores.database.job.update({
      where: { id: job.id },
      data: { sweepId, trialIndex, repeat: 0, expectedMs: 50 },
    })
    trials.push(job)
  }
  return trials
}
