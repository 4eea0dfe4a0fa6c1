/** Specifications from a grammar, then broken at random: each is accepted or refused by name, and none is our fault. */
import { jobQuoteSchema } from '@trainyard/contracts'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../../test-app.fixture.ts'

const RUNS = 500
const SEED = 20

let test: TestApp
const datasetIds: string[] = []
beforeAll(async () => {
  test = await buildTestApp()
  for (const generator of ['iris', 'xor', 'moons']) {
    datasetIds.push((await test.makeDataset({ builtin: { generator } })).id)
  }
  const lines = Array.from({ length: 60 }, (_, i) => `${i},${'pqr'.charAt(i % 3)},${i * 1.5}`)
  const regression = await test.send('POST', '/v1/datasets', {
    body: `a,b,y\n${lines.join('\n')}\n`,
    headers: { 'content-type': 'text/csv' },
  })
  datasetIds.push(regression.json().id)
})
afterAll(() => test.close())

const oneOf = <Value>(...values: Value[]) => fc.constantFrom(...values)
const some = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })

const layer = fc.record({
  units: oneOf(1, 3, 64, 5000, 65_536),
  batch_norm: some(fc.boolean()),
  dropout: some(oneOf(0, 0.5, 0.999)),
  activation: oneOf('linear', 'relu', 'tanh', 'sigmoid', 'gelu', 'step'),
  initializer: oneOf<unknown>('auto', 'zeros', 'he_normal', 'orthogonal', {
    type: 'normal',
    std: 1e30,
  }),
})
const training = fc.record({
  loss: some(
    oneOf<unknown>('auto', 'cross_entropy', 'binary_cross_entropy', 'mse', 'hinge', {
      type: 'huber',
      delta: 1,
    }),
  ),
  optimizer: some(
    oneOf<unknown>(
      { type: 'sgd', learning_rate: 1e6 },
      { type: 'adam', epsilon: 1e-12 },
      { type: 'momentum', momentum: 0.99, nesterov: true },
      { type: 'adamw', learning_rate: 1e9, weight_decay: 1e300 },
      { type: 'rmsprop', rho: 0 },
      { type: 'adagrad' },
      { type: 'perceptron' },
    ),
  ),
  lr_schedule: some(
    oneOf<unknown>(
      { type: 'inverse_time', decay: 1e300 },
      { type: 'reduce_on_plateau', patience: 0 },
      { type: 'cosine', warmup_epochs: 100_000 },
    ),
  ),
  regularization: some(oneOf<unknown>(null, {}, { l1: 1e300, l2: 0 })),
  gradient_clip: some(oneOf<unknown>({ norm: 1e-300 }, { value: 1e300 })),
  class_weight: some(
    oneOf<unknown>('balanced', [], [1, 1, 1], { setosa: 2 }, { '\ud800/~': 1 }, { constructor: 1 }),
  ),
  label_smoothing: some(oneOf(0, 0.1)),
  batch_size: some(oneOf<unknown>('full', 1, 32, 65_536)),
  epochs: some(oneOf(1, 100_000)),
  early_stopping: some(oneOf<unknown>(null, { metric: 'val_accuracy' }, { metric: 'train_loss' })),
})
const spec = fc.record({
  dataset_id: fc.nat(3),
  task: some(oneOf('auto', 'classification', 'regression')),
  model: some(
    fc.oneof(
      fc.constant('auto'),
      fc.record({
        hidden: fc.array(layer, { maxLength: 4 }),
        output: some(oneOf<unknown>('auto', {}, { activation: 'softmax' }, { activation: 'step' })),
      }),
    ),
  ),
  training: some(training),
  validation: some(
    oneOf<unknown>(
      null,
      { fraction: 0.01 },
      { fraction: 0.999 },
      { folds: 3 },
      { stratify: false },
    ),
  ),
  preprocessing: some(
    oneOf<unknown>(
      { numeric: 'robust' },
      { missing: 'drop_row' },
      { missing: { constant: 1e300 } },
      { max_levels: 1 },
      { target: 'standardize' },
    ),
  ),
  limits: some(
    oneOf<unknown>(
      null,
      { max_seconds: 1e-9 },
      { target: { metric: 'val_accuracy', goal: 'maximize', value: 2 } },
    ),
  ),
})
const anything = oneOf<unknown>(
  0,
  -0,
  -1,
  0.5,
  1e308,
  5e-324,
  2 ** 53,
  '5',
  true,
  null,
  [],
  {},
  'auto',
  'x'.repeat(300),
  [[]],
  '\ud800',
  '\0',
)
/** Where to put what: the numbers choose a path by walking down. */
const mutation = fc.record({
  walk: fc.array(fc.nat(20), { minLength: 1, maxLength: 5 }),
  value: anything,
})

function mutate(root: Record<string, unknown>, walk: readonly number[], value: unknown): void {
  let at = root
  for (const [i, step] of walk.entries()) {
    const names = Object.keys(at)
    const name = names[step % names.length]
    if (name === undefined) return
    const next = at[name]
    if (i === walk.length - 1 || typeof next !== 'object' || next === null) {
      at[name] = value
      return
    }
    at = next as Record<string, unknown>
  }
}

it('answers every specification with a quote or with what is wrong', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(spec, fc.array(mutation, { maxLength: 2 }), async (whole, mutations) => {
      // Through JSON once, so that values shared between specifications are not changed for all.
      const body = JSON.parse(
        JSON.stringify({ ...whole, dataset_id: datasetIds[whole.dataset_id] }),
      )
      for (const { walk, value } of mutations) mutate(body, walk, structuredClone(value))

      const response = await test.send('POST', '/v1/jobs?dry_run=true', { body })

      if (response.statusCode === 200) {
        jobQuoteSchema.parse(response.json())
        return
      }
      const problem = toProblem(response)
      expect([404, 422]).toContain(problem.status)
      if (problem.status === 422) expect(problem.errors?.every(({ pointer }) => pointer)).toBe(true)
    }),
    { numRuns: RUNS, seed: SEED },
  )
})
