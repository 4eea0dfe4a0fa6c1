/** What comes of jobs that go on from others, or train them again. */
import type { Dataset, Job, ResolvedConfig } from '@trainyard/contracts'
import type { JobDerivation } from '@trainyard/domain'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeNewJob } from '../../../../test/support/factories.ts'
import { makeXorRows, openTestWorker, type TestWorker } from '../worker-deps.fixture.ts'
import { type JobTrainer, makeJobTrainer } from './train-job.ts'

const EPOCHS = 40

let worker: TestWorker
let trainer: JobTrainer
let xor: Dataset

beforeAll(async () => {
  worker = await openTestWorker()
  trainer = makeJobTrainer(worker.deps)
  xor = await worker.insertDataset(makeXorRows(40))
})

afterAll(async () => {
  await trainer.drain()
  await worker.stop()
})

describe('a fork', () => {
  it('of the end, for more epochs, has the weights and the history of a job that had them from the start', async () => {
    const [short, long] = [await trainNew(configure(EPOCHS)), await trainNew(configure(2 * EPOCHS))]
    const [end] = await worker.stores.checkpoints.list(short.id)

    const fork = await forkOf(short, configure(2 * EPOCHS))

    expect(end).toMatchObject({ epoch: EPOCHS, step_number: EPOCHS * 10 })
    expect(fork).toMatchObject({ status: 'succeeded', stop_reason: 'epochs_completed' })
    expect(fork.weights).toEqual(long.weights)
    expect(await readMetrics(fork)).toEqual(await readMetrics(long))
    expect([fork.best, fork.final]).toEqual([long.best, long.final])
  })

  it('begins where the checkpoint is and trains with its own settings', async () => {
    const parent = await trainNew(configure(EPOCHS))
    const slower = configure(EPOCHS + 5)
    slower.training.optimizer = { ...slower.training.optimizer, learning_rate: 1e-30 }

    const fork = await forkOf(parent, slower)

    const rows = await readMetrics(fork)
    expect(rows.map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: EPOCHS + 5 }, (_, i) => i + 1),
    )
    expect(rows.slice(0, EPOCHS)).toEqual(await readMetrics(parent))
    expect(rows.at(-1)?.learning_rate).toBe(1e-30)
    // At a rate of nothing the weights stay those of the checkpoint.
    expect(fork.weights?.last.sha256).toBe(parent.weights?.last.sha256)
  })

  it('goes on after an early stop that it was not given', async () => {
    const parent = await trainNew(configure(EPOCHS), (resolved) => {
      resolved.training.early_stopping = { metric: 'train_loss', patience: 2, min_delta: 1e9 }
    })

    const fork = await forkOf(parent, configure(EPOCHS))

    expect(parent).toMatchObject({ stop_reason: 'early_stopping', epoch: 3 })
    expect(fork).toMatchObject({ stop_reason: 'epochs_completed', epoch: EPOCHS })
    expect(fork.weights).toEqual((await trainNew(configure(EPOCHS))).weights)
  })

  it('fails by name where its checkpoint is damaged, rather than begin at the beginning', async () => {
    const parent = await trainNew(configure(EPOCHS))
    const fork = await insertFork(parent, configure(2 * EPOCHS))
    await worker.stores.database.$executeRaw`
      UPDATE checkpoint_chunks SET data = set_byte(data, 100, get_byte(data, 100) # 1) WHERE job_id = ${fork.id}`

    await trainer.train(fork.id)
    await trainer.train(fork.id)

    expect(await worker.read(fork)).toMatchObject({
      status: 'failed',
      error: { code: 'checkpoint_lost' },
    })
  })

  it('is verified from where it began', async () => {
    const parent = await trainNew(configure(EPOCHS))
    const fork = await forkOf(parent, configure(2 * EPOCHS))

    const again = await insertDerived(fork, fork.resolved_config, {
      origin: 'verify',
      parentJobId: fork.id,
    })
    await trainer.train(again.id)

    expect((await worker.read(fork)).verification).toMatchObject({
      job_id: again.id,
      outcome: 'identical',
    })
  })
})

describe('a verification', () => {
  it('finds the same bytes when the same is trained again', async () => {
    const parent = await trainNew(configure(EPOCHS))

    const again = await insertDerived(parent, parent.resolved_config, {
      origin: 'verify',
      parentJobId: parent.id,
    })
    await trainer.train(again.id)

    const { verification, status } = await worker.read(parent)
    expect(status).toBe('succeeded')
    expect(verification).toMatchObject({ job_id: again.id, outcome: 'identical', differences: [] })
  })

  it('finds what differs', async () => {
    const parent = await trainNew(configure(EPOCHS))

    const other = { ...parent.resolved_config, seed: 8 }
    const again = await insertDerived(parent, other, { origin: 'verify', parentJobId: parent.id })
    await trainer.train(again.id)

    expect((await worker.read(parent)).verification).toMatchObject({
      outcome: 'different',
      differences: ['weights.best', 'weights.last', 'metrics'],
    })
  })
})

/** Forty rows in batches of four. */
function configure(epochs: number): ResolvedConfig {
  const { resolvedConfig } = makeNewJob(worker.projectId, xor.id)
  resolvedConfig.training.epochs = epochs
  return resolvedConfig
}

async function trainNew(
  resolved: ResolvedConfig,
  change: (resolved: ResolvedConfig) => void = () => undefined,
): Promise<Job> {
  const job = await worker.insertJob(xor, (given) => {
    Object.assign(given, resolved)
    change(given)
  })
  await trainer.train(job.id)
  return await worker.read(job)
}

async function insertFork(parent: Job, resolved: ResolvedConfig): Promise<Job> {
  const [newest] = await worker.stores.checkpoints.list(parent.id)
  if (newest === undefined) throw new Error(`${parent.id} has no checkpoint`)
  return await insertDerived(parent, resolved, {
    origin: 'fork',
    parentJobId: parent.id,
    checkpointId: newest.id,
  })
}

async function forkOf(parent: Job, resolved: ResolvedConfig): Promise<Job> {
  const fork = await insertFork(parent, resolved)
  await trainer.train(fork.id)
  return await worker.read(fork)
}

async function insertDerived(
  parent: Job,
  resolvedConfig: ResolvedConfig,
  derivation: JobDerivation,
): Promise<Job> {
  const job = makeNewJob(worker.projectId, parent.dataset_id, { resolvedConfig, derivation })
  const inserted = await worker.stores.jobs.insert(job, null)
  if (inserted.kind === 'replayed') throw new Error('a request without a key is no replay')
  return inserted.result
}

async function readMetrics(job: Job) {
  const all = { maxPoints: 1_000_000, bestEpoch: null }
  const { rows } = await worker.stores.jobs.metrics(job.id, all)
  return rows.map(({ duration_ms: _, examples_per_second: __, ...bits }) => bits)
}
