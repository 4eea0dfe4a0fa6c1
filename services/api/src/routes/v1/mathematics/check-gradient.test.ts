import { gradientCheckSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
let iris: string
beforeAll(async () => {
  test = await buildTestApp()
  iris = (await test.makeDataset({ builtin: { generator: 'iris' } })).id
})
afterAll(() => test.close())

const post = (body: unknown, query = '') =>
  test.send('POST', `/v1/gradient_check${query}`, { body })
const check = async (spec: object, query = '') =>
  gradientCheckSchema.parse((await post({ dataset_id: iris, seed: 3, ...spec }, query)).json())

describe('200', () => {
  it('checks every parameter of a small network', async () => {
    const report = await check({ model: { hidden: [{ units: 5, activation: 'gelu' }] } })

    expect(report).toMatchObject({ passed: true, rows: 8, checked: 43, skipped: 0 })
    expect(report.max_relative_error).toBeLessThan(report.tolerance)
    expect(report.tensors.map(({ layer, tensor, entries }) => [layer, tensor, entries])).toEqual([
      [0, 'weight', 20],
      [0, 'bias', 5],
      [1, 'weight', 15],
      [1, 'bias', 3],
    ])
    expect(report.tensors[2]?.worst?.index).toHaveLength(2)
    expect(report.resolved_config.training.loss).toBe('cross_entropy')
  })

  it('does so with everything that changes the gradient', async () => {
    const report = await check(
      {
        model: {
          hidden: [{ units: 7, activation: 'relu', batch_norm: true, dropout: 0.3 }, { units: 4 }],
          input_dropout: 0.1,
        },
        training: {
          regularization: { l1: 0.01, l2: 0.1 },
          label_smoothing: 0.1,
          class_weight: { setosa: 3, versicolor: 1, virginica: 0.5 },
        },
      },
      '?rows=16',
    )

    expect(report).toMatchObject({ passed: true, rows: 16 })
    expect(report.checked).toBeGreaterThan(70)
    expect(report.tensors.map(({ tensor }) => tensor).slice(0, 3)).toEqual([
      'weight',
      'gamma',
      'beta',
    ])
  })

  it('starts from the weights that the job would start from', async () => {
    const classes = ['setosa', 'versicolor', 'virginica']
    const architecture = { inputs: 4, hidden: [], outputs: 3, task: 'classification', classes }
    const layer = { weight: Array(3).fill([0, 0, 0, 0]), bias: [0, 0, 0] }
    const weights = { format: 'trainyard/1', layers: [layer] }
    await test.send('POST', '/v1/models', { body: { name: 'zeros', weights, architecture } })

    const report = await check({
      ...{ model: { hidden: [] }, validation: null, training: { batch_size: 'full' } },
      initial_weights: { model: 'zeros' },
    })

    // All logits are 0, so each class has a third: the bias of a class has the gradient 1/3 minus its share of the rows.
    const bias =
      report.tensors.find(({ tensor }) => tensor === 'bias')?.worst?.analytic ?? Number.NaN
    const shareInEighths = (1 / 3 - bias) * 8
    expect(report.passed).toBe(true)
    expect(shareInEighths).toBeCloseTo(Math.round(shareInEighths), 9)
  })

  it('draws entries of a large network and says how many', async () => {
    const report = await check({ model: { hidden: [{ units: 512 }, { units: 256 }] } })

    expect(report.passed).toBe(true)
    expect(report.checked + report.skipped).toBeLessThan(100)
    expect(report.tensors[2]).toMatchObject({ entries: 131_072 })
  })

  it('has nothing to say where everything lies on a kink', async () => {
    const report = await check({
      model: { hidden: [{ units: 3, activation: 'relu', initializer: 'zeros' }] },
    })

    expect(report.tensors[0]).toMatchObject({ checked: 0, skipped: 12, max_relative_error: null })
  })

  it('leaves no job behind', async () => {
    expect((await test.send('GET', '/v1/jobs')).json().data).toEqual([])
  })
})

describe('404', () => {
  it('needs a data set', async () => {
    expect(toProblem(await post({ dataset_id: 'ds_none' })).code).toBe('dataset_not_found')
  })
})

describe('422', () => {
  it('finds the faults that a submission would', async () => {
    const { errors } = toProblem(
      await post({ dataset_id: iris, training: { loss: 'mse', label_smoothing: 2 } }),
    )

    expect(errors?.[0]?.pointer).toBe('#/training/label_smoothing')
  })

  it.each(['0', '33', '1.5', 'x'])('refuses rows=%s', async (rows) => {
    const { errors } = toProblem(await post({ dataset_id: iris }, `?rows=${rows}`))

    expect(errors).toEqual([expect.objectContaining({ parameter: 'rows' })])
  })

  it('refuses a network that is too much work, by what it is', async () => {
    const problem = toProblem(
      await post({ dataset_id: iris, model: { hidden: [{ units: 4096 }, { units: 4096 }] } }),
    )

    expect(problem.code).toBe('budget_exceeded')
    expect(problem.errors?.[0]?.pointer).toBe('#/model/hidden')
  })
})
