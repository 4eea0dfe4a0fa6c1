/** What an attempt leaves for the next. An undisturbed job of the same seed says what must come out. */
import type { Dataset, Job, ResolvedConfig } from '@trainyard/contracts'
import { createLeases } from '@trainyard/store'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTcpProxy } from '../../../../test/faults/rig/tcp-proxy.ts'
import { expireLease, openTestStores } from '../../../../test/support/factories.ts'
import { waitFor } from '../../../../test/support/wait-for.ts'
import type { WorkerDeps } from '../deps.ts'
import { makeXorRows, openTestWorker, type TestWorker } from '../worker-deps.fixture.ts'
import { type JobTrainer, makeJobTrainer } from './train-job.ts'

let worker: TestWorker
let xor: Dataset
let undisturbed: Awaited<ReturnType<typeof readResult>>
let trainers: JobTrainer[] = []

beforeAll(async () => {
  worker = await openTestWorker()
  xor = await worker.insertDataset(makeXorRows(4000))
  const job = await insertLongJob()
  await startTrainer().train(job.id)
  undisturbed = await readResult(job)
}, 60_000)

afterEach(async () => {
  await Promise.all(trainers.map((trainer) => trainer.drain()))
  trainers = []
})

afterAll(() => worker.stop())

describe('a job that is interrupted', { timeout: 30_000 }, () => {
  it('goes on at the very batch after a drain, to the result of an undisturbed one', async () => {
    const job = await insertLongJob()
    const first = startTrainer()
    const delivery = first.train(job.id)
    await untilEpoch(job, 3)
    await first.drain()
    await delivery
    const { crashCount, epoch: givenBackAt, status } = await readRow(job)
    const [checkpoint] = await readCheckpoints(job)

    await startTrainer().train(job.id)

    expect([status, crashCount]).toEqual(['queued', 0])
    expect(checkpoint?.progress).toMatchObject({ epoch: givenBackAt })
    await expectSameResult(job)
    const epochs = await epochsOfSecondAttempt(job)
    expect(epochs[0]).toBeGreaterThan(givenBackAt)
  })

  it('goes on from its last checkpoint after its worker was lost', async () => {
    const job = await insertLongJob((resolved) => {
      resolved.checkpoint.every_seconds = 0.1
    })
    const lost = startTrainer({ leases: { ...worker.deps.leases, report: reportUntilSilent() } })
    const delivery = lost.train(job.id)
    await waitFor('two checkpoints', async () => (await readCheckpoints(job)).length === 2)
    isSilent = true
    await expireLease(worker.stores, job.id)
    await worker.stores.dispatch.recoverDeadLeases()
    const newest = (await readCheckpoints(job))[0]?.progress as { epoch: number }

    await startTrainer().train(job.id)
    isSilent = false
    await delivery

    await expectSameResult(job)
    const epochs = await epochsOfSecondAttempt(job)
    expect(epochs[0]).toBeGreaterThan(newest.epoch)
    const ends = (await readCheckpoints(job)).map(({ step }) => step)
    expect([ends.length, ends[0]]).toEqual([2, 6000 * 1000])
  })

  it('goes on from the checkpoint before a damaged one, and starts again without any', async () => {
    const job = await insertLongJob()
    await interrupt(job)
    await interrupt(job)
    const before = await readCheckpoints(job)
    await damage(job, before[0]?.sha256)

    await startTrainer().train(job.id)
    const between = { ...(await readRow(job)), checkpoints: await readCheckpoints(job) }
    await damage(job, before[1]?.sha256)
    await startTrainer().train(job.id)
    const without = await readCheckpoints(job)
    await startTrainer().train(job.id)

    expect(before).toHaveLength(2)
    expect(between).toMatchObject({ status: 'queued', crashCount: 0, checkpoints: [before[1]] })
    expect(without).toEqual([])
    await expectSameResult(job)
  })

  it('starts again under another engine, with nothing left of the one before', async () => {
    const job = await insertLongJob()
    await interrupt(job)
    const other = createLeases(worker.stores.database, { leaseSeconds: 9, engine: 'another' })

    const claimed = await other.claim(job.id, 'worker 3')

    expect(claimed).toMatchObject({ checkpoint: null, folds: [] })
    expect(await readCheckpoints(job)).toEqual([])
    expect(await readMetrics(job)).toEqual([])
    expect(await worker.stores.jobs.layers(job.id)).toEqual([])
  })

  it('does not train its completed folds again', async () => {
    const byFolds = (resolved: ResolvedConfig) => {
      resolved.validation = { folds: 3, stratify: false, group_column: null }
      resolved.training.epochs = 100
    }
    const [job, whole] = [await insertLongJob(byFolds), await insertLongJob(byFolds)]
    const first = startTrainer()
    const delivery = first.train(job.id)
    await waitFor('a fold', async () => (await readFolds(job)).length >= 1)
    await first.drain()
    await delivery
    const kept = await readFolds(job)

    await Promise.all([startTrainer().train(job.id), startTrainer().train(whole.id)])

    const [resumed, expected] = [await worker.read(job), await worker.read(whole)]
    expect(kept.length).toBeGreaterThanOrEqual(1)
    expect(await readFolds(job)).toEqual(await readFolds(whole))
    expect(resumed.weights).toEqual(expected.weights)
    const events = await worker.stores.jobs.events(job.id, 0, 10_000)
    const folds = events.filter(({ type }) => type === 'job.fold_completed')
    expect(folds.map(({ data }) => (data as { fold: number }).fold)).toEqual([1, 2, 3])
  })
})

describe('a job that is paused', { timeout: 30_000 }, () => {
  it('goes on at the very batch when it is resumed, however often, to the same weights and metrics', async () => {
    const job = await insertLongJob()
    const steps: number[] = []
    for (let pause = 0; pause < 3; pause++) {
      await pauseAfterEpochs(job, 2)
      const { status, leaseOwner, crashCount } = await readRow(job)
      expect([status, leaseOwner, crashCount]).toEqual(['paused', null, 0])
      steps.push((await readCheckpoints(job))[0]?.step ?? 0)
      await worker.stores.jobs.resume(worker.projectId, job.id)
    }

    await startTrainer().train(job.id)

    expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b))
    await expectSameResult(job)
    const events = await worker.stores.jobs.events(job.id, 0, 100_000)
    const told = events
      .map(({ type }) => type)
      .filter((type) => /pausing|paused|resumed/.test(type))
    expect(told).toEqual(Array(3).fill(['job.pausing', 'job.paused', 'job.resumed']).flat())
  })

  it('is seen without a pulse, at the next report', async () => {
    const job = await insertLongJob()
    const delivery = startTrainer().train(job.id)
    await untilEpoch(job, 2)

    await worker.stores.jobs.pause(worker.projectId, job.id)
    await delivery

    expect((await readRow(job)).status).toBe('paused')
  })

  it('waits where its last checkpoint is when its worker was lost while it paused', async () => {
    const job = await insertLongJob()
    await worker.stores.leases.claim(job.id, 'a worker that dies')
    await worker.stores.jobs.pause(worker.projectId, job.id)
    await expireLease(worker.stores, job.id)

    const recovered = await worker.stores.dispatch.recoverDeadLeases()

    expect(recovered).toContainEqual({ jobId: job.id, outcome: 'paused' })
    await worker.stores.jobs.resume(worker.projectId, job.id)
    await startTrainer().train(job.id)
    await expectSameResult(job)
  })

  it('goes on although a late pulse asks for a pause that is over', async () => {
    const job = await insertLongJob()
    const trainer = startTrainer()
    const delivery = trainer.train(job.id)
    await untilEpoch(job, 2)

    trainer.stop(job.id, 'pause')
    await delivery
    const { status } = await readRow(job)
    await startTrainer().train(job.id)

    expect(status).toBe('queued')
    await expectSameResult(job)
  })

  it('may train for max_seconds in all, the time of every attempt counted and none of the pauses', async () => {
    const maxSeconds = 3
    const job = await worker.insertJob(xor, (resolved) => {
      resolved.training.epochs = 100_000
      resolved.limits.max_seconds = maxSeconds
    })
    await pauseAfterEpochs(job, 2)
    const [paused] = await readCheckpoints(job)
    await worker.stores.jobs.resume(worker.projectId, job.id)
    const resumedMs = performance.now()
    await startTrainer().train(job.id)
    const tookSeconds = (performance.now() - resumedMs) / 1000

    const [end] = await readCheckpoints(job)
    const secondsOf = (row: typeof end) =>
      (row?.progress as { seconds: number } | undefined)?.seconds ?? 0
    const trained = (await readDurations(job)) / 1000
    expect(await worker.read(job)).toMatchObject({
      status: 'succeeded',
      stop_reason: 'max_seconds',
    })
    expect(secondsOf(paused)).toBeGreaterThan(0)
    expect(secondsOf(end)).toBeGreaterThanOrEqual(maxSeconds)
    // One batch more at most, and what a busy machine keeps a thread waiting.
    expect(secondsOf(end)).toBeLessThan(maxSeconds + 0.5)
    expect(trained).toBeLessThanOrEqual(secondsOf(end))
    expect(tookSeconds).toBeGreaterThan(maxSeconds - secondsOf(paused))
  })
})

describe('a job whose worker cannot reach Postgres', { timeout: 30_000 }, () => {
  it('stops after the longest outage, and goes on at the very batch when Postgres is back', async () => {
    const job = await insertLongJob()
    const url = new URL(worker.databaseUrl)
    const proxy = await startTcpProxy(Number(url.port))
    url.port = String(proxy.port)
    const stores = openTestStores(url.href, { onError: () => undefined })
    const { leases, checkpoints } = stores
    const delivery = startTrainer({ leases, checkpoints, outageMsMax: 300 }).train(job.id)
    await untilEpoch(job, 2)
    worker.logged.length = 0

    await proxy.set({ kind: 'refuse' })
    const atCut = await readRow(job)
    await waitFor('the stop', () => worker.logged.some((line) => /is tried again/.test(line)))
    const meanwhile = await readRow(job)
    await proxy.set({ kind: 'pass' })
    await delivery
    const back = await readRow(job)
    const [newest] = await readCheckpoints(job)
    const told = (await worker.stores.jobs.events(job.id, 0, 100_000)).at(-1)
    await startTrainer().train(job.id)
    await stores.close()
    await proxy.close()

    expect([meanwhile.status, back.status, back.crashCount]).toEqual(['running', 'queued', 0])
    expect(back.epoch).toBeGreaterThan(atCut.epoch)
    expect(newest?.progress).toMatchObject({ epoch: back.epoch })
    expect(told).toMatchObject({ type: 'job.retrying', data: { reason: 'outage' } })
    await expectSameResult(job)
  })
})

let isSilent = false

/** As a worker that died: what it reports from then on does not arrive. */
function reportUntilSilent(): WorkerDeps['leases']['report'] {
  return (...report) => (isSilent ? Promise.resolve('go_on') : worker.deps.leases.report(...report))
}

function startTrainer(changes: Partial<WorkerDeps> = {}): JobTrainer {
  const trainer = makeJobTrainer({ ...worker.deps, ...changes })
  trainers.push(trainer)
  return trainer
}

/** A second or more. */
function insertLongJob(change: (resolved: ResolvedConfig) => void = () => undefined): Promise<Job> {
  return worker.insertJob(xor, (resolved) => {
    resolved.training.epochs = 6000
    change(resolved)
  })
}

async function interrupt(job: Job): Promise<void> {
  const { epoch } = await readRow(job)
  const trainer = startTrainer()
  const delivery = trainer.train(job.id)
  await untilEpoch(job, epoch + 2)
  await trainer.drain()
  await delivery
}

async function pauseAfterEpochs(job: Job, epochs: number): Promise<void> {
  const { epoch } = await readRow(job)
  const trainer = startTrainer()
  const delivery = trainer.train(job.id)
  await untilEpoch(job, epoch + epochs)
  await worker.stores.jobs.pause(worker.projectId, job.id)
  trainer.stop(job.id, 'pause')
  await delivery
}

async function untilEpoch(job: Job, epoch: number): Promise<void> {
  await waitFor(`epoch ${epoch}`, async () => {
    const row = await readRow(job)
    return row.status === 'running' && row.epoch >= epoch
  })
}

async function damage(job: Job, sha256: string | undefined): Promise<void> {
  const changed = await worker.stores.database.$executeRaw`
    UPDATE checkpoint_chunks SET data = set_byte(data, 100, get_byte(data, 100) # 1)
    WHERE job_id = ${job.id} AND sha256 = ${sha256} AND position = 0`
  expect(changed).toBe(1)
}

/** Newest first. */
function readCheckpoints(job: Job) {
  return worker.stores.database.checkpoint.findMany({
    where: { jobId: job.id },
    orderBy: { step: 'desc' },
  })
}

async function readFolds(job: Job): Promise<unknown[]> {
  return ((await readRow(job)).folds ?? []) as unknown[]
}

function readRow(job: Job) {
  return worker.stores.database.job.findUniqueOrThrow({ where: { id: job.id } })
}

async function readMetrics(job: Job) {
  const all = { maxPoints: 1_000_000, bestEpoch: null }
  const { rows } = await worker.stores.jobs.metrics(job.id, all)
  return rows.map(({ duration_ms: _, examples_per_second: __, ...bits }) => bits)
}

/** Milliseconds of training in all epochs. */
async function readDurations(job: Job): Promise<number> {
  const all = { maxPoints: 1_000_000, bestEpoch: null }
  const { rows } = await worker.stores.jobs.metrics(job.id, all)
  return rows.reduce((sum, row) => sum + row.duration_ms, 0)
}

async function readResult(job: Job) {
  const { status, weights, best, final, epoch } = await worker.read(job)
  return { status, weights, best, final, epoch, metrics: await readMetrics(job) }
}

async function expectSameResult(job: Job): Promise<void> {
  expect(undisturbed.status).toBe('succeeded')
  expect(await readResult(job)).toEqual(undisturbed)
}

async function epochsOfSecondAttempt(job: Job): Promise<number[]> {
  const events = await worker.stores.jobs.events(job.id, 0, 100_000)
  const second = events.findLastIndex(({ type }) => type === 'job.started')
  return events
    .slice(second)
    .filter(({ type }) => type === 'job.epoch_completed')
    .map(({ data }) => (data as { epoch: number }).epoch)
}
