import { expect, it } from 'vitest'
import { BASE, faultsOf, LEARNING_RATE, resolved, SPEC } from './sweep-spec.fixture.ts'

const onlyParameter = (name: string, parameter: object) =>
  ({ parameters: { [name]: parameter } }) as never

it('fills in every default of a sweep', () => {
  const sweep = resolved({ method: undefined, max_trials: undefined, seed: undefined })

  expect(sweep).toMatchObject({
    method: 'random',
    seed: 1,
    maxTrials: 60,
    repeats: 1,
    objective: { metric: 'val_loss', goal: 'minimize', target: null, at: 'best' },
  })
})

it('maximizes an accuracy unless it is told otherwise', () => {
  expect(resolved({ objective: { metric: 'val_accuracy' } }).objective.goal).toBe('maximize')
})

it.each([
  [
    'an unknown path',
    onlyParameter('training.optimiser.lr', { min: 0.1, max: 1 }),
    '#/parameters/training.optimiser.lr',
  ],
  [
    'an unknown field of a known part',
    onlyParameter('training.optimizer.lr', { min: 0.1, max: 1 }),
    '#/parameters/training.optimizer.lr',
  ],
  [
    'a field that trials must share',
    onlyParameter('validation.fraction', { min: 0.1, max: 0.5 }),
    '#/parameters/validation.fraction',
  ],
  [
    'an empty range',
    onlyParameter(LEARNING_RATE, { distribution: 'uniform', min: 1, max: 1 }),
    `#/parameters/${LEARNING_RATE}/max`,
  ],
  [
    'the logarithm of zero',
    onlyParameter(LEARNING_RATE, { distribution: 'log_uniform', min: 0, max: 1 }),
    `#/parameters/${LEARNING_RATE}/min`,
  ],
  [
    'a bound that the job schema refuses',
    onlyParameter(LEARNING_RATE, { distribution: 'uniform', min: -1, max: 1 }),
    `#/parameters/${LEARNING_RATE}/min`,
  ],
  [
    'a value that the job schema refuses',
    onlyParameter('training.batch_size', { values: [32, -5] }),
    '#/parameters/training.batch_size/values/1',
  ],
  [
    'hidden layers that are no layers',
    onlyParameter('model.hidden', { values: [[16], [32, 16]] }),
    '#/parameters/model.hidden/values/0',
  ],
  [
    'whole numbers with a broken bound',
    onlyParameter('training.batch_size', { distribution: 'int_uniform', min: 1.5, max: 8 }),
    '#/parameters/training.batch_size/min',
  ],
  [
    'probabilities that do not fit',
    onlyParameter('training.batch_size', { values: [8, 16], probabilities: [1] }),
    '#/parameters/training.batch_size/probabilities',
  ],
  ['no parameters', { parameters: {} }, '#/parameters'],
  ['a constraint that cannot be read', { constraints: ['sum(hidden) <'] }, '#/constraints/0'],
  ['a constraint on what is not there', { constraints: ['units < 3'] }, '#/constraints/0'],
  ['a constraint that is no condition', { constraints: ['sum(hidden)'] }, '#/constraints/0'],
  ['constraints that refuse everything', { constraints: ['sum(hidden) < 0'] }, '#/constraints'],
  [
    'an initial point of another sweep',
    { initial_points: [{ 'training.epochs': 3 }] },
    '#/initial_points/0/training.epochs',
  ],
  [
    'an initial point that a constraint refuses',
    { constraints: ['learning_rate < 0.01'], initial_points: [{ [LEARNING_RATE]: 0.05 }] },
    '#/initial_points/0',
  ],
  ['rounds of another method', { rounds: [{ trials: 3 }] }, '#/rounds'],
  [
    'rounds that are not as many as the trials',
    { method: 'coarse_to_fine', rounds: [{ trials: 3 }] },
    '#/max_trials',
  ],
  [
    'a validation metric without validation',
    { base: { ...BASE, validation: null }, objective: { metric: 'val_loss' } },
    '#/objective/metric',
  ],
  ['two data sets', { dataset_id: 'ds_2' }, '#/base/dataset_id'],
  [
    'rungs beyond the epochs',
    { early_termination: { type: 'asha', min_epochs: 90 } },
    '#/early_termination/min_epochs',
  ],
  [
    'a stray field of a distribution',
    onlyParameter(LEARNING_RATE, { distribution: 'uniform', min: 0.1, max: 1, q: 0.1 }),
    `#/parameters/${LEARNING_RATE}/q`,
  ],
] as const)('refuses %s, and says where', (_name, overrides, pointer) => {
  const faults = faultsOf(overrides as never)

  expect(faults.map((fault) => fault.pointer)).toContain(pointer)
})

it('refuses a grid of 10^12 points without listing it', () => {
  const wide = { distribution: 'uniform', min: 0.1, max: 0.9, count: 10_000 } as const
  const startedMs = performance.now()

  const faults = faultsOf({
    method: 'grid',
    max_trials: undefined,
    parameters: {
      [LEARNING_RATE]: wide,
      'training.optimizer.beta1': wide,
      'training.optimizer.beta2': wide,
    },
  })

  expect(faults[0]).toMatchObject({
    pointer: '#/parameters',
    detail: expect.stringContaining('1000000000000 points'),
  })
  expect(performance.now() - startedMs).toBeLessThan(1000)
})

it('refuses a grid over a continuous range without a count', () => {
  expect(faultsOf({ method: 'grid' }).map(({ pointer }) => pointer)).toContain(
    `#/parameters/${LEARNING_RATE}/count`,
  )
})

it('refuses conditions that go round in a circle', () => {
  const faults = faultsOf({
    parameters: {
      'training.optimizer.beta1': { min: 0.1, max: 0.9, when: { beta2: { min: 0.5 } } },
      'training.optimizer.beta2': { min: 0.1, max: 0.9, when: { beta1: { min: 0.5 } } },
    },
  })

  expect(faults.map(({ pointer }) => pointer)).toEqual([
    '#/parameters/training.optimizer.beta1/when',
    '#/parameters/training.optimizer.beta2/when',
  ])
})

it('reports all faults at once', () => {
  const faults = faultsOf({
    parameters: { ...SPEC.parameters, 'training.batch_size': { values: [] as never, min: 3 } },
    constraints: ['(', ')'],
  })

  expect(faults.length).toBeGreaterThanOrEqual(3)
})
