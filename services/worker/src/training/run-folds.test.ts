import type { Dataset, Job, ResolvedConfig } from '@trainyard/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitFor } from '../../../../test/support/wait-for.ts'
import { makeJobTrainer } from '../consumers/train-job.ts'
import { makeXorRows, openTestWorker, type TestWorker } from '../worker-deps.fixture.ts'
import { foldSeed } from './run-folds.ts'

const FOLDS = 4

let worker: TestWorker
let xor: Dataset
beforeAll(async () => {
  worker = await openTestWorker()
  xor = await worker.insertDataset(makeXorRows(42))
})
afterAll(() => worker.stop())

const insert = (change: (resolved: ResolvedConfig) => void = () => undefined) =>
  worker.insertJob(xor, (resolved) => {
    resolved.validation = { folds: FOLDS, stratify: true, group_column: null }
    resolved.training.epochs = 30
    change(resolved)
  })

async function train(job: Job): Promise<Job> {
  await makeJobTrainer(worker.deps).train(job.id)
  return await worker.read(job)
}

it('measures every fold, tells of each, and trains the final model on all rows for the mean best epoch', async () => {
  const ended = await train(await insert())

  const { folds, mean, epochs } = ended.cross_validation ?? { folds: [], mean: null, epochs: null }
  expect(
    folds.map(({ fold, training_rows, validation_rows }) => [
      fold,
      training_rows + validation_rows,
    ]),
  ).toEqual([1, 2, 3, 4].map((fold) => [fold, 42]))
  expect(folds.reduce((sum, fold) => sum + fold.validation_rows, 0)).toBe(42)
  const best = folds.map(({ best_epoch }) => best_epoch)
  expect(epochs).toBe(Math.round(best.reduce((sum, epoch) => sum + epoch, 0) / FOLDS))
  const losses = folds.map(({ metrics }) => metrics.val_loss ?? Number.NaN)
  expect(mean?.val_loss).toBeCloseTo(losses.reduce((sum, loss) => sum + loss, 0) / FOLDS, 12)
  expect(ended).toMatchObject({
    status: 'succeeded',
    stop_reason: 'epochs_completed',
    progress: 1,
    epoch: epochs,
    final: { epoch: epochs, metrics: { val_loss: null } },
  })
  const events = await worker.stores.jobs.events(ended.id, 0, 1000)
  expect(events.map(({ type }) => type).filter((type) => type !== 'job.epoch_completed')).toEqual([
    'job.created',
    'job.started',
    ...folds.map(() => 'job.fold_completed'),
    'job.checkpoint_created',
    'job.succeeded',
  ])
  expect(
    events.filter(({ type }) => type === 'job.fold_completed').map(({ data }) => data),
  ).toEqual(folds)
})

it('gives the same folds and weights again, and a final model that knows nothing of the folds', async () => {
  const [first, second] = [await train(await insert()), await train(await insert())]
  const plain = await train(
    await insert((resolved) => {
      resolved.validation = null
      resolved.training.epochs = first.final?.epoch ?? 0
    }),
  )

  expect(second.cross_validation).toEqual(first.cross_validation)
  expect(second.weights).toEqual(first.weights)
  expect(plain.weights?.last.sha256).toBe(first.weights?.last.sha256)
})

it('stops early within a fold, and never in the final model', async () => {
  const ended = await train(
    await insert((resolved) => {
      resolved.training.epochs = 500
      // The rate is so large that the loss soon goes up.
      resolved.training.optimizer = { type: 'sgd', learning_rate: 3 }
      resolved.training.early_stopping = { metric: 'val_loss', patience: 2, min_delta: 0.01 }
    }),
  )

  const folds = ended.cross_validation?.folds ?? []
  expect(folds.length).toBe(FOLDS)
  expect(folds.every(({ epochs }) => epochs < 500)).toBe(true)
  expect(ended.stop_reason).toBe('epochs_completed')
  expect(ended.epoch).toBe(ended.cross_validation?.epochs)
})

it('ends a fold that reaches the target, and not the final model', async () => {
  const plain = await train(await insert())
  const target = { metric: 'train_loss', goal: 'minimize', value: 10 } as const
  const ended = await train(
    await insert((resolved) => {
      resolved.limits = { max_seconds: null, target }
    }),
  )

  expect(plain.cross_validation?.folds.map(({ epochs }) => epochs)).toEqual([30, 30, 30, 30])
  expect(ended.cross_validation?.folds.map(({ epochs }) => epochs)).toEqual([1, 1, 1, 1])
  expect(ended).toMatchObject({ status: 'succeeded', stop_reason: 'epochs_completed', epoch: 1 })
})

it('is cancelled in the middle of a fold, with the folds that were done', async () => {
  const job = await insert((resolved) => {
    resolved.training.epochs = 8000
    resolved.training.batch_size = 1
  })
  const trainer = makeJobTrainer(worker.deps)
  const delivery = trainer.train(job.id)
  const running = await waitFor('a fold', async () => {
    const read = await worker.read(job)
    return (read.cross_validation?.folds.length ?? 0) > 0 ? read : null
  })

  await worker.stores.jobs.cancel(worker.projectId, job.id)
  trainer.stop(job.id, 'cancel')
  await delivery

  expect(running.progress).toBeGreaterThanOrEqual(1 / (FOLDS + 1))
  const ended = await worker.read(job)
  expect(ended).toMatchObject({ status: 'cancelled', weights: null, final: null })
  expect(ended.cross_validation?.folds.length).toBeGreaterThanOrEqual(1)
  expect(ended.cross_validation?.epochs).toBeNull()
})

it('gives every fold a seed of its own that is no other job’s', () => {
  const seeds = [0, 1, Number.MAX_SAFE_INTEGER].flatMap((seed) =>
    [0, 1, 20].map((fold) => foldSeed(seed, fold)),
  )

  expect(new Set(seeds).size).toBe(seeds.length)
  expect(seeds.every((seed) => seed < 1n << 64n)).toBe(true)
})
