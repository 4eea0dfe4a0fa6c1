import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jobSpecSchema } from './job-spec.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Path = (string | number)[]

/** Every field that a caller may send. */
const EXAMPLE = {
  name: 'digits baseline',
  dataset_id: 'ds_06a8q7m3t1f0r9v2k5n8b4c7xz',
  task: 'auto',
  preprocessing: {
    numeric: 'standardize',
    target: 'auto',
    missing: 'mean',
    missing_indicators: false,
    unseen_category: 'zero',
    max_levels: 64,
  },
  validation: { fraction: 0.2, stratify: true },
  test: { fraction: 0.2, stratify: true, group_column: 'patient' },
  model: {
    hidden: [
      { units: 128, activation: 'relu', initializer: 'auto', batch_norm: false, dropout: 0 },
      { units: 64, activation: 'relu', initializer: { type: 'normal', std: 0.01 } },
    ],
    input_dropout: 0,
    output: 'auto',
  },
  training: {
    loss: 'auto',
    optimizer: {
      type: 'adam',
      learning_rate: 0.001,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      bias_correction: true,
    },
    lr_schedule: { type: 'step', every_epochs: 10, factor: 0.5, warmup_epochs: 0 },
    regularization: { l1: 0, l2: 0.0001 },
    batch_size: 32,
    epochs: 50,
    shuffle: true,
    early_stopping: { metric: 'val_loss', patience: 5, min_delta: 0 },
    gradient_clip: { norm: 1.0 },
    class_weight: 'balanced',
    label_smoothing: 0.1,
    augmentation: [{ type: 'gaussian_noise', std: 0.05 }],
    threads: 1,
  },
  initial_weights: { model: 'my-model', version: 3 },
  limits: {
    max_seconds: 600,
    target: { metric: 'val_accuracy', goal: 'maximize', value: 0.99 },
  },
  checkpoint: { every_seconds: 10, keep: 2 },
  seed: 42,
  priority: 0,
  metadata: { team: 'ocr' },
  webhook: { url: 'https://example.com/hook', events: ['job.succeeded', 'job.failed'] },
} satisfies Json

const objects = pathsOf(EXAMPLE, (value) => isObject(value))
/** Keys of these are the caller's own. */
const isMap = (path: Path) => path.join('.') === 'metadata'
const numbers = pathsOf(EXAMPLE, (value) => typeof value === 'number')
const integers = [
  'preprocessing.max_levels',
  'model.hidden.0.units',
  'model.hidden.1.units',
  'training.batch_size',
  'training.epochs',
  'training.lr_schedule.every_epochs',
  'training.lr_schedule.warmup_epochs',
  'training.early_stopping.patience',
  'training.threads',
  'initial_weights.version',
  'checkpoint.keep',
  'seed',
  'priority',
].map(toPath)

it('takes every field of the contract and gives it back as it was sent', () => {
  expect(jobSpecSchema.parse(EXAMPLE)).toEqual(EXAMPLE)
})

it('needs nothing but the data set', () => {
  expect(jobSpecSchema.parse({ dataset_id: 'ds_1' })).toEqual({ dataset_id: 'ds_1' })
})

it.each(
  [
    'name',
    'validation',
    'initial_weights',
    'limits',
    'webhook',
    'model.input_dropout',
    'training.lr_schedule',
    'training.regularization',
    'training.early_stopping',
    'training.gradient_clip',
    'training.class_weight',
    'training.label_smoothing',
    'training.augmentation',
  ].map(toPath),
)('takes null for off: %s', (...path) => {
  expect(jobSpecSchema.safeParse(withValue(path, null)).success).toBe(true)
})

it.each([
  ['model', 'auto'],
  ['model.hidden', []],
  ['model.output', { activation: 'linear', initializer: 'he_normal' }],
  ['training.batch_size', 'full'],
  ['training.threads', 'auto'],
  ['training.loss', { type: 'huber', delta: 1 }],
  ['training.class_weight', { '0': 1, '1': 2.5 }],
  ['training.class_weight', [1, 2]],
  ['training.gradient_clip', { value: 0.5 }],
  ['training.optimizer', { type: 'adamw', weight_decay: 0.01 }],
  ['training.lr_schedule', { type: 'cosine', warmup_epochs: 2 }],
  ['training.lr_schedule', { type: 'reduce_on_plateau', patience: 1 }],
  ['preprocessing.missing', { constant: -1 }],
  ['validation', { folds: 5 }],
  ['validation', { dataset_id: 'ds_2' }],
] as [string, Json][])('takes the other form of %s: %j', (path, value) => {
  const spec = withValue(toPath(path), value)

  expect(jobSpecSchema.parse(spec)).toEqual(spec)
})

describe('a field that the contract does not know', () => {
  it('is refused by name at every level', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...objects.filter((path) => !isMap(path))),
        fc.string({ minLength: 1 }).map((text) => `x${text}`),
        (path, key) => {
          const refusal = jobSpecSchema.safeParse(withValue([...path, key], 1)).error

          expect(JSON.stringify(refusal?.issues)).toContain(JSON.stringify(key).slice(1, -1))
        },
      ),
      { numRuns: 200 },
    )
  })

  it.each(
    objects
      .filter((path) => !isMap(path))
      .map((path) => [path.join('.') || 'the body', path] as const),
  )('is refused when it is called __proto__, in %s', (_, path) => {
    const spec = withProto(path, { polluted: true })

    expect(jobSpecSchema.safeParse(spec).success).toBe(false)
  })

  it('never becomes a prototype where keys are the caller’s own', () => {
    const { metadata } = jobSpecSchema.parse(withProto(['metadata'], 'text'))

    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype)
    expect(metadata).toEqual(EXAMPLE.metadata)
  })
})

describe('a number', () => {
  it.each(numbers.map((path) => [path.join('.'), path] as const))(
    'is refused as NaN, infinity, text or boolean: %s',
    (_, path) => {
      const wrong: unknown[] = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
      const texts = ['5', '', '1e3', true, false, [1], { value: 1 }]

      const accepted = [...wrong, ...texts].filter(
        (value) => jobSpecSchema.safeParse(withValue(path, value as Json)).success,
      )

      expect(accepted).toEqual([])
    },
  )

  it.each(integers.map((path) => [path.join('.'), path] as const))(
    'that counts is refused when it is not whole or beyond what a double holds exactly: %s',
    (_, path) => {
      const accepted = [1.5, 2 ** 53, -(2 ** 53), 1e308].filter(
        (value) => jobSpecSchema.safeParse(withValue(path, value)).success,
      )

      expect(accepted).toEqual([])
    },
  )

  it.each([
    ['model.hidden.0.units', 0],
    ['model.hidden.0.units', 65_537],
    ['model.hidden.0.dropout', 1],
    ['training.epochs', 0],
    ['training.epochs', 100_001],
    ['training.batch_size', 65_537],
    ['training.optimizer.learning_rate', 0],
    ['training.optimizer.learning_rate', 1.1e9],
    ['training.optimizer.beta1', 1],
    ['training.optimizer.epsilon', 0],
    ['validation.fraction', 0],
    ['validation.fraction', 1],
    ['limits.max_seconds', 0],
    ['seed', -1],
  ] as [string, number][])('is refused outside its bounds: %s = %d', (path, value) => {
    const refusal = jobSpecSchema.safeParse(withValue(toPath(path), value)).error

    expect(refusal?.issues.length).toBeGreaterThan(0)
  })
})

it('lists all faults of a body at once, each with its place', () => {
  const spec = {
    dataset_id: 5,
    training: { epochs: 0, learningRate: 1, optimizer: { type: 'sgd', learning_rate: -1 } },
  }

  const issues = jobSpecSchema.safeParse(spec).error?.issues ?? []

  expect(issues.map((issue) => issue.path.join('.')).toSorted()).toEqual([
    'dataset_id',
    'training',
    'training.epochs',
    'training.optimizer.learning_rate',
  ])
})

it.each([
  ['more than 16 pairs', Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v']))],
  ['a key of 65 characters', { ['k'.repeat(65)]: 'v' }],
  ['an empty key', { '': 'v' }],
  ['a value of 513 characters', { k: 'v'.repeat(513) }],
  ['a number', { k: 1 }],
] as [string, Json][])('refuses metadata with %s', (_, metadata) => {
  expect(jobSpecSchema.safeParse(withValue(['metadata'], metadata)).success).toBe(false)
})

function toPath(text: string): Path {
  return text.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key))
}

/** The example with `value` at the place. */
function withValue(path: readonly (string | number)[], value: Json): Json {
  const spec = structuredClone(EXAMPLE) as Json
  const parent = path.slice(0, -1).reduce((at, key) => (at as never)[key], spec)
  ;(parent as Record<string | number, Json>)[path.at(-1) as string] = value
  return spec
}

/** The example with a key `__proto__` in the object, as JSON.parse makes it: an object literal cannot have one. */
function withProto(path: Path, value: Json): Json {
  const spec = structuredClone(EXAMPLE) as Json
  const object = path.reduce((at, key) => (at as never)[key], spec)
  const property = { value, enumerable: true, configurable: true, writable: true }
  Object.defineProperty(object, '__proto__', property)
  return spec
}

function pathsOf(value: Json, isWanted: (value: Json) => boolean, at: Path = []): Path[] {
  const below = Array.isArray(value)
    ? value.flatMap((item, i) => pathsOf(item, isWanted, [...at, i]))
    : isObject(value)
      ? Object.entries(value).flatMap(([key, item]) => pathsOf(item, isWanted, [...at, key]))
      : []
  return isWanted(value) ? [at, ...below] : below
}

function isObject(value: Json): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
