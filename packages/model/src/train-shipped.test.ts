import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ResolvedConfig } from '@trainyard/contracts'
import { inputWidth, openTables, type Tables } from '@trainyard/datasets'
import { createNetwork, train } from '@trainyard/engine'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPredictor } from './create-predictor.ts'
import { packLayers, unpackLayers } from './layer-bytes.ts'
import { toNetworkConfig, toTrainingOptions } from './network-config.ts'
import { prepareTraining } from './prepare-training.ts'
import { makeResolved } from './resolved-config.fixture.ts'

let folder: string
let tables: Tables

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-model-'))
  tables = await openTables({ folder })
})

afterAll(async () => {
  await tables.close()
  await rm(folder, { recursive: true })
})

/** Trains and predicts the validation rows from their raw cells. */
async function trainAndPredict(
  generator: 'iris' | 'wine',
  epochs: number,
  change: (resolved: ResolvedConfig) => void = () => undefined,
): Promise<{ accuracy: number | null; agreement: number }> {
  const { parquetPath, columns, target, rows } = await tables.ingestGenerated({ generator })
  const table = await tables.readTable(parquetPath, columns)
  const base = makeResolved({ inputs: 0, outputs: 3, epochs })
  change(base)
  const inputs = inputWidth(columns, base.preprocessing)
  const resolved: ResolvedConfig = { ...base, model: { ...base.model, inputs } }
  const prepared = prepareTraining({ table, columns, target, resolved })
  const network = await createNetwork(toNetworkConfig(resolved), {
    seed: BigInt(resolved.seed),
  })
  let accuracy: number | null = null
  const { training, validation } = prepared
  const run = train(network, { ...toTrainingOptions(resolved), training, validation })
  for (const metrics of run) accuracy = metrics.validationAccuracy

  const layers = unpackLayers(prepared.architecture, packLayers(network.weights()))
  const predictor = createPredictor({ ...prepared, layers })
  const cells = await tables.readRows(parquetPath, columns, { offset: 0, limit: rows })
  const held = [...prepared.validationRowIndices].map((row) => cells[row] ?? [])
  const items = predictor.predict({ rows: held.map((row) => row.slice(0, -1)) })
  const right = items.filter(({ label }, i) => label === held[i]?.at(-1)).length
  return { accuracy, agreement: right / held.length }
}

/** Everything a training can have at once. */
function withEverything(resolved: ResolvedConfig): ResolvedConfig {
  return {
    ...resolved,
    model: {
      ...resolved.model,
      hidden: [
        { units: 24, activation: 'gelu', initializer: 'auto', batch_norm: true, dropout: 0.2 },
        { units: 12, activation: 'elu', initializer: 'orthogonal', batch_norm: true, dropout: 0 },
      ],
      input_dropout: 0.05,
    },
    training: {
      ...resolved.training,
      lr_schedule: { type: 'cosine', warmup_epochs: 2 },
      regularization: { l1: 1e-5, l2: 1e-3 },
      gradient_clip: { norm: 1 },
      class_weight: 'balanced',
      label_smoothing: 0.05,
    },
  }
}

describe('from a shipped table to predictions of raw rows', () => {
  it('predicts held-out iris rows exactly as often right as training said, at least 95 %', async () => {
    const { accuracy, agreement } = await trainAndPredict('iris', 100)

    expect(agreement).toBe(accuracy)
    expect(agreement).toBeGreaterThanOrEqual(0.95)
  })

  it('predicts held-out iris rows by raw scores after a hinge', async () => {
    const { accuracy, agreement } = await trainAndPredict('iris', 100, ({ model, training }) => {
      training.loss = 'hinge'
      model.output.activation = 'linear'
    })

    expect(agreement).toBeCloseTo(accuracy ?? 0, 12)
    expect(agreement).toBeGreaterThanOrEqual(0.9)
  })

  it('predicts raw rows as the network does after batch normalization, dropout and all the rest', async () => {
    const { parquetPath, columns, target, rows } = await tables.ingestGenerated({
      generator: 'wine',
    })
    const table = await tables.readTable(parquetPath, columns)
    const base = withEverything(makeResolved({ inputs: 0, outputs: 3, epochs: 80 }))
    const inputs = inputWidth(columns, base.preprocessing)
    const resolved: ResolvedConfig = { ...base, model: { ...base.model, inputs } }
    const prepared = prepareTraining({ table, columns, target, resolved })
    const network = await createNetwork(toNetworkConfig(resolved), { seed: BigInt(resolved.seed) })
    const { training, validation } = prepared
    const epochs = [...train(network, { ...toTrainingOptions(resolved), training, validation })]

    const layers = unpackLayers(prepared.architecture, packLayers(network.weights()))
    const cells = await tables.readRows(parquetPath, columns, { offset: 0, limit: rows })
    const held = [...prepared.validationRowIndices].map((row) => (cells[row] ?? []).slice(0, -1))
    const items = createPredictor({ ...prepared, layers }).predict({ rows: held }, ['logits'])

    const expected = network.predict(validation?.inputs ?? new Float32Array(0), held.length)
    const logits = items.flatMap((item) => item.logits ?? [])
    expect(logits.length).toBe(expected.length)
    for (const [i, value] of logits.entries()) expect(value).toBeCloseTo(expected[i] ?? 0, 4)
    expect(layers[1]?.runningVariance?.some((value) => value !== 1)).toBe(true)
    expect(epochs.at(-1)?.validationAccuracy).toBeGreaterThanOrEqual(0.95)
    expect(epochs.slice(0, 2).map(({ learningRate }) => learningRate)).toEqual([
      0.0015,
      0.003 * 0.5 * (1 + Math.cos(Math.PI / 80)),
    ])
    expect(epochs.every(({ trainPenalty }) => trainPenalty > 0)).toBe(true)
  })

  it('predicts held-out wine rows exactly as often right as training said, at least 95 %', async () => {
    const { accuracy, agreement } = await trainAndPredict('wine', 100)

    expect(agreement).toBeCloseTo(accuracy ?? 0, 12)
    expect(agreement).toBeGreaterThanOrEqual(0.95)
  })
})
