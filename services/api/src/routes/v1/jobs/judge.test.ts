import {
  dependenceSchema,
  importanceSchema,
  inputGradientSchema,
  type JobId,
  jobEvaluationSchema,
} from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertJob, makeResolvedConfig } from '../../../../../../test/support/factories.ts'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

/** The model says `yes` where b > a; row 3 is labelled against it, and row 4 was left out. */
const ROWS = [
  [0, 1, 'yes'],
  [1, 0, 'no'],
  [0, 2, 'yes'],
  [3, 1, 'yes'],
  [9, 9, 'no'],
  [5, 1, 'no'],
]
const SPLIT = Uint8Array.of(1, 1, 2, 2, 0, 2)

let test: TestApp
let jobId: JobId
beforeAll(async () => {
  test = await buildTestApp()
  jobId = await finishJob(ROWS, SPLIT)
})
afterAll(() => test.close())

async function finishJob(rows: unknown[][], split?: Uint8Array): Promise<JobId> {
  const body = { name: 'larger', columns: ['a', 'b', 'y'], rows, target: 'y' }
  const dataset = await test.makeDataset(body)
  const validation = { fraction: 0.5, stratify: false, group_column: null }
  const resolvedConfig = makeResolvedConfig({ validation })
  const { projectId } = test.first
  const job = await insertJob(test.stores, projectId, dataset.id, { resolvedConfig })
  await test.finishWithWeights(await test.start(job), [], split)
  return job.id
}

const get = (path: string, id = jobId) => test.send('GET', `/v1/jobs/${id}/${path}`)

describe('evaluation', () => {
  it('judges the validation rows by the weights asked for', async () => {
    const evaluation = jobEvaluationSchema.parse((await get('evaluation?which=last')).json())

    expect(evaluation).toMatchObject({ job_id: jobId, which: 'last', epoch: 10 })
    expect(evaluation.validation).toMatchObject({
      task: 'classification',
      rows: 3,
      confusion: [
        [1, 0],
        [1, 1],
      ],
      classes: [
        { label: 'no', precision: 0.5, recall: 1, support: 1 },
        { label: 'yes', precision: 1, recall: 0.5, support: 2 },
      ],
      top_k: [],
      roc_auc: 1,
    })
  })

  it('judges the rows of the test part beside them', async () => {
    const id = await finishJob(ROWS, Uint8Array.of(1, 1, 2, 255, 0, 255))

    const evaluation = jobEvaluationSchema.parse((await get('evaluation', id)).json())

    expect(evaluation.validation).toMatchObject({ rows: 1, accuracy: 1 })
    expect(evaluation.test).toMatchObject({ rows: 2, accuracy: 0.5 })
  })

  it('needs the split of an ended job', async () => {
    const running = await test.insertJob()

    expect(toProblem(await get('evaluation', running.id)).code).toBe('weights_not_found')
    expect(toProblem(await get('evaluation', await finishJob(ROWS))).code).toBe('split_not_found')
  })

  it("is nobody else's", async () => {
    const response = await test.send('GET', `/v1/jobs/${jobId}/evaluation`, {
      key: test.second.text,
    })

    expect(toProblem(response).code).toBe('job_not_found')
  })

  it('has no part where nothing validated', async () => {
    const id = await finishJob(ROWS, Uint8Array.of(1, 1, 1, 1, 1, 1))

    const evaluation = jobEvaluationSchema.parse((await get('evaluation', id)).json())

    expect([evaluation.validation, evaluation.test]).toEqual([null, null])
  })
})

describe('importance', () => {
  it('ranks the columns, over the validation rows or, without, the training rows', async () => {
    const trained = await finishJob(ROWS, Uint8Array.of(1, 1, 1, 1, 1, 1))

    const own = importanceSchema.parse((await get('importance')).json())
    const other = importanceSchema.parse((await get('importance?repeats=30', trained)).json())

    expect(own).toMatchObject({ part: 'validation', rows: 3, repeats: 5, metric: 'accuracy' })
    expect(own.value).toBeCloseTo(2 / 3, 12)
    expect(other).toMatchObject({ part: 'training', rows: 6, repeats: 30 })
    expect(other.columns.map(({ column }) => column).sort()).toEqual(['a', 'b'])
  })

  it('refuses more repeats than it makes', async () => {
    const { code, errors } = toProblem(await get('importance?repeats=31'))

    expect(code).toBe('validation_error')
    expect(errors?.[0]).toMatchObject({ parameter: 'repeats' })
  })
})

describe('dependence', () => {
  it('gives the mean probability of every class at values that occur', async () => {
    const dependence = dependenceSchema.parse((await get('dependence?column=b')).json())

    expect(dependence).toMatchObject({ column: 'b', outputs: ['no', 'yes'], rows: 3 })
    expect(dependence.points.map(({ value }) => value)).toEqual([1, 2])
    const [first, second] = dependence.points
    expect(second?.means[1]).toBeGreaterThan(first?.means[1] ?? 1)
  })

  it('names the features when it is asked for none of them', async () => {
    const { code, errors } = toProblem(await get('dependence?column=y'))

    expect(code).toBe('validation_error')
    expect(errors).toEqual([
      { parameter: 'column', detail: 'is no feature of the model; it has "a", "b"' },
    ])
  })
})

describe('input_gradient', () => {
  const ask = (record: object) =>
    test.send('POST', `/v1/jobs/${jobId}/input_gradient`, { body: { record } })

  it('gives the slopes of the logit of the second class', async () => {
    const gradient = inputGradientSchema.parse((await ask({ a: 1, b: 2 })).json())

    expect(gradient.outputs).toEqual([
      {
        output: 'yes',
        inputs: [
          { column: 'a', input: 'value', encoded: 1, gradient: -4, gradient_per_unit: -4 },
          { column: 'b', input: 'value', encoded: 2, gradient: 4, gradient_per_unit: 4 },
        ],
      },
    ])
  })

  it('names a column that the record lacks', async () => {
    const { code, errors } = toProblem(await ask({ a: 1 }))

    expect(code).toBe('invalid_data')
    expect(errors?.[0]).toMatchObject({ pointer: '#/record/b' })
  })
})
