/** Ideas of the lecture, as a student would try them: by the public API alone. */
import {
  diagnosisSchema,
  type JobSpec,
  predictionSchema,
  weightsDocumentSchema,
} from '@trainyard/contracts'
import { mergePatch } from '@trainyard/domain'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeClient, type TestClient } from '../support/client.ts'
import { startStack, type TestStack } from '../support/stack.ts'

const PERCEPTRON = {
  model: { hidden: [], output: { activation: 'step' } },
  training: { optimizer: { type: 'perceptron', learning_rate: 0.1 }, epochs: 60 },
  seed: 1,
} satisfies Partial<JobSpec>

let stack: TestStack
let client: TestClient

beforeAll(async () => {
  stack = await startStack({ queue: 'postgres' })
  client = makeClient(stack)
})

afterAll(() => stack?.stop())

describe('the perceptron of 1958', () => {
  it.each([
    ['and', ['0', '0', '0', '1']],
    ['or', ['0', '1', '1', '1']],
  ])('learns %s, and predicts each of its rows', async (generator, labels) => {
    const dataset = await client.createDataset({ builtin: { generator } })

    const job = await client.createJob({ dataset_id: dataset.id, ...PERCEPTRON })

    const ended = await client.finishJob(job.id)
    expect(ended.final?.metrics).toMatchObject({ train_loss: 0, train_accuracy: 1 })
    const rows = [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]
    const answer = await client.send('POST', `/v1/jobs/${job.id}/predict`, { rows })
    expect(predictionSchema.parse(answer.body).predictions.map(({ label }) => label)).toEqual(
      labels,
    )
    const weights = await client.send('GET', `/v1/jobs/${job.id}/weights`)
    expect(weightsDocumentSchema.parse(weights.body).architecture).toMatchObject({
      hidden: [],
      outputs: 1,
      output_activation: 'step',
    })
    expect(await diagnose(job.id)).toEqual([])
  })

  it('tells three species apart, a unit for each', async () => {
    const dataset = await client.createDataset({ builtin: { generator: 'iris' } })

    const job = await client.createJob({ dataset_id: dataset.id, ...PERCEPTRON })

    const ended = await client.finishJob(job.id)
    expect(ended.resolved_config.model.output.units).toBe(3)
    expect(ended.best?.metrics.val_accuracy).toBeGreaterThanOrEqual(0.9)
  })

  it('fails on XOR and is told to add a hidden layer, which solves it', async () => {
    const dataset = await client.createDataset({ builtin: { generator: 'xor' } })
    const spec = { dataset_id: dataset.id, ...PERCEPTRON }

    const job = await client.createJob(spec)

    const ended = await client.finishJob(job.id)
    expect(ended.best?.metrics.train_loss).toBeGreaterThan(0)
    const [finding] = await diagnose(job.id)
    expect(finding?.message).toBe('not linearly separable by this model: add a hidden layer')
    const mended = await client.createJob(mergePatch(spec, finding?.suggested_patch) as JobSpec)
    expect((await client.finishJob(mended.id)).final?.metrics.train_accuracy).toBe(1)
    expect(await diagnose(mended.id)).toEqual([])
  })
})

describe('the worked example of back-propagation', () => {
  it('takes the step by hand: X = 1, y = 24, W1 = 2, b1 = 3, W2 = 4, b2 = 5, rate 0.1', async () => {
    const weights = {
      format: 'trainyard/1',
      layers: [
        { weight: [[2]], bias: [3] },
        { weight: [[4]], bias: [5] },
      ],
    }
    const hidden = [{ units: 1, activation: 'linear' as const }]
    const architecture = { inputs: 1, hidden, outputs: 1, task: 'regression' }
    const imported = await client.send('POST', '/v1/models', {
      name: 'worked-example',
      weights,
      architecture,
    })
    expect(imported.status).toBe(201)
    const dataset = await client.createDataset({
      columns: ['X', 'y'],
      rows: [[1, 24]],
      target: 'y',
    })

    const job = await client.createJob({
      dataset_id: dataset.id,
      preprocessing: { numeric: 'none' },
      validation: null,
      model: { hidden },
      training: {
        loss: 'mse',
        optimizer: { type: 'sgd', learning_rate: 0.1 },
        batch_size: 1,
        epochs: 1,
      },
      initial_weights: { model: 'worked-example' },
    })

    const ended = await client.finishJob(job.id)
    // Output 25 before the step: a loss of 1 and an upstream gradient of 2.
    expect(ended.final?.metrics.train_loss).toBe(1)
    const answer = await client.send('GET', `/v1/jobs/${job.id}/weights?which=last`)
    const { layers } = weightsDocumentSchema.parse(answer.body)
    expect(layers[0]?.weight[0]?.[0]).toBeCloseTo(1.2, 6)
    expect(layers[0]?.bias[0]).toBeCloseTo(2.2, 6)
    expect(layers[1]?.weight[0]?.[0]).toBeCloseTo(3, 6)
    expect(layers[1]?.bias[0]).toBeCloseTo(4.8, 6)
  })
})

async function diagnose(jobId: string) {
  const answer = await client.send('GET', `/v1/jobs/${jobId}/diagnosis`)
  return diagnosisSchema.parse(answer.body).findings
}
