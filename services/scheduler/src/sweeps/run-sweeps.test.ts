import { createId, type SweepSpec } from '@trainyard/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { insertDataset, insertProject } from '../../../../test/support/factories.ts'
import { openTestScheduler, type TestScheduler } from '../scheduler-deps.fixture.ts'
import { makeRunSweeps } from './run-sweeps.ts'
import { LEARNING_RATE, OBJECTIVE } from './running-sweep.fixture.ts'

let scheduler: TestScheduler

beforeAll(async () => {
  scheduler = await openTestScheduler('postgres')
  await scheduler.stores.workers.heartbeat({ id: 'a', slots: 2 })
})

afterAll(() => scheduler.stop())

it('fails a sweep that can no longer be carried on, with a word, and leaves no trial of it open', async () => {
  const { stores } = scheduler
  const projectId = await insertProject(stores)
  const dataset = await insertDataset(stores, projectId)
  const sweepId = await insertSweep(projectId, dataset.id)
  const round = makeRunSweeps(scheduler.deps)
  while (await round()) {
    // Until its first trials wait for a worker.
  }
  const before = await statusesOf(sweepId)

  await stores.database.$executeRaw`
    UPDATE sweeps SET config = jsonb_set(config::jsonb, '{base,dataset_id}', '"ds_gone"')::json WHERE id = ${sweepId}`
  await makeRunSweeps(scheduler.deps)()

  expect(before).toEqual({ trials: new Set(['waiting']), jobs: new Set(['queued']) })
  expect(await statusesOf(sweepId)).toEqual({
    trials: new Set(['cancelled']),
    jobs: new Set(['cancelled']),
  })
  expect(await stores.sweeps.find(projectId, sweepId)).toMatchObject({
    status: 'failed',
    error: { code: 'invalid_config', message: 'the data set ds_gone is gone' },
  })
})

it('carries the others on where one sweep cannot be looked at', async () => {
  const { stores } = scheduler
  const projectId = await insertProject(stores)
  const dataset = await insertDataset(stores, projectId)
  const [broken, sound] = [
    await insertSweep(projectId, dataset.id),
    await insertSweep(projectId, dataset.id),
  ]
  await stores.database.$executeRaw`UPDATE sweeps SET config = '{}' WHERE id = ${broken}`
  const round = makeRunSweeps(scheduler.deps)

  await expect(round()).rejects.toThrow(TypeError)
  await expect(round()).rejects.toThrow(TypeError)

  expect((await statusesOf(sound)).trials).toEqual(new Set(['waiting']))
  await stores.sweeps.command(projectId, broken, 'cancel')
})

it('pauses a sweep of which a training was paused by itself', async () => {
  const { stores } = scheduler
  const projectId = await insertProject(stores)
  const sweepId = await insertSweep(projectId, (await insertDataset(stores, projectId)).id)
  const round = makeRunSweeps(scheduler.deps)
  while (await round()) {
    // Until its first trials wait for a worker.
  }
  await stores.database
    .$executeRaw`UPDATE jobs SET status = 'paused' WHERE sweep_id = ${sweepId} AND trial_index = 0`

  await stores.sweeps.command(projectId, sweepId, 'pause')
  await round()

  expect(await stores.sweeps.find(projectId, sweepId)).toMatchObject({ status: 'paused' })
})

async function insertSweep(
  projectId: Awaited<ReturnType<typeof insertProject>>,
  datasetId: Awaited<ReturnType<typeof insertDataset>>['id'],
) {
  const config: SweepSpec = {
    base: { dataset_id: datasetId, training: { epochs: 9 } },
    parameters: { [LEARNING_RATE]: { distribution: 'log_uniform', min: 1e-4, max: 1e-1 } },
  }
  const id = createId('sweep')
  const sweep = { id, projectId, datasetId, config, objective: OBJECTIVE, metadata: {} }
  const search = { method: 'random', seed: 7, repeats: 1, maxTrials: 4 } as const
  await scheduler.stores.sweeps.insert(
    { ...sweep, ...search, name: null, engineVersion: '1' },
    null,
  )
  return id
}

async function statusesOf(sweepId: string) {
  const { database } = scheduler.stores
  const read = async (query: Promise<{ status: string }[]>) =>
    new Set((await query).map(({ status }) => status))
  return {
    trials: await read(
      database.$queryRaw`SELECT status FROM sweep_trials WHERE sweep_id = ${sweepId}`,
    ),
    jobs: await read(database.$queryRaw`SELECT status FROM jobs WHERE sweep_id = ${sweepId}`),
  }
}
