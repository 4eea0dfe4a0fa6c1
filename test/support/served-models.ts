/** A model of each kind with made-up weights, records for it, and what the server answers. */
import {
  type Architecture,
  activationSchema,
  type Cell,
  type ColumnTransform,
  type PredictionItem,
} from '@trainyard/contracts'
import { encodedWidth } from '@trainyard/datasets'
import { createModelPredictor } from '@trainyard/model'
import type {
  PreprocessedNetwork,
  ServedModel,
  WeightsLayer,
} from '../../packages/formats/src/exported-model.ts'

export interface ServedCase {
  model: ServedModel
  records: Record<string, Cell>[]
  predictions: PredictionItem[]
}

const plain = { log1p: false, indicator: false, missing: 0, center: 0, scale: 1 }
const NUMBERS: ColumnTransform[] = ['a', 'b'].map((column, i) => ({
  ...plain,
  ...{ kind: 'numeric', column, type: 'number', center: i - 0.5, scale: 2 + i },
}))
const MIXED: ColumnTransform[] = [
  {
    ...plain,
    ...{ kind: 'numeric', column: 'income', type: 'number', log1p: true, indicator: true },
    ...{ missing: 1200.5, center: 7, scale: 2 },
  },
  {
    ...{ kind: 'one_hot', column: 'town "x"', levels: ['Köln', 'Ulm', 'z'], untrained: ['z'] },
    ...{ other: true, unseen: 'other', missing: 'Ulm', missing_error: false, indicator: true },
  },
  { ...plain, ...{ kind: 'numeric', column: 'member', type: 'boolean' } },
  {
    ...{ kind: 'ordinal', column: 'size', levels: ['S', 'M', 'L'], missing: 1, unseen: 'missing' },
    ...{ center: 1, scale: 0.7, indicator: true },
  },
  {
    ...{ kind: 'date', column: 'since', missing: null, missing_error: false },
    ...{ center: 2000, scale: 10, indicator: true },
  },
]
const CLASSES = ['no', 'yes', '__proto__']
const ALL_ACTIVATIONS = activationSchema.options

const base: Architecture = {
  inputs: 2,
  hidden: [],
  outputs: 3,
  output_activation: 'softmax',
  task: 'classification',
  classes: CLASSES,
  target: 'y',
}
const hidden = (units: number, batch_norm: boolean) =>
  ALL_ACTIVATIONS.map((activation) => ({ units, activation, batch_norm }))

export const SERVED_CASES: Record<string, ServedCase> = {
  'every activation and batch normalization': toCase([
    network({ ...base, hidden: hidden(5, true) }, NUMBERS, 1),
  ]),
  'mixed columns and missing values': toCase([
    network({ ...base, hidden: [{ units: 6, activation: 'relu', batch_norm: false }] }, MIXED, 2),
  ]),
  'two classes': toCase([
    network(
      { ...base, outputs: 1, output_activation: 'sigmoid', classes: ['no', 'yes'] },
      NUMBERS,
      3,
    ),
  ]),
  'regression with a scaled target': toCase([regression(4)]),
  'ensemble of three': toCase([5, 6, 7].map((seed) => network(base, NUMBERS, seed))),
  'ensemble of regressions': toCase([regression(8), regression(9)]),
  perceptron: toCase([
    network(
      { ...base, outputs: 1, output_activation: 'step', classes: ['no', 'yes'] },
      NUMBERS,
      10,
    ),
  ]),
  hinge: toCase([network({ ...base, output_activation: 'linear' }, NUMBERS, 11)]),
}

function regression(seed: number): PreprocessedNetwork {
  const architecture: Architecture = {
    ...base,
    ...{ outputs: 1, output_activation: 'linear', task: 'regression', classes: null },
    hidden: [{ units: 4, activation: 'tanh', batch_norm: true }],
  }
  const made = network(architecture, NUMBERS, seed)
  return { ...made, preprocessing: { ...made.preprocessing, target: { center: 1e6, scale: 30 } } }
}

function network(
  architecture: Architecture,
  columns: ColumnTransform[],
  seed: number,
): PreprocessedNetwork {
  const random = makeRandom(seed)
  const numbers = (length: number) => Float32Array.from({ length }, () => 2 * random() - 1)
  const preprocessing = { columns, target: null }
  let width = encodedWidth(preprocessing)
  const inputs = width
  const layers = [...architecture.hidden, { units: architecture.outputs, batch_norm: false }].map(
    ({ units, batch_norm }): WeightsLayer => {
      const layer = { weight: numbers(width * units), bias: numbers(units) }
      width = units
      if (!batch_norm) return layer
      return {
        ...layer,
        ...{ gamma: numbers(units), beta: numbers(units), runningMean: numbers(units) },
        runningVariance: numbers(units).map(Math.abs),
      }
    },
  )
  return { architecture: { ...architecture, inputs }, preprocessing, layers }
}

function toCase(networks: PreprocessedNetwork[]): ServedCase {
  const random = makeRandom(99)
  const records = Array.from({ length: 40 }, () =>
    Object.fromEntries(
      (networks[0]?.preprocessing.columns ?? []).map((column) => [
        column.column,
        cellOf(column, random),
      ]),
    ),
  )
  const predictions = createModelPredictor(networks).predict({ records })
  const vectors = records.slice(0, 8).map((record, i) => ({
    record,
    prediction: predictions[i] ?? {},
  }))
  return { model: { networks, facts: { job_id: 'job_*/' }, vectors }, records, predictions }
}

function cellOf(column: ColumnTransform, random: () => number): Cell {
  if (random() < 0.15) return null
  if (column.kind === 'date') {
    const ms = Date.UTC(1950, 0, 1) + Math.floor(random() * 3e9) * 1000
    return new Date(ms).toISOString().slice(0, random() < 0.5 ? 10 : 19)
  }
  if (column.kind !== 'numeric') {
    const levels = [...column.levels, 'never seen', ' ', ` ${column.levels[0]}\t`]
    return levels[Math.floor(random() * levels.length)] ?? null
  }
  return column.type === 'boolean' ? random() < 0.5 : random() * 9
}

function makeRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
