import { expect, it } from 'vitest'
import { toJobSpec } from './job-spec-of.ts'
import { makeSuggest } from './suggest.ts'
import { LEARNING_RATE, resolved, SPEC } from './sweep-spec.fixture.ts'

const range = (count: number) => Array.from({ length: count }, (_, i) => i)

it('draws the same values for a trial whatever was drawn before it', () => {
  const suggest = makeSuggest(resolved())
  const forwards = range(20).map((i) => suggest(i))

  const backwards = range(20)
    .reverse()
    .map((i) => makeSuggest(resolved())(i))
    .reverse()

  expect(backwards).toEqual(forwards)
})

it('draws values for a trial that do not depend on how many there are or on other parameters', () => {
  const few = makeSuggest(resolved())(5)

  const many = makeSuggest(
    resolved({
      max_trials: 10_000,
      parameters: {
        ...SPEC.parameters,
        'training.label_smoothing': { distribution: 'uniform', min: 0, max: 0.2 },
      },
    }),
  )(5)

  expect(many).toMatchObject(few as object)
})

it('draws other values for another seed', () => {
  expect(makeSuggest(resolved({ seed: 8 }))(0)).not.toEqual(makeSuggest(resolved({ seed: 7 }))(0))
})

it('spreads a logarithmic range evenly over its magnitudes', () => {
  const suggest = makeSuggest(resolved({ max_trials: 3000 }))

  const rates = range(3000).map((i) => suggest(i)?.[LEARNING_RATE] as number)

  for (const [low, high] of [
    [1e-4, 1e-3],
    [1e-3, 1e-2],
    [1e-2, 1e-1],
  ] as const) {
    const share = rates.filter((rate) => rate >= low && rate < high).length / rates.length
    expect(share).toBeCloseTo(1 / 3, 1)
  }
})

it('draws whole numbers, steps and both ends of a range', () => {
  const suggest = makeSuggest(
    resolved({
      parameters: {
        'training.batch_size': { min: 1, max: 4 },
        'training.regularization.l2': { distribution: 'q_uniform', min: 0, max: 0.3, q: 0.1 },
      },
      max_trials: 200,
    }),
  )

  const drawn = range(200).map((i) => suggest(i))

  expect(new Set(drawn.map((params) => params?.['training.batch_size']))).toEqual(
    new Set([1, 2, 3, 4]),
  )
  expect(new Set(drawn.map((params) => params?.['training.regularization.l2']))).toEqual(
    new Set([0, 0.1, 0.2, 0.3]),
  )
})

it('leaves a parameter out where its condition does not hold', () => {
  const suggest = makeSuggest(
    resolved({
      parameters: {
        ...SPEC.parameters,
        'model.input_dropout': {
          distribution: 'uniform',
          min: 0.1,
          max: 0.5,
          when: { hidden: { min_layers: 2 } },
        },
      },
    }),
  )

  for (const i of range(20)) {
    const params = suggest(i) ?? {}
    const layers = (params['model.hidden'] as unknown[]).length
    expect('model.input_dropout' in params).toBe(layers >= 2)
  }
})

it('never starts a trial that a constraint refuses', () => {
  const suggest = makeSuggest(
    resolved({ constraints: ['sum(hidden) <= 512 and learning_rate < 0.01'] }),
  )

  for (const i of range(20)) {
    const params = suggest(i) ?? {}
    expect(params['model.hidden']).not.toEqual([{ units: 256 }, { units: 512 }])
    expect(params[LEARNING_RATE]).toBeLessThan(0.01)
  }
})

it('begins with the initial points', () => {
  const suggest = makeSuggest(resolved({ initial_points: [{ [LEARNING_RATE]: 0.003 }] }))

  expect(suggest(0)).toMatchObject({ [LEARNING_RATE]: 0.003, 'model.hidden': expect.any(Array) })
  expect(suggest(1)?.[LEARNING_RATE]).not.toBe(0.003)
})

it('lists a grid in order, without what a condition or constraint leaves out', () => {
  const sweep = resolved({
    method: 'grid',
    max_trials: undefined,
    parameters: {
      'training.batch_size': { values: [8, 16, 32] },
      'training.optimizer.type': { values: ['sgd', 'momentum'] },
      'training.optimizer.momentum': { values: [0.9, 0.99], when: { type: { in: ['momentum'] } } },
    },
    constraints: ['batch_size != 32'],
  })
  const suggest = makeSuggest(sweep)

  expect(sweep.maxTrials).toBe(6)
  expect(range(6).map((i) => Object.values(suggest(i) ?? {}).join(' '))).toEqual([
    '8 sgd',
    '8 momentum 0.9',
    '8 momentum 0.99',
    '16 sgd',
    '16 momentum 0.9',
    '16 momentum 0.99',
  ])
})

it('begins a grid with whole initial points, which are not tried again', () => {
  const sweep = resolved({
    method: 'grid',
    max_trials: undefined,
    parameters: {
      'training.batch_size': { values: [8, 16] },
      'training.label_smoothing': { values: [0, 0.1], when: { batch_size: { in: [8] } } },
    },
    initial_points: [
      { 'training.batch_size': 8 },
      { 'training.batch_size': 16, 'training.label_smoothing': 0.1 },
    ],
  })
  const suggest = makeSuggest(sweep)

  expect(sweep.maxTrials).toBe(3)
  expect(suggest(0)).toEqual({
    'training.batch_size': 8,
    'training.label_smoothing': expect.any(Number),
  })
  expect(suggest(1)).toEqual({ 'training.batch_size': 16 })
  expect(suggest(2)?.['training.label_smoothing']).not.toBe(
    suggest(0)?.['training.label_smoothing'],
  )
})

it('draws steps as they are written, and seeds of sixteen digits', () => {
  const suggest = makeSuggest(
    resolved({
      parameters: {
        'training.regularization.l2': { distribution: 'q_uniform', min: 0, max: 2.1, q: 0.7 },
        seed: { min: 9_007_199_254_740_000, max: 9_007_199_254_740_003 },
      },
    }),
  )
  const drawn = range(20).map((i) => suggest(i) ?? {})

  const steps = drawn.map((params) => params['training.regularization.l2'])
  expect(new Set(steps)).toEqual(new Set([0, 0.7, 1.4, 2.1]))
  expect(new Set(drawn.map(({ seed }) => seed)).size).toBe(4)
})

it('puts values into the base without changing it', () => {
  const sweep = resolved()
  const before = JSON.stringify(sweep.base)

  const result = toJobSpec(sweep.base, 'ds_1', {
    [LEARNING_RATE]: 0.01,
    'training.optimizer.beta1': 0.8,
  })

  expect(result).toMatchObject({
    spec: {
      dataset_id: 'ds_1',
      training: { epochs: 81, optimizer: { type: 'adam', learning_rate: 0.01, beta1: 0.8 } },
    },
  })
  expect(JSON.stringify(sweep.base)).toBe(before)
})
