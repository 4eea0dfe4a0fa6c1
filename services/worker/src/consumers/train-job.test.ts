import { createHash } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Dataset, Job, ResolvedConfig } from '@trainyard/contracts'
import { DEATHS_MAX, DomainError } from '@trainyard/domain'
import { compileKernels, createNetwork, ENGINE_VERSION, train } from '@trainyard/engine'
import { packLayers, prepareTraining, toNetworkConfig, toTrainingOptions } from '@trainyard/model'
import { createLeases } from '@trainyard/store'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  endBackoff,
  expireLease,
  insertJob,
  makeEpochMetrics,
  makeResolvedConfig,
} from '../../../../test/support/factories.ts'
import { waitFor } from '../../../../test/support/wait-for.ts'
import type { WorkerDeps } from '../deps.ts'
import { makeXorRows, openTestWorker, type TestWorker } from '../worker-deps.fixture.ts'
import { type JobTrainer, makeJobTrainer } from './train-job.ts'

/** Float32 numbers of a network of 2-4-1. */
const WEIGHTS_BYTES = 17 * 4

let worker: TestWorker
let xor: Dataset
/** A thousand batches an epoch, so that a running job does not write epochs by the ten thousand. */
let slowXor: Dataset
let trainers: JobTrainer[] = []

beforeAll(async () => {
  worker = await openTestWorker()
  xor = await worker.insertDataset(makeXorRows(40))
  slowXor = await worker.insertDataset(makeXorRows(4000))
})

beforeEach(() => {
  worker.announced.length = 0
  worker.logged.length = 0
})

afterEach(async () => {
  await Promise.all(trainers.map((trainer) => trainer.drain()))
  trainers = []
})

afterAll(() => worker.stop())

describe('a job that is trained to its end', () => {
  it('has every epoch, its events, and both weights under their hash', async () => {
    const job = await worker.insertJob(xor, (resolved) => {
      resolved.training.epochs = 600
    })

    await startTrainer().train(job.id)

    const ended = await worker.read(job)
    expect(ended).toMatchObject({
      status: 'succeeded',
      stop_reason: 'epochs_completed',
      epoch: 600,
      attempt: 1,
      progress: 1,
      error: null,
      final: { epoch: 600 },
    })
    const metrics = await readMetrics(job)
    expect(metrics.map((row) => row.epoch)).toEqual(Array.from({ length: 600 }, (_, i) => i + 1))
    const layers = await worker.stores.jobs.layers(job.id)
    expect(layers.length).toBeLessThanOrEqual(200)
    expect(layers.map(({ epoch }) => epoch)).toEqual(expect.arrayContaining([0, 1, 4, 600]))
    expect(
      layers.at(-1)?.layers.map(({ histograms }) => histograms?.weights.counts.length),
    ).toEqual([30, 30])
    expect(metrics[ended.best?.epoch === undefined ? -1 : ended.best.epoch - 1]?.train_loss).toBe(
      Math.min(...metrics.map((row) => row.train_loss ?? Number.NaN)),
    )
    const events = await worker.stores.jobs.events(job.id, 0, 10_000)
    expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i + 1))
    expect(events.map((event) => event.type).filter((type) => !type.endsWith('completed'))).toEqual(
      ['job.created', 'job.started', 'job.checkpoint_created', 'job.succeeded'],
    )
    for (const weights of [ended.weights?.best, ended.weights?.last]) {
      const bytes = await readBlob(weights?.sha256 ?? '')
      expect([bytes.byteLength, weights?.bytes]).toEqual([WEIGHTS_BYTES, WEIGHTS_BYTES])
      expect(hash(bytes)).toBe(weights?.sha256)
    }
  })

  it('is announced when it is taken, when epochs are stored and when it has ended; then its slot is free', async () => {
    const job = await worker.insertJob(xor)

    await startTrainer().train(job.id)

    const changed = `changed ${job.id}`
    expect(worker.announced.length).toBeGreaterThanOrEqual(3)
    expect(worker.announced.slice(0, -1)).toEqual(worker.announced.slice(0, -1).map(() => changed))
    expect(worker.announced.at(-1)).toBe('slot freed')
  })

  it('has the same weights as another one of the same specification, bit for bit', async () => {
    const [a, b] = [await worker.insertJob(xor), await worker.insertJob(xor)]
    const trainer = startTrainer()

    await Promise.all([trainer.train(a.id), trainer.train(b.id)])

    const [endedA, endedB] = [await worker.read(a), await worker.read(b)]
    expect(endedA.weights).toEqual(endedB.weights)
    expect(endedA.manifest).toEqual(endedB.manifest)
  })

  it('has the weights that a plain script gets from the library, and says what decided them', async () => {
    const job = await worker.insertJob(xor, (resolved) => {
      resolved.validation = { fraction: 0.2, stratify: true, group_column: null }
    })

    await startTrainer().train(job.id)

    const ended = await worker.read(job)
    const { columns, target, sha256 } = xor
    const table = await worker.deps.datasets.load(xor)
    const { resolved_config: resolved } = ended
    const { training, validation } = prepareTraining({ table, columns, target, resolved })
    const network = await createNetwork(toNetworkConfig(resolved), { seed: BigInt(resolved.seed) })
    const run = train(network, { ...toTrainingOptions(resolved), training, validation })
    while (!run.next().done);
    expect(ended.weights).toMatchObject({
      best: { sha256: hash(packLayers(network.weights('best'))) },
      last: { sha256: hash(packLayers(network.weights('last'))) },
    })
    expect(ended.manifest).toMatchObject({
      dataset_sha256: sha256,
      seed: resolved.seed,
      engine_version: ENGINE_VERSION,
      fused: (await compileKernels()).fused,
    })
  })

  it('says what simpler models reach on its validation rows, and nothing without any', async () => {
    const validated = await worker.insertJob(xor, (resolved) => {
      resolved.validation = { fraction: 0.25, stratify: true, group_column: null }
      resolved.training.epochs = 300
    })
    const without = await worker.insertJob(xor)
    const trainer = startTrainer()

    await trainer.train(validated.id)
    await trainer.train(without.id)

    // Ten rows of XOR, five of each class: only looking at the nearest rows is any better than always saying the same.
    const { baselines, best } = await worker.read(validated)
    expect(best?.metrics.val_accuracy).toBe(1)
    expect(baselines?.map(({ name }) => name)).toEqual([
      'majority_class',
      'linear_model',
      'nearest_neighbors',
    ])
    expect(baselines?.[0]).toMatchObject({
      metric: 'val_accuracy',
      value: 0.5,
      margin: 0.5,
      detail: 'beats always saying the most frequent class by 50.0 points',
    })
    expect(baselines?.[2]).toMatchObject({ value: 1, margin: 0 })
    expect((await worker.read(without)).baselines).toBeNull()
  })

  it('validates on another data set, and trains on all of its own', async () => {
    const other = await worker.insertDataset(makeXorRows(12))
    const resolvedConfig = makeResolvedConfig({ validation: { dataset_id: other.id, rows: 12 } })
    resolvedConfig.training.epochs = 300
    const job = await insertJob(worker.stores, worker.projectId, xor.id, {
      ...{ resolvedConfig, validationDatasetId: other.id },
    })

    await startTrainer().train(job.id)

    const ended = await worker.read(job)
    const parts = [...(await readBlob((await worker.stores.jobs.split(job.id)) ?? ''))]
    expect(ended.status).toBe('succeeded')
    expect(ended.best?.metrics.val_accuracy).toBe(1)
    expect(parts).toEqual([...Array<number>(40).fill(1), ...Array<number>(12).fill(2)])
  })

  it('says what its best weights reach on the test part, on which nothing else depends', async () => {
    const test = { fraction: 0.25, stratify: false, group_column: null }
    const submit = (dataset: Dataset) =>
      worker.insertJob(dataset, (resolved) => {
        Object.assign(resolved, { test, validation: { ...test, fraction: 0.2 } })
        resolved.training.epochs = 300
        resolved.training.early_stopping = { metric: 'val_loss', patience: 50, min_delta: 0 }
      })
    const job = await submit(xor)
    const trainer = startTrainer()
    await trainer.train(job.id)
    const ended = await worker.read(job)
    const parts = await readBlob((await worker.stores.jobs.split(job.id)) ?? '')
    // The same rows with other answers in the test part.
    const tested = [...parts.keys()].filter((row) => parts[row] === 255)
    const lies = makeXorRows(40).map(([a = 0, b = 0, y = 0], row) =>
      tested.includes(row) ? [a, b, 1 - y] : [a, b, y],
    )
    const lied = await submit(await worker.insertDataset(lies))

    await trainer.train(lied.id)

    const endedLied = await worker.read(lied)
    expect(ended.best?.metrics.val_accuracy).toBe(1)
    expect(ended.test).toEqual({
      rows: 10,
      epoch: ended.best?.epoch,
      metrics: { test_loss: expect.closeTo(0, 1), test_accuracy: 1 },
    })
    expect(endedLied.test).toMatchObject({ rows: 10, metrics: { test_accuracy: 0 } })
    expect(endedLied.weights).toEqual(ended.weights)
    expect([endedLied.best, endedLied.stop_reason]).toEqual([ended.best, ended.stop_reason])
  })

  it('tests on another data set', async () => {
    const other = await worker.insertDataset(makeXorRows(12))
    const resolvedConfig = makeResolvedConfig({ test: { dataset_id: other.id, rows: 12 } })
    resolvedConfig.training.epochs = 300
    const job = await insertJob(worker.stores, worker.projectId, xor.id, {
      ...{ resolvedConfig, testDatasetId: other.id },
    })

    await startTrainer().train(job.id)

    const ended = await worker.read(job)
    const parts = [...(await readBlob((await worker.stores.jobs.split(job.id)) ?? ''))]
    expect(ended.test).toMatchObject({ rows: 12, metrics: { test_accuracy: 1 } })
    expect(parts).toEqual([...Array<number>(40).fill(1), ...Array<number>(12).fill(255)])
  })

  it('says which rows it trained on and which validated', async () => {
    const job = await worker.insertJob(xor, (resolved) => {
      resolved.validation = { fraction: 0.25, stratify: true, group_column: null }
    })

    await startTrainer().train(job.id)

    const parts = [...(await readBlob((await worker.stores.jobs.split(job.id)) ?? ''))]
    const table = await worker.deps.datasets.load(xor)
    const { columns, target } = xor
    const resolved = job.resolved_config
    const { validationRowIndices } = prepareTraining({ table, columns, target, resolved })
    expect(parts).toEqual(
      Array.from({ length: 40 }, (_, i) => (validationRowIndices.includes(i) ? 2 : 1)),
    )
    expect(validationRowIndices.length).toBe(10)
  })

  it('keeps its result until Postgres takes it', async () => {
    const job = await worker.insertJob(xor)
    let refusals = 0
    const leases: WorkerDeps['leases'] = {
      ...worker.deps.leases,
      async finish(lease, finish) {
        refusals += 1
        if (refusals === 1) throw new DomainError('unavailable')
        return await worker.deps.leases.finish(lease, finish)
      },
    }

    await startTrainer({ leases }).train(job.id)

    expect((await worker.read(job)).status).toBe('succeeded')
    expect(worker.logged).toContain('what is left of a job could not be stored and is tried again')
  })
})

describe('a result that takes longer to store than a lease lasts', () => {
  it('is stored under the lease, which is kept meanwhile', async () => {
    const engine = 'any'
    const leases = createLeases(worker.stores.database, { leaseSeconds: 1, engine })
    const job = await worker.insertJob(xor)
    const blobs: WorkerDeps['blobs'] = {
      ...worker.deps.blobs,
      async put(blob, chunks) {
        // Of a lease; its weights and the split are three.
        await setTimeout(1500)
        await worker.stores.dispatch.recoverDeadLeases()
        await worker.deps.blobs.put(blob, chunks)
      },
    }

    await startTrainer({ leases, blobs, renewEveryMs: 200 }).train(job.id)

    const { status, attempt } = await worker.read(job)
    expect({ status, attempt }).toEqual({ status: 'succeeded', attempt: 1 })
  })
})

describe('a delivery without a queued job', () => {
  it('does nothing for one that is cancelled, ended or running elsewhere', async () => {
    const trainer = startTrainer()
    const cancelled = await worker.insertJob(xor)
    await worker.stores.jobs.cancel(worker.projectId, cancelled.id)
    const ended = await worker.insertJob(xor)
    await trainer.train(ended.id)
    const elsewhere = await worker.insertJob(xor)
    await worker.stores.leases.claim(elsewhere.id, 'worker 2')
    const jobs = [cancelled, ended, elsewhere]
    const before = await Promise.all(jobs.map(readRow))
    worker.announced.length = 0

    await Promise.all(jobs.map((job) => trainer.train(job.id)))

    expect(await Promise.all(jobs.map(readRow))).toEqual(before)
    expect(worker.announced).toEqual([])
  })
})

describe('drain', () => {
  it('gives every running job back unharmed, frees their slots and takes no more', async () => {
    const trainer = startTrainer()
    const jobs = [await insertSlowJob(), await insertSlowJob()]
    const deliveries = jobs.map((job) => trainer.train(job.id))
    await Promise.all(jobs.map((job) => untilEpoch(job)))

    await trainer.drain()
    await Promise.all(deliveries)
    const late = await worker.insertJob(xor)
    await trainer.train(late.id)

    const rows = await worker.stores.database.job.findMany({
      where: { id: { in: [...jobs, late].map((job) => job.id) } },
    })
    expect(rows.map((row) => [row.status, row.crashCount, row.leaseUntil])).toEqual(
      rows.map(() => ['queued', 0, null]),
    )
    const attempts = await Promise.all([...jobs, late].map((job) => worker.read(job)))
    expect(attempts.map((job) => job.attempt)).toEqual([1, 1, 0])
    expect(worker.announced.filter((text) => text === 'slot freed')).toHaveLength(2)
  })

  it('gives a job back that was just being claimed', async () => {
    const job = await insertSlowJob()
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    let isClaiming = false
    const leases: WorkerDeps['leases'] = {
      ...worker.deps.leases,
      async claim(...claim) {
        isClaiming = true
        await held
        return await worker.deps.leases.claim(...claim)
      },
    }
    const trainer = startTrainer({ leases })
    const delivery = trainer.train(job.id)
    await waitFor('the claim', () => isClaiming)

    const drained = trainer.drain()
    release()
    await Promise.all([drained, delivery])

    expect((await worker.read(job)).status).toBe('queued')
  })

  it('gives a job back with its checkpoint though Postgres was away as it was told to', async () => {
    const job = await insertSlowJob()
    let refusals = 0
    const leases: WorkerDeps['leases'] = {
      ...worker.deps.leases,
      async release(...release) {
        refusals += 1
        if (refusals <= 2) throw new DomainError('unavailable')
        return await worker.deps.leases.release(...release)
      },
    }
    const trainer = startTrainer({ leases })
    const delivery = trainer.train(job.id)
    await untilEpoch(job)

    await trainer.drain()
    await delivery

    expect([refusals, (await worker.read(job)).status]).toEqual([3, 'queued'])
    expect(await worker.stores.database.checkpoint.count({ where: { jobId: job.id } })).toBe(1)
  })

  it('waits for every job also when one of them cannot be given back', async () => {
    const [failing, other] = [await insertSlowJob(), await insertSlowJob()]
    const leases: WorkerDeps['leases'] = {
      ...worker.deps.leases,
      async release(lease, reason) {
        if (lease.jobId === failing.id) throw new Error('a statement that is wrong')
        // Once round the database later than the other's failure.
        await worker.read(other)
        return await worker.deps.leases.release(lease, reason)
      },
    }
    const trainer = startTrainer({ leases })
    const deliveries = Promise.allSettled([trainer.train(failing.id), trainer.train(other.id)])
    await Promise.all([untilEpoch(failing), untilEpoch(other)])

    await trainer.drain()
    const atTheEnd = (await worker.read(other)).status

    expect(atTheEnd).toBe('queued')
    expect((await deliveries).map((result) => result.status)).toEqual(['rejected', 'fulfilled'])
  })

  it('leaves a job cancelled whose cancel was asked for meanwhile', async () => {
    const trainer = startTrainer()
    const job = await insertSlowJob()
    const delivery = trainer.train(job.id)
    await untilEpoch(job)
    await worker.stores.jobs.cancel(worker.projectId, job.id)

    await trainer.drain()
    await delivery

    expect(await worker.read(job)).toMatchObject({
      status: 'cancelled',
      stop_reason: 'cancelled',
    })
  })
})

describe('cancel', () => {
  it('stops the job at its next batch and keeps its weights and every epoch', async () => {
    const trainer = startTrainer()
    const job = await insertSlowJob()
    const delivery = trainer.train(job.id)
    await untilEpoch(job)

    await worker.stores.jobs.cancel(worker.projectId, job.id)
    trainer.stop(job.id, 'cancel')
    await delivery

    const ended = await worker.read(job)
    expect(ended).toMatchObject({ status: 'cancelled', stop_reason: 'cancelled', error: null })
    expect(ended.weights?.last.epoch).toBe(ended.epoch)
    const metrics = await readMetrics(job)
    expect(metrics.map((row) => row.epoch)).toEqual(
      Array.from({ length: ended.epoch }, (_, i) => i + 1),
    )
  })

  it('is seen without a pulse, at the next report', async () => {
    const job = await insertSlowJob()
    const delivery = startTrainer().train(job.id)
    await untilEpoch(job)

    await worker.stores.jobs.cancel(worker.projectId, job.id)
    await delivery

    expect((await worker.read(job)).status).toBe('cancelled')
  })

  it('ends a job in seconds whose weights cannot be stored, without them', async () => {
    // Weights that no other job has stored.
    const job = await worker.insertJob(xor, (resolved) => {
      resolved.training.epochs = 77
    })
    const delivery = startTrainer({ blobs: worker.lostBlobs, renewEveryMs: 100 }).train(job.id)
    await waitFor('a try that fails', () => worker.logged.some((line) => /tried again/.test(line)))

    await worker.stores.jobs.cancel(worker.projectId, job.id)
    await delivery

    const ended = await worker.read(job)
    expect(ended).toMatchObject({ status: 'cancelled', weights: null })
    expect(ended.epoch).toBeGreaterThan(0)
    expect(await readMetrics(job)).toHaveLength(ended.epoch)
  })

  it('tears a thread down that is in the midst of a long batch, and the next job runs', async () => {
    const table = await worker.insertDataset(makeXorRows(8192))
    // About a hundred billion multiplications: some seconds.
    const job = await worker.insertJob(table, (resolved) => {
      resolved.model.hidden = [wide(1024), wide(1024), wide(1024)]
      resolved.training.batch_size = 8192
    })
    let batches = () => 0
    const threads: WorkerDeps['threads'] = {
      ...worker.deps.threads,
      run(task, onProgress) {
        const run = worker.deps.threads.run(task, onProgress)
        batches = run.batches
        return run
      },
    }
    const trainer = startTrainer({ threads })
    const delivery = trainer.train(job.id)
    await waitFor('the first batch', () => batches() === 1)

    await worker.stores.jobs.cancel(worker.projectId, job.id)
    const askedMs = performance.now()
    trainer.stop(job.id, 'cancel')
    await delivery
    const tookMs = performance.now() - askedMs

    expect(await worker.read(job)).toMatchObject({
      status: 'cancelled',
      weights: null,
      error: null,
    })
    expect(batches()).toBe(1)
    expect(tookMs).toBeGreaterThanOrEqual(1000)
    expect(tookMs).toBeLessThan(1500)
    await expectToSucceed(await worker.insertJob(xor))
  })

  it('by force lets the thread go at once, and writes nothing more', async () => {
    const job = await insertSlowJob()
    const trainer = startTrainer()
    const delivery = trainer.train(job.id)
    await untilEpoch(job)

    await worker.stores.jobs.cancel(worker.projectId, job.id, 'force')
    const ended = await readRow(job)
    const askedMs = performance.now()
    trainer.stop(job.id, 'force')
    await delivery
    const tookMs = performance.now() - askedMs

    expect(ended.status).toBe('cancelled')
    expect(await readRow(job)).toEqual(ended)
    expect(tookMs).toBeLessThan(500)
    await expectToSucceed(await worker.insertJob(xor))
  })

  it('by force is seen without a pulse, at the next report', async () => {
    const job = await insertSlowJob()
    const delivery = startTrainer().train(job.id)
    await untilEpoch(job)

    await worker.stores.jobs.cancel(worker.projectId, job.id, 'force')
    await delivery

    expect((await worker.read(job)).weights).toBeNull()
  })

  it('does not wait for the table to be read', async () => {
    const job = await worker.insertJob(xor)
    const trainer = startTrainer({ datasets: { load: () => new Promise(() => undefined) } })
    const delivery = trainer.train(job.id)
    await waitFor('the claim', async () => (await readRow(job)).status === 'running')

    await worker.stores.jobs.cancel(worker.projectId, job.id)
    trainer.stop(job.id, 'cancel')
    await delivery

    expect((await worker.read(job)).status).toBe('cancelled')
  })

  it('of a job that does not run here does nothing', async () => {
    const job = await worker.insertJob(xor)

    startTrainer().stop(job.id, 'cancel')

    expect((await worker.read(job)).status).toBe('queued')
  })
})

describe('a job whose lease has become another’s', () => {
  it('is stopped, and nothing of it is written', async () => {
    const job = await insertSlowJob()
    const delivery = startTrainer().train(job.id)
    await untilEpoch(job)

    const claimed = await loseLease(job)
    const lease = { jobId: job.id, leaseEpoch: claimed.leaseEpoch }
    const theirs = [makeEpochMetrics(1, { train_loss: 0.125 })]
    const progress = { metrics: theirs, layers: [], epoch: 1, best: null }
    await worker.stores.leases.report(lease, progress)
    const before = await readRow(job)
    await delivery

    expect(await readMetrics(job)).toEqual(theirs)
    expect(await readRow(job)).toEqual(before)
    expect(before).toMatchObject({ status: 'running', leaseOwner: 'worker 2', epoch: 1 })
    expect((await worker.read(job)).weights).toBeNull()
    expect(worker.logged).toContain('the job is another worker’s now; nothing is written')
  })

  it('can be cancelled here when this worker has taken it again before the first training ended', async () => {
    const job = await insertSlowJob()
    const trainer = startTrainer()
    const first = trainer.train(job.id)
    await untilEpoch(job)
    await expireLease(worker.stores, job.id)
    await worker.stores.dispatch.recoverDeadLeases()
    const second = trainer.train(job.id)
    await first
    await waitFor('an epoch of the second attempt', async () => {
      const { attempt, epoch } = await worker.read(job)
      return attempt === 2 && epoch >= 1
    })

    trainer.stop(job.id, 'cancel')
    await second

    // Without the row's "cancelling" only the pulse can have stopped it.
    expect(await worker.read(job)).toMatchObject({ status: 'cancelled', attempt: 2 })
  })
})

describe('a job that fails', () => {
  it('fails as invalid_data when a cell is missing and may not be', async () => {
    const dataset = await worker.insertDataset([...makeXorRows(39), [null, 1, 1]])
    const job = await worker.insertJob(dataset, (resolved) => {
      resolved.preprocessing.missing = 'error'
    })

    await startTrainer().train(job.id)

    expect(await worker.read(job)).toMatchObject({
      status: 'failed',
      stop_reason: null,
      error: { code: 'invalid_data', message: expect.stringContaining('"a"') },
      weights: null,
    })
    expect(worker.announced.at(-1)).toBe('slot freed')
  })

  it('fails as diverged with its place when the loss is not finite, and keeps what was finite', async () => {
    const job = await worker.insertJob(xor, makeDiverging)

    await startTrainer().train(job.id)

    const ended = await worker.read(job)
    expect(ended).toMatchObject({
      status: 'failed',
      error: { code: 'diverged', param: 'training.optimizer.learning_rate' },
    })
    expect(ended.error?.at?.epoch).toBe(ended.epoch + 1)
    const metrics = await readMetrics(job)
    expect(metrics.filter((row) => row.train_loss === null)).toEqual([])
  })

  it('fails as internal when its data set’s bytes are gone, and the next job runs', async () => {
    const dataset = await worker.insertDataset(makeXorRows(44))
    await worker.stores.database.$executeRaw`
      DELETE FROM blob_chunks WHERE sha256 = ${dataset.sha256}`
    const [broken, good] = [await worker.insertJob(dataset), await worker.insertJob(xor)]
    const trainer = startTrainer()

    await trainer.train(broken.id)
    await trainer.train(good.id)

    expect((await worker.read(broken)).error?.code).toBe('internal')
    expect((await worker.read(good)).status).toBe('succeeded')
  })

  it('waits for its data set as long as that cannot be read, however often it is tried', async () => {
    const job = await worker.insertJob(xor)
    const renewEveryMs = 50
    const trainer = startTrainer({ datasets: worker.lostDatasets, renewEveryMs })
    const startedMs = performance.now()
    for (let attempt = 1; attempt <= DEATHS_MAX + 1; attempt++) {
      await endBackoff(worker.stores, job.id)
      await trainer.train(job.id)
    }
    const tookMs = performance.now() - startedMs

    // Each try keeps its slot for a while, or all that waits would be tried as fast as Postgres can write it.
    expect(tookMs).toBeGreaterThan((DEATHS_MAX + 1) * renewEveryMs)
    const row = await worker.stores.database.job.findUniqueOrThrow({ where: { id: job.id } })
    expect([row.status, row.attempt, row.crashCount]).toEqual(['queued', DEATHS_MAX + 1, 0])
    const told = (await worker.stores.jobs.events(job.id, 0, 100)).at(-1)
    expect(told).toMatchObject({ type: 'job.retrying', data: { reason: 'unreadable' } })
    await endBackoff(worker.stores, job.id)
    await expectToSucceed(job)
  })

  it('is cancelled, and not tried again, when that was asked for meanwhile', async () => {
    const job = await worker.insertJob(xor)
    const { load } = worker.lostDatasets
    const datasets: WorkerDeps['datasets'] = {
      async load(...dataset) {
        await worker.stores.jobs.cancel(worker.projectId, job.id)
        return await load(...dataset)
      },
    }

    await startTrainer({ datasets, renewEveryMs: 50 }).train(job.id)

    expect((await worker.read(job)).status).toBe('cancelled')
  })
})

function startTrainer(overrides: Partial<WorkerDeps> = {}): JobTrainer {
  const trainer = makeJobTrainer({ ...worker.deps, ...overrides })
  trainers.push(trainer)
  return trainer
}

async function expectToSucceed(job: Job): Promise<void> {
  await startTrainer().train(job.id)
  expect((await worker.read(job)).status).toBe('succeeded')
}

function wide(units: number) {
  return { units, activation: 'relu', initializer: 'auto', batch_norm: false, dropout: 0 } as const
}

function insertSlowJob(): Promise<Job> {
  return worker.insertJob(slowXor, (resolved) => {
    resolved.training.epochs = 100_000
  })
}

function makeDiverging(resolved: ResolvedConfig): void {
  resolved.task = 'regression'
  resolved.model.output.activation = 'linear'
  resolved.model.hidden = [
    { units: 8, activation: 'relu', initializer: 'auto', batch_norm: false, dropout: 0 },
  ]
  resolved.training.loss = 'mse'
  resolved.training.optimizer = { type: 'sgd', learning_rate: 30 }
}

async function untilEpoch(job: Job): Promise<void> {
  await waitFor(`an epoch of ${job.id}`, async () => (await worker.read(job)).epoch >= 1)
}

/** The scheduler takes the job away, and another worker gets it. */
async function loseLease(job: Job) {
  await expireLease(worker.stores, job.id)
  await worker.stores.dispatch.recoverDeadLeases()
  const claimed = await worker.stores.leases.claim(job.id, 'worker 2')
  if (claimed === null) throw new Error(`${job.id} could not be claimed`)
  return claimed
}

function readRow(job: Job) {
  return worker.stores.database.job.findUniqueOrThrow({ where: { id: job.id } })
}

async function readMetrics(job: Job) {
  const all = { maxPoints: 1_000_000, bestEpoch: null }
  return (await worker.stores.jobs.metrics(job.id, all)).rows
}

async function readBlob(sha256: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of worker.stores.blobs.read(sha256)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
