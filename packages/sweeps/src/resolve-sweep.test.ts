import { expect, it } from 'vitest'
import { toJobSpec } from './job-spec-of.ts'
import { BASE, faultsOf, LEARNING_RATE, resolved, SPEC } from './sweep-spec.fixture.ts'
import { listProbes, tryInitialPoints } from './try-values.ts'

const onlyParameter = (name: string, parameter: object) =>
  ({ parameters: { [name]: parameter } }) as object

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
  [
    'an entry that a list does not have',
    {
      base: { ...BASE, model: { hidden: [{ units: 8 }] } },
      ...onlyParameter('model.hidden.1.units', { min: 2, max: 8 }),
    },
    '#/parameters/model.hidden.1.units/min',
  ],
  [
    'a field that no list has',
    {
      base: { ...BASE, model: { hidden: [{ units: 8 }] } },
      ...onlyParameter('model.hidden.length', { values: [0, 1] }),
    },
    '#/parameters/model.hidden.length/values/0',
  ],
  [
    'a condition that can never hold',
    {
      parameters: {
        'training.optimizer.type': { values: ['sgd', 'momentum'] },
        'training.optimizer.momentum': {
          values: [0.9, 0.99],
          when: { type: { in: ['Momentum'] } },
        },
      },
    },
    '#/parameters/training.optimizer.momentum/when',
  ],
  [
    'a constraint on a value, however rare, that it cannot compare',
    {
      ...onlyParameter('training.batch_size', { values: [16, 'full'], probabilities: [1, 0] }),
      constraints: ['batch_size < 64'],
    },
    '#/constraints/0',
  ],
  [
    'more initial points than a grid has trials',
    {
      ...onlyParameter('training.batch_size', { values: [8, 16] }),
      ...{ method: 'grid', max_trials: 1 },
      initial_points: [{ 'training.batch_size': 8 }, { 'training.batch_size': 16 }],
    },
    '#/initial_points',
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

it('says the limit and the value of what a job refuses', () => {
  const parameter = onlyParameter('training.batch_size', { values: [32, -5] })

  expect(faultsOf(parameter as never)[0]?.detail).toBe(
    'Too small: expected number to be >=1, got -5',
  )
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

it('refuses more listed values than can be tried, without trying them', () => {
  const values = Array.from({ length: 1000 }, (_, i) => i + 1)
  const hidden = Array.from({ length: 3 }, () => ({ units: 2 }))
  const parameters = Object.fromEntries(
    hidden.map((_, i) => [`model.hidden.${i}.units`, { values }]),
  )

  expect(faultsOf({ base: { ...BASE, model: { hidden } }, parameters })).toEqual([
    { pointer: '#/parameters', detail: 'list 3000 values, at most 2000 are accepted' },
  ])
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

it.each([
  [
    'a field of one optimizer',
    {
      'training.optimizer.type': { values: ['sgd', 'momentum'] },
      'training.optimizer.momentum': { values: [0.9, 0.99], when: { type: { in: ['momentum'] } } },
    },
  ],
  [
    'a layer that not all have',
    {
      'model.hidden': { values: [[{ units: 4 }], [{ units: 4 }, { units: 4 }]] },
      'model.hidden.1.units': { min: 2, max: 9, when: { hidden: { min_layers: 2 } } },
    },
  ],
  [
    'a condition on a condition',
    {
      'training.early_stopping': { values: [null, { patience: 2 }] },
      'training.early_stopping.patience': {
        ...{ min: 2, max: 9 },
        when: { early_stopping: { in: [{ patience: 2 }] } },
      },
      'training.early_stopping.min_delta': {
        ...{ distribution: 'uniform', min: 0, max: 0.1 },
        when: { patience: { min: 4.5, max: 5.5 } },
      },
    },
  ],
])('takes %s whatever the seed: its values are tried where it is there', (_name, parameters) => {
  for (let seed = 0; seed < 50; seed++) {
    expect(faultsOf({ seed, parameters: parameters as never })).toEqual([])
    listProbes(resolved({ seed, parameters: parameters as never })).forEach((params) => {
      expect(toJobSpec(BASE, 'ds_1', params)).toHaveProperty('spec')
    })
  }
})

it('takes an initial point for which some draw of the rest is allowed, whatever the seed', () => {
  const point = { [LEARNING_RATE]: 0.05 }

  for (let seed = 0; seed < 50; seed++) {
    const constraints = ['learning_rate + l2 < 0.1']
    expect(faultsOf({ seed, constraints, initial_points: [point] })).toEqual([])
  }
})

it('finds the values of initial points that are not searched', () => {
  const sweep = resolved({
    initial_points: [
      { [LEARNING_RATE]: 1e-4, 'model.hidden': [{ units: 16 }] },
      { [LEARNING_RATE]: 0.2, 'model.hidden': [{ units: 17 }] },
    ],
  })

  expect(tryInitialPoints(sweep)).toEqual([
    {
      pointer: `#/initial_points/1/${LEARNING_RATE}`,
      detail: 'is 0.2, not a number from 0.0001 to 0.1, the range of the parameter',
    },
    {
      pointer: '#/initial_points/1/model.hidden',
      detail: 'is [{"units":17}], not one of the 3 values of the parameter',
    },
  ])
})
