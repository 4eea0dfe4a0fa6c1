import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import {
  type Architecture,
  type BatchPrediction,
  createId,
  type Dataset,
  type Preprocessing,
} from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import { createModelPredictor, packLayers, type StoredNetwork } from '@trainyard/model'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../../../test/support/wait-for.ts'
import { withBlobFile } from '../training/with-blob-file.ts'
import { openTestWorker, type TestWorker } from '../worker-deps.fixture.ts'
import { startDatasetPredictor } from './predict-dataset.ts'

const HIDDEN_UNITS = 512
const architecture: Architecture = {
  ...{ inputs: 2, outputs: 1, output_activation: 'sigmoid', task: 'classification', target: 'y' },
  ...{ classes: ['no', 'yes'], hidden: [{ units: 3, activation: 'tanh', batch_norm: false }] },
}
const preprocessing: Preprocessing = {
  columns: ['a', 'b'].map((column) => ({
    ...{ kind: 'numeric', column, type: 'number', missing: 0, log1p: false, indicator: false },
    ...{ center: 0.5, scale: 0.5 },
  })),
  target: null,
}
const layers = [
  { weight: Float32Array.of(1, -2, 0.5, 3, -1, 1), bias: Float32Array.of(0.1, 0, -0.2) },
  { weight: Float32Array.of(2, -1, 1), bias: Float32Array.of(0.3) },
]
/** Reports often enough that a test can step in. */
const start = () => startDatasetPredictor({ ...worker.deps, renewEveryMs: 20 })

const slow = makeSlow()

let worker: TestWorker
let numbers: Dataset
beforeAll(async () => {
  worker = await openTestWorker()
  numbers = await worker.insertDataset(
    Array.from({ length: 10_000 }, (_, i) => [(i % 100) / 100, i % 9, i % 2]),
  )
})
afterAll(() => worker.stop())

const read = async (batch: BatchPrediction): Promise<BatchPrediction> => {
  const found = await worker.stores.batchPredictions.find(worker.projectId, batch.id)
  if (found === null) throw new Error(`${batch.id} is gone`)
  return found
}
const untilEnded = (batch: BatchPrediction) =>
  waitFor(`${batch.id} has ended`, async () => {
    const now = await read(batch)
    return ['succeeded', 'failed', 'cancelled'].includes(now.status) ? now : null
  })

async function insertBatch(
  dataset: Dataset,
  model: { networks: StoredNetwork[]; bytes: Uint8Array } = {
    networks: [{ architecture, preprocessing }],
    bytes: packLayers(layers),
  },
): Promise<BatchPrediction> {
  const { networks, bytes } = model
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await worker.stores.blobs.put({ sha256, bytes: bytes.byteLength }, [bytes])
  const once = await worker.stores.batchPredictions.insert(
    {
      ...{ id: createId('batchPrediction'), projectId: worker.projectId, name: null },
      ...{ model: 'net', version: 1, modelSha256: sha256, networks, dataset },
      outputs: ['label', 'probabilities', 'logits'],
    },
    null,
  )
  if (once.kind === 'replayed') throw new Error('a request without a key is no replay')
  return once.result
}

async function readResult(id: string | null) {
  const dataset = await worker.stores.datasets.find(worker.projectId, id ?? '')
  if (dataset === null) throw new Error(`there is no result ${id}`)
  const rows = await withBlobFile(
    { blobs: worker.stores.blobs, folder: `${worker.folder}/read` },
    dataset.sha256,
    (path) => worker.tables.readRows(path, dataset.columns, { offset: 0, limit: 20_000 }),
  )
  return { dataset, rows }
}

describe('the predictor of data sets', () => {
  it('makes a data set of what the model says of every row, as a single prediction says it', async () => {
    const batch = await insertBatch(numbers)

    const predictor = start()
    const ended = await untilEnded(batch)
    await predictor.drain()

    expect(ended).toMatchObject({ status: 'succeeded', rows_done: 10_000, attempt: 1, error: null })
    const { dataset, rows } = await readResult(ended.result_dataset_id)
    expect(dataset).toMatchObject({ rows: 10_000, target: 'label', task: 'classification' })
    expect(dataset.columns.map(({ name }) => name)).toEqual([
      ...['row', 'label', 'probability_no', 'probability_yes', 'logit_0'],
    ])
    const records = rows.map((_, i) => ({ a: (i % 100) / 100, b: i % 9 }))
    const single = createModelPredictor([{ architecture, preprocessing, layers }])
    const expected = single.predict({ records }, ['label', 'probabilities', 'logits'])
    for (const [i, { label, probabilities, logits }] of expected.entries()) {
      const [row, theirs, no, yes, logit] = rows[i] ?? []
      expect([row, theirs]).toEqual([i, label])
      expect(no).toBeCloseTo(probabilities?.no ?? -1, 5)
      expect(yes).toBeCloseTo(probabilities?.yes ?? -1, 5)
      expect(logit).toBeCloseTo(logits?.[0] ?? -1, 4)
    }
    expect(await readdir(`${worker.folder}/predictions`)).toEqual([])
  })

  it('averages the values of an ensemble into the target of a regression', async () => {
    const plane: Architecture = {
      ...{ inputs: 2, outputs: 1, output_activation: 'linear', task: 'regression', target: 'y' },
      ...{ classes: null, hidden: [] },
    }
    const member = (a: number, b: number) =>
      packLayers([{ weight: Float32Array.of(a, b), bias: Float32Array.of(0) }])
    const raw: Preprocessing = {
      columns: preprocessing.columns.map(
        (column) => ({ ...column, center: 0, scale: 1 }) as typeof column,
      ),
      target: { center: 10, scale: 2 },
    }
    const batch = await insertBatch(numbers, {
      networks: [raw, raw].map((own) => ({ architecture: plane, preprocessing: own })),
      bytes: Buffer.concat([member(0, 1), member(0, 3)]),
    })

    const predictor = start()
    const ended = await untilEnded(batch)
    await predictor.drain()

    const { dataset, rows } = await readResult(ended.result_dataset_id)
    expect(dataset).toMatchObject({ target: 'value', task: 'regression' })
    // Means of 10 + 2 b and 10 + 6 b.
    expect(rows.slice(0, 3)).toEqual([0, 1, 2].map((b) => [b, 10 + 4 * b]))
  })

  it('fails with the rows that the model has no inputs for', async () => {
    const refusing: Preprocessing = {
      ...preprocessing,
      columns: preprocessing.columns.map(
        (column) => ({ ...column, scale: 1e-300 }) as typeof column,
      ),
    }
    const networks = [{ architecture, preprocessing: refusing }]
    const batch = await insertBatch(numbers, { networks, bytes: packLayers(layers) })

    const predictor = start()
    const ended = await untilEnded(batch)
    await predictor.drain()

    expect(ended).toMatchObject({ status: 'failed', error: { code: 'invalid_data' } })
    expect(ended.error?.message).toMatch(
      /^Row 1, column "a": 0 is too large for a 32-bit input; Row 2/,
    )
  })

  it('begins again when weights or table cannot be had for a while', async () => {
    const batch = await insertBatch(numbers)
    const { blobs } = worker.stores
    let refusals = 1
    const away = {
      ...blobs,
      read: (...args: Parameters<typeof blobs.read>) => {
        if (refusals-- > 0) throw new DomainError('unavailable')
        return blobs.read(...args)
      },
    }

    const predictor = startDatasetPredictor({ ...worker.deps, blobs: away })
    const ended = await untilEnded(batch)
    await predictor.drain()

    expect(ended).toMatchObject({ status: 'succeeded', attempt: 2 })
  })

  it('leaves nothing of one that is cancelled while it runs', async () => {
    const batch = await insertBatch(numbers, slow)

    const predictor = start()
    await waitFor('rows are predicted', async () => (await read(batch)).rows_done > 0)
    await worker.stores.batchPredictions.cancel(worker.projectId, batch.id)
    const askedMs = performance.now()
    const ended = await untilEnded(batch)
    await predictor.drain()

    expect(ended).toMatchObject({ status: 'cancelled', result_dataset_id: null })
    expect(performance.now() - askedMs).toBeLessThan(4000)
  })

  it('ends one in seconds that is cancelled while its result cannot be stored', async () => {
    // A result that no other prediction has stored.
    const batch = await insertBatch(
      await worker.insertDataset([
        [0.5, 1, 0],
        [0.1, 7, 1],
      ]),
    )
    const { read: readBlob } = worker.stores.blobs
    const blobs = { ...worker.lostBlobs, read: readBlob }
    worker.logged.length = 0

    const predictor = startDatasetPredictor({ ...worker.deps, blobs, renewEveryMs: 20 })
    await waitFor('a try that fails', () => worker.logged.some((line) => /tried again/.test(line)))
    await worker.stores.batchPredictions.cancel(worker.projectId, batch.id)
    const ended = await untilEnded(batch)
    await predictor.drain()

    expect(ended).toMatchObject({ status: 'cancelled', result_dataset_id: null })
  })

  it('gives back what it drains in the middle of, and another makes the same bytes of it', async () => {
    const [batch, undisturbed] = [
      await insertBatch(numbers, slow),
      await insertBatch(numbers, slow),
    ]

    const first = start()
    await waitFor('rows are predicted', async () => (await read(batch)).rows_done > 0)
    await first.drain()
    expect(await read(batch)).toMatchObject({ status: 'queued', attempt: 1 })
    const second = start()
    const results = [await untilEnded(batch), await untilEnded(undisturbed)]
    await second.drain()

    expect(results.map(({ attempt }) => attempt)).toEqual([2, 1])
    const [again, once] = await Promise.all(
      results.map(async ({ result_dataset_id: id }) => (await readResult(id)).dataset.sha256),
    )
    expect(again).toBe(once)
  })
})

function makeSlow(): { networks: StoredNetwork[]; bytes: Uint8Array } {
  const hidden = Array.from({ length: 4 }, () => ({
    ...{ units: HIDDEN_UNITS, activation: 'relu' as const, batch_norm: false },
  }))
  const widths = [2, ...hidden.map(({ units }) => units), 1]
  const wide = widths.slice(1).map((units, i) => ({
    weight: Float32Array.from({ length: (widths[i] ?? 0) * units }, (_, k) => ((k % 7) - 3) / 200),
    bias: new Float32Array(units),
  }))
  return {
    networks: [{ architecture: { ...architecture, hidden }, preprocessing }],
    bytes: packLayers(wide),
  }
}
