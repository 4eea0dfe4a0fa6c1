import { readFile } from 'node:fs/promises'
import {
  type Dataset,
  layersListSchema,
  metricsListSchema,
  predictionSchema,
  weightsDocumentSchema,
} from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeClient, type TestClient } from '../support/client.ts'
import { subscribe } from '../support/event-source.ts'
import { queuesToTest } from '../support/queues.ts'
import { startStack, type TestStack } from '../support/stack.ts'

describe.each(queuesToTest())('the main job on the %s queue', (queue) => {
  let stack: TestStack
  let client: TestClient

  beforeAll(async () => {
    stack = await startStack({ queue })
    client = makeClient(stack)
  })

  afterAll(() => stack?.stop())

  it('goes from a CSV to live events, metrics, weights and predictions', async () => {
    const csv = await readFile(new URL('../../data/iris.csv', import.meta.url), 'utf8')
    const uploaded = await client.send('POST', '/v1/datasets?name=iris&target=species', csv)
    const dataset: Dataset = uploaded.body
    expect(uploaded.status).toBe(201)
    expect(dataset).toMatchObject({ rows: 150, target: 'species', task: 'classification' })

    const created = await client.send('POST', '/v1/jobs', { dataset_id: dataset.id, seed: 1 })
    expect(created.status).toBe(201)
    expect(created.headers.get('location')).toBe(`/v1/jobs/${created.body.id}`)
    const stream = subscribe(stack, created.body.id)
    const job = await client.finishJob(created.body.id)
    await stream.ended

    expect(job).toMatchObject({ status: 'succeeded', progress: 1, attempt: 1, error: null })
    expect(stream.events.map((event) => event.seq)).toEqual(stream.events.map((_, i) => i + 1))
    const types = stream.events.map((event) => event.type)
    expect(types.slice(0, 3)).toEqual(['job.created', 'job.started', 'job.epoch_completed'])
    expect(types.at(-1)).toBe('job.succeeded')

    const metrics = await client.send('GET', `/v1/jobs/${job.id}/metrics`)
    const rows = metricsListSchema.parse(metrics.body).data
    expect(rows.map((row) => row.epoch)).toEqual(rows.map((_, i) => i + 1))
    expect(rows).toHaveLength(job.final?.epoch ?? 0)

    const layers = await client.send('GET', `/v1/jobs/${job.id}/layers`)
    const observed = layersListSchema.parse(layers.body).data
    expect(observed[0]).toMatchObject({
      epoch: 0,
      layers: [{ layer: 0 }, { layer: 1 }, { layer: 2 }],
    })
    expect(observed.at(-1)?.layers[0]?.dead_share).toBeLessThan(1)

    const weights = await client.send('GET', `/v1/jobs/${job.id}/weights?format=json`)
    const document = weightsDocumentSchema.parse(weights.body)
    expect(document.architecture.classes).toEqual(['setosa', 'versicolor', 'virginica'])
    expect(document.layers.map((layer) => [layer.weight.length, layer.bias.length])).toEqual([
      [128, 128],
      [64, 64],
      [3, 3],
    ])

    const records = [{ sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 }]
    const answer = await client.send('POST', `/v1/jobs/${job.id}/predict`, { records })
    const [prediction] = predictionSchema.parse(answer.body).predictions
    expect(prediction?.label).toBe('setosa')
    expect(prediction?.probabilities?.setosa).toBeGreaterThan(0.9)
  })

  it('carries batch normalization from training into the weights and the predictions', async () => {
    const dataset = await client.createDataset({ builtin: { generator: 'wine' } })

    const job = await client.createJob({
      dataset_id: dataset.id,
      seed: 1,
      model: {
        hidden: [
          { units: 32, activation: 'silu', batch_norm: true, dropout: 0.1 },
          { units: 16, activation: 'leaky_relu' },
        ],
        input_dropout: 0.05,
      },
      training: {
        optimizer: { type: 'adamw', learning_rate: 0.01 },
        lr_schedule: { type: 'linear', warmup_epochs: 2 },
        regularization: { l2: 1e-4 },
        gradient_clip: { norm: 1 },
        class_weight: 'balanced',
        label_smoothing: 0.05,
        epochs: 40,
      },
    })

    const ended = await client.finishJob(job.id)
    expect(ended).toMatchObject({ status: 'succeeded', error: null })
    expect(ended.best?.metrics.val_accuracy).toBeGreaterThanOrEqual(0.9)
    const metrics = await client.send('GET', `/v1/jobs/${job.id}/metrics`)
    const rows = metricsListSchema.parse(metrics.body).data
    expect(rows.map((row) => row.learning_rate).slice(0, 2)).toEqual([0.005, 0.01 * (1 - 1 / 40)])
    expect(rows.every((row) => (row.train_penalty ?? 0) > 0)).toBe(true)
    const weights = await client.send('GET', `/v1/jobs/${job.id}/weights?format=json`)
    const { architecture, layers } = weightsDocumentSchema.parse(weights.body)
    expect(architecture.hidden.map((layer) => layer.batch_norm)).toEqual([true, false])
    expect(layers.map((layer) => layer.running_var?.length)).toEqual([32, undefined, undefined])
    const page = await client.send('GET', `/v1/datasets/${dataset.id}/rows?limit=10`)
    const cells: unknown[][] = page.body.rows
    const answer = await client.send('POST', `/v1/jobs/${job.id}/predict`, {
      rows: cells.map((row) => row.slice(0, -1)),
    })
    const labels = predictionSchema.parse(answer.body).predictions.map(({ label }) => label)
    expect(labels.filter((label, i) => label === cells[i]?.at(-1)).length).toBeGreaterThanOrEqual(9)
  })

  it('teaches XOR to a 2-4-1 network, every row of it', async () => {
    const dataset = await client.createDataset({ builtin: { generator: 'xor' } })

    const job = await client.createJob({
      dataset_id: dataset.id,
      validation: null,
      model: { hidden: [{ units: 4, activation: 'tanh' }] },
      training: { optimizer: { type: 'adam', learning_rate: 0.05 }, epochs: 500 },
      seed: 1,
    })

    const ended = await client.finishJob(job.id)
    expect(ended.final?.metrics.train_accuracy).toBe(1)
  })

  it.each([
    ['iris', 0.95],
    ['wine', 0.95],
    ['digits', 0.96],
  ] as const)(
    'learns %s to a validation accuracy of %f with default settings',
    async (name, goal) => {
      const dataset = await client.createDataset({ builtin: { generator: name } })

      const job = await client.createJob({ dataset_id: dataset.id, seed: 3 })

      const ended = await client.finishJob(job.id)
      expect(ended.best?.metrics.val_accuracy).toBeGreaterThanOrEqual(goal)
    },
  )

  it('gives the same job the same weights, byte for byte, and another seed others', async () => {
    const dataset = await client.createDataset({ builtin: { generator: 'wine' } })
    const submit = (seed: number) =>
      client.createJob({ dataset_id: dataset.id, seed, training: { epochs: 12 } })

    const jobs = [await submit(5), await submit(5), await submit(6)]
    const [first, second, other] = await Promise.all(jobs.map((job) => client.finishJob(job.id)))

    expect(first?.weights?.last.sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(second?.weights).toEqual(first?.weights)
    expect(other?.weights?.last.sha256).not.toBe(first?.weights?.last.sha256)
    const files = await Promise.all(
      [first, second].map((job) => client.send('GET', `/v1/jobs/${job?.id}/weights?format=json`)),
    )
    expect(files[1]?.body).toEqual(files[0]?.body)
  })

  it('says where and why a learning rate was too large', async () => {
    const dataset = await client.createDataset({ builtin: { generator: 'wine' } })

    const job = await client.createJob({
      dataset_id: dataset.id,
      seed: 1,
      training: { optimizer: { type: 'sgd', learning_rate: 1e9 }, epochs: 50 },
    })

    const ended = await client.finishJob(job.id)
    expect(ended).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'diverged', param: 'training.optimizer.learning_rate' },
    })
    expect(ended.error?.at?.batch).toBeGreaterThanOrEqual(1)
    expect(ended.error?.hint).toContain('100000000')
  })

  it('stops at a target, and when its seconds are over', async () => {
    const dataset = await client.createDataset({ builtin: { generator: 'digits' } })
    const long = { epochs: 100_000, early_stopping: null }

    const [reached, timed] = await Promise.all(
      [
        { target: { metric: 'val_accuracy', goal: 'maximize', value: 0.8 } as const },
        { max_seconds: 0.5 },
      ].map(async (limits) => {
        const job = await client.createJob({
          dataset_id: dataset.id,
          seed: 1,
          training: long,
          limits,
        })
        return await client.finishJob(job.id)
      }),
    )

    expect(reached).toMatchObject({ status: 'succeeded', stop_reason: 'target_reached' })
    expect(reached?.final?.metrics.val_accuracy).toBeGreaterThanOrEqual(0.8)
    expect(timed).toMatchObject({ status: 'succeeded', stop_reason: 'max_seconds' })
  })
})
