/** What a thread can do to a job, done for real, beside a neighbour that must not notice. */
import type { Dataset, Job } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../../../test/support/wait-for.ts'
import { FAULT_SEEDS } from '../threads/faulty.thread.fixture.ts'
import { startMemoryWatch } from '../training/memory-watch.ts'
import { openTrainingThreads, type TrainingThreads } from '../training/training-threads.ts'
import { makeXorRows, openTestWorker, type TestWorker } from '../worker-deps.fixture.ts'
import { type JobTrainer, makeJobTrainer } from './train-job.ts'

/** 85 % of limits of some GB leave more room to whoever hoards than its looks take. */
const HOARD_BYTES_MAX = 1e9

let worker: TestWorker
let threads: TrainingThreads
let trainer: JobTrainer
let xor: Dataset
/** As no fault has touched it. */
let undisturbed: Job

beforeAll(async () => {
  worker = await openTestWorker()
  threads = await openTrainingThreads(
    2,
    new URL('../threads/faulty.thread.fixture.ts', import.meta.url),
  )
  trainer = makeJobTrainer({ ...worker.deps, threads })
  xor = await worker.insertDataset(makeXorRows(40))
  const job = await insertNeighbour()
  await trainer.train(job.id)
  undisturbed = await worker.read(job)
})

afterAll(async () => {
  await trainer.drain()
  await threads.close()
  await worker.stop()
})

describe('a thread that', { timeout: 60_000 }, () => {
  it.each([
    ['throws', 'internal'],
    ['rejects_beside', 'internal'],
    ['fills_the_heap', 'out_of_memory'],
  ] as const)('%s fails its job as %s at the first attempt, and no other', async (fault, code) => {
    const [faulty, neighbour] = [await insertFaulty(fault), await insertNeighbour()]

    await Promise.all([trainer.train(faulty.id), trainer.train(neighbour.id)])

    expect(await worker.read(faulty)).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code },
    })
    await expectUndisturbed(neighbour)
  })

  it('hoards typed arrays beyond its plan fails as out_of_memory before the process is full, and no other', async () => {
    const limitBytes = process.memoryUsage.rss() + HOARD_BYTES_MAX
    const watch = startMemoryWatch({ limitBytes, jobs: trainer.running, log: worker.deps.log })
    const [faulty, neighbour] = [await insertFaulty('hoards'), await insertNeighbour()]
    let mostBytes = 0
    const looking = setInterval(() => {
      mostBytes = Math.max(mostBytes, process.memoryUsage.rss())
    }, 20)

    await Promise.all([trainer.train(faulty.id), trainer.train(neighbour.id)])
    clearInterval(looking)
    watch.stop()

    const { status, attempt, error } = await worker.read(faulty)
    expect([status, attempt, error?.code]).toEqual(['failed', 1, 'out_of_memory'])
    expect(error?.message).toMatch(/held \d+ MiB more than was planned/)
    expect(mostBytes).toBeLessThan(limitBytes)
    await expectUndisturbed(neighbour)
  })

  it('keeps to its plan is not ended for its memory, however short it is, and that is told once', async () => {
    worker.logged.length = 0
    const watch = startMemoryWatch({ limitBytes: 1, jobs: trainer.running, log: worker.deps.log })
    const neighbour = await insertNeighbour()

    await trainer.train(neighbour.id)
    await waitFor('a look', () => worker.logged.some((message) => message.includes('short')))
    watch.stop()

    await expectUndisturbed(neighbour)
    expect(worker.logged.filter((message) => message.includes('memory'))).toEqual([
      'memory is short, and every job keeps to its plan',
    ])
  })

  it('exits is a death of its job alone, which is tried again', async () => {
    const [faulty, neighbour] = [await insertFaulty('exits'), await insertNeighbour()]

    await Promise.all([trainer.train(faulty.id), trainer.train(neighbour.id)])

    const row = await worker.stores.database.job.findUniqueOrThrow({ where: { id: faulty.id } })
    expect([row.status, row.crashCount]).toEqual(['queued', 1])
    const events = await worker.stores.jobs.events(faulty.id, 0, 10)
    expect(events.at(-1)).toMatchObject({
      type: 'job.retrying',
      data: { status: 'queued', reason: 'thread_lost' },
    })
    await expectUndisturbed(neighbour)
  })

  it.each([
    ['a cancel', null],
    ['a cancel after a pause, which would have waited longer', 'pause'],
  ] as const)(
    'never ends its batch is ended within 1.5 s of %s, and another takes its place',
    async (_, before) => {
      const faulty = await insertFaulty('never_ends')
      const delivery = trainer.train(faulty.id)
      await waitFor('the claim', async () => (await worker.read(faulty)).status === 'running')
      const neighbour = await insertNeighbour()
      if (before !== null) {
        await worker.stores.jobs.pause(worker.projectId, faulty.id)
        trainer.stop(faulty.id, before)
      }

      await worker.stores.jobs.cancel(worker.projectId, faulty.id)
      const askedMs = performance.now()
      trainer.stop(faulty.id, 'cancel')
      await delivery
      const tookMs = performance.now() - askedMs
      await trainer.train(neighbour.id)

      expect(tookMs).toBeLessThan(1500)
      expect(await worker.read(faulty)).toMatchObject({
        status: 'cancelled',
        stop_reason: 'cancelled',
        error: null,
        weights: null,
      })
      await expectUndisturbed(neighbour)
    },
  )

  it('never ends its batch does not keep a drain from giving the job back', async () => {
    const faulty = await insertFaulty('never_ends')
    const draining = makeJobTrainer({ ...worker.deps, threads })
    const delivery = draining.train(faulty.id)
    await waitFor('the claim', async () => (await worker.read(faulty)).status === 'running')

    await draining.drain()
    await delivery

    const row = await worker.stores.database.job.findUniqueOrThrow({ where: { id: faulty.id } })
    expect([row.status, row.crashCount, row.leaseUntil]).toEqual(['queued', 0, null])
  })
})

function insertFaulty(fault: keyof typeof FAULT_SEEDS): Promise<Job> {
  return worker.insertJob(xor, (resolved) => {
    resolved.seed = FAULT_SEEDS[fault]
  })
}

function insertNeighbour(): Promise<Job> {
  return worker.insertJob(xor, (resolved) => {
    resolved.training.epochs = 3000
  })
}

async function expectUndisturbed(neighbour: Job): Promise<void> {
  const { status, weights, attempt } = await worker.read(neighbour)
  expect({ status, weights, attempt }).toEqual({
    status: 'succeeded',
    weights: undisturbed.weights,
    attempt: 1,
  })
}
