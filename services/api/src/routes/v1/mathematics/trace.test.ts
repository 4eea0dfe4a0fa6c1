import { expressionTraceSchema, networkTraceSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeResolvedConfig } from '../../../../../../test/support/factories.ts'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
let jobId: string
beforeAll(async () => {
  test = await buildTestApp()
  const lease = await test.start(
    await test.insertJob({ resolvedConfig: LINEAR_JOB, parameterCount: 3 }),
  )
  await test.finishWithWeights(lease)
  jobId = lease.jobId
})
afterAll(() => test.close())

/** The network of the weights that `finishWithWeights` stores: σ(4b - 4a). */
const LINEAR_JOB = makeResolvedConfig({
  model: {
    inputs: 2,
    hidden: [],
    input_dropout: 0,
    output: { units: 1, activation: 'sigmoid', initializer: 'auto' },
  },
})

const post = (body: unknown) => test.send('POST', '/v1/trace', { body })
const traceNetwork = async (body: unknown) => networkTraceSchema.parse((await post(body)).json())
const traceExpression = async (expression: string, variables?: Record<string, number>) =>
  expressionTraceSchema.parse((await post({ expression, variables })).json())
const faultsOf = async (body: unknown) => {
  const { status, errors } = toProblem(await post(body))
  expect(status).toBe(422)
  return errors?.map(({ pointer, detail }) => `${pointer} ${detail}`)
}

/** W2(W1 X + b1) + b2 */
const EXAMPLE = {
  inputs: 1,
  hidden: [{ units: 1, activation: 'linear' }],
  outputs: 1,
  layers: [
    { weight: [[2]], bias: [3] },
    { weight: [[4]], bias: [5] },
  ],
}

describe('200 of a network', () => {
  it('gives the worked example of the lecture, and the parameters after one step', async () => {
    const trace = await traceNetwork({
      network: EXAMPLE,
      sample: { inputs: [1] },
      upstream_gradient: 2,
      learning_rate: 0.1,
    })

    expect(trace).toMatchObject({ outputs: [25], loss: null, probabilities: null, classes: null })
    expect(trace.layers).toEqual([
      {
        ...{ activation: 'linear', z: [5], a: [5], delta: [8] },
        parameters: { weight: [[2]], bias: [3] },
        gradients: { weight: [[8]], bias: [8] },
        after_step: { weight: [[1.2]], bias: [2.2] },
      },
      {
        ...{ activation: 'linear', z: [25], a: [25], delta: [2] },
        parameters: { weight: [[4]], bias: [5] },
        gradients: { weight: [[10]], bias: [2] },
        after_step: { weight: [[3]], bias: [4.8] },
      },
    ])
  })

  it('gives the softmax of 6.5, 2.0, 3.3 and its negative log-likelihood', async () => {
    const { probabilities, loss } = await traceNetwork({
      network: {
        ...{ inputs: 1, outputs: 3, loss: 'cross_entropy' },
        layers: [{ weight: [[6.5], [2], [3.3]], bias: [0, 0, 0] }],
      },
      sample: { inputs: [1], target: 0 },
    })

    expect(probabilities?.map((p) => Number(p?.toFixed(2)))).toEqual([0.95, 0.01, 0.04])
    expect(loss).toBeCloseTo(-Math.log(probabilities?.[0] ?? 0), 12)
  })

  it('draws the weights by the seed where there are none', async () => {
    const body = {
      network: {
        ...{ inputs: 2, outputs: 1, loss: { type: 'huber', delta: 0.5 }, seed: 5 },
        hidden: [{ units: 3, activation: 'tanh', batch_norm: true, dropout: 0.5 }],
      },
      sample: { inputs: [0.1, 0.2], target: 3 },
    }

    const trace = await traceNetwork(body)

    expect(trace.layers[0]?.y).toHaveLength(3)
    expect(trace.layers[0]?.parameters.gamma).toEqual([1, 1, 1])
    expect(trace.layers[1]?.delta).toEqual([-0.5])
    expect(await traceNetwork(body)).toEqual(trace)
    const other = await traceNetwork({ ...body, network: { ...body.network, seed: 6 } })
    expect(other.layers[0]?.parameters.weight).not.toEqual(trace.layers[0]?.parameters.weight)
  })

  it('shows what leaves float64 as null, by name', async () => {
    const trace = await traceNetwork({
      network: { ...EXAMPLE, layers: EXAMPLE.layers.map((l) => ({ ...l, weight: [[1e200]] })) },
      sample: { inputs: [1e200] },
      upstream_gradient: -1,
    })

    expect(trace.outputs).toEqual([null])
    expect(trace.non_finite).toMatchObject({ 'outputs/0': 'inf', 'layers/1/z/0': 'inf' })
  })

  it('takes the weights of a job with a raw record and the name of a class', async () => {
    const trace = await traceNetwork({
      job_id: jobId,
      sample: { record: { a: 0, b: 1 }, target: 'yes' },
    })

    const p = 1 / (1 + Math.exp(-4))
    expect(trace).toMatchObject({ inputs: [0, 1], outputs: [4], classes: ['no', 'yes'] })
    expect(trace.probabilities?.[0]).toBeCloseTo(p, 12)
    expect(trace.loss).toBeCloseTo(-Math.log(p), 12)
    expect(trace.layers[0]?.gradients.weight[0]?.[1]).toBeCloseTo(p - 1, 12)
  })

  it('takes a registered model, by a raw record or by the inputs of the network', async () => {
    await test.send('POST', '/v1/models', { body: { name: 'traced', job_id: jobId } })
    const sample = { record: { a: 0, b: 1 }, target: 'yes' }

    const ofModel = await traceNetwork({ model: 'traced', sample })
    const ofJob = await traceNetwork({ job_id: jobId, sample })
    const ofInputs = await traceNetwork({
      ...{ model: 'traced', version: 1 },
      sample: { inputs: ofJob.inputs, target: 'yes' },
    })

    expect(ofModel).toEqual(ofJob)
    expect(ofInputs).toEqual(ofJob)
  })
})

describe('200 of an expression', () => {
  it('gives every node of (100*2)+50', async () => {
    const { value, nodes, gradients } = await traceExpression('(100*2)+50')

    expect(value).toBe(250)
    expect(nodes[2]).toEqual({
      ...{ id: 2, op: 'multiply', inputs: [0, 1], text: '100*2', value: 200 },
      ...{ gradient: 1, local_gradients: [2, 100] },
    })
    expect(gradients).toEqual({})
  })

  it('gives the gradient of every variable, whatever it is called', async () => {
    const { value, gradients } = await traceExpression('max(x*constructor, z)', {
      ...{ x: 3, constructor: -4, z: 2 },
    })

    expect(value).toBe(2)
    expect(gradients).toEqual({ x: 0, constructor: 0, z: 1 })
  })

  it('names what is not finite', async () => {
    const { value, gradients, non_finite } = await traceExpression('log(x)', { x: 0 })

    expect([value, gradients.x]).toEqual([null, null])
    expect(non_finite).toMatchObject({ value: '-inf', 'gradients/x': 'inf' })
  })

  it('stays small for the longest chain', async () => {
    const response = await post({ expression: `1${'+1'.repeat(499)}` })

    expect(response.statusCode).toBe(200)
    expect(response.rawPayload.length).toBeLessThan(250_000)
  })
})

describe('404', () => {
  it('needs a job with weights', async () => {
    const sample = { record: { a: 1, b: 1 }, target: 'yes' }
    const { id } = await test.insertJob()

    expect(toProblem(await post({ job_id: 'job_none', sample })).code).toBe('job_not_found')
    expect(toProblem(await post({ job_id: id, sample })).code).toBe('weights_not_found')
    expect(toProblem(await post({ model: 'none', sample })).code).toBe('model_not_found')
  })
})

describe('422', () => {
  it.each([
    ['2 ^ 3', '#/expression column 3: "^" has no meaning here'],
    ['process.exit()', '#/expression column 8: "." has no meaning here'],
    ['require("fs")', '#/expression column 1: "require" is no function'],
    ['x + 1', '#/expression column 1: the variable "x" has no value'],
    ['('.repeat(2000), '#/expression column 101: is nested more than 100 levels deep'],
    ['1'.repeat(1_000_000), '#/expression must have at most 2000 characters, got 1000000'],
    ['', '#/expression must have at least 1 characters, got 0'],
  ])('says where the expression %.20s goes wrong', async (expression, fault) => {
    expect(await faultsOf({ expression })).toEqual([expect.stringContaining(fault)])
  })

  it('names a variable that is not used, and refuses what reaches a prototype', async () => {
    expect(await faultsOf({ expression: '1', variables: { 'a/b': 1, toString: 2 } })).toEqual([
      '#/variables/a~1b the expression does not use "a/b"',
      '#/variables/toString the expression does not use "toString"',
    ])
    const hostile = '{"expression":"1","variables":{"__proto__":1}}'
    const response = await test.send('POST', '/v1/trace', {
      body: hostile,
      headers: { 'content-type': 'application/json' },
    })
    expect(toProblem(response).errors?.[0]?.pointer).toBe('#/variables/__proto__')
  })

  it('says what of a network does not fit, all at once', async () => {
    const network = {
      ...{ inputs: 2, outputs: 2, loss: 'binary_cross_entropy' },
      layers: [{ weight: [[1, 2], [3]], bias: [0], gamma: [1, 1] }],
    }

    expect(await faultsOf({ network, sample: { inputs: [1], target: 1 } })).toEqual([
      '#/network/outputs binary_cross_entropy has 1 output, got 2',
      '#/network/layers/0/weight/1 must hold 2 numbers, got 1',
      '#/network/layers/0/bias must hold 2 numbers, got 1',
      '#/network/layers/0/gamma the layer has no batch normalization',
      '#/sample/inputs must hold 2 numbers, got 1',
    ])
  })

  it.each([
    ['neither', {}, '#/sample/target give either this or upstream_gradient, one of them'],
    ['both', { target: 1, upstream: 1 }, '#/sample/target give either this or upstream_gradient'],
    ['no loss', { target: 1 }, '#/network/loss is required for a target'],
    ['two for one', { upstream: [1, 2] }, '#/upstream_gradient must hold 1 numbers'],
  ])(
    'asks for one beginning of the gradient: %s',
    async (_what, { target, upstream }: { target?: number; upstream?: unknown }, fault) => {
      const body = {
        network: EXAMPLE,
        sample: { inputs: [1], target },
        upstream_gradient: upstream,
      }

      expect(await faultsOf(body)).toContainEqual(expect.stringContaining(fault))
    },
  )

  it('names one of a quarter of a million weights of the wrong kind, and a smoothing without classes', async () => {
    const layers = [{ weight: [Array(250_000).fill('')], bias: [] }]
    const network = { inputs: 1, outputs: 1, label_smoothing: 0.1 }
    const rest = { sample: { inputs: [1] }, upstream_gradient: 1 }

    expect(await faultsOf({ network: { ...network, layers }, ...rest })).toEqual([
      '#/network/layers/0/weight/0/0 must be a finite number, got string',
      '#/network/layers/0/bias must hold at least 1 item',
    ])
    expect(await faultsOf({ network, ...rest })).toEqual([
      '#/network/label_smoothing is for cross_entropy and binary_cross_entropy alone',
    ])
  })

  it('knows the classes of a job and the columns of its records', async () => {
    const record = { a: 0, b: 1 }

    expect(await faultsOf({ job_id: jobId, sample: { record, target: 'maybe' } })).toEqual([
      '#/sample/target is none of the classes "no", "yes"',
    ])
    const [fault] =
      (await faultsOf({ job_id: jobId, sample: { record: { a: 0 }, target: 'no' } })) ?? []
    expect(fault).toContain('#/sample/record/b')
  })

  it('asks for what a model without preprocessing can be given', async () => {
    const architecture = { inputs: 1, hidden: [], outputs: 1, task: 'regression' }
    const weights = { format: 'trainyard/1', layers: [{ weight: [[2]], bias: [3] }] }
    await test.send('POST', '/v1/models', { body: { name: 'bare', weights, architecture } })
    const faults = (sample: object) => faultsOf({ model: 'bare', sample: { ...sample, target: 1 } })

    expect(await faults({})).toEqual(['#/sample/record give either this or inputs, one of them'])
    expect(await faults({ record: { a: 1 } })).toEqual([
      '#/sample/record the model has no preprocessing; give the inputs of the network',
    ])
    expect(await faults({ inputs: [1, 2] })).toEqual(['#/sample/inputs must hold 1 numbers, got 2'])
  })

  it('is bounded in parameters', async () => {
    const network = { inputs: 200, hidden: [{ units: 200 }], outputs: 1 }

    const problem = toProblem(
      await post({ network, sample: { inputs: [1] }, upstream_gradient: 1 }),
    )

    expect(problem.code).toBe('budget_exceeded')
    expect(problem.errors?.[0]?.detail).toContain('40401 parameters')
  })
})
