import type { Architecture, Column, Preprocessing, ResolvedConfig } from '@trainyard/contracts'
import {
  encodeFeatures,
  encodeTargets,
  encodeWeights,
  fitPreprocessing,
  oversampleRows,
  type Table,
} from '@trainyard/datasets'
import type { TrainingData } from '@trainyard/engine'
import { classesFor, classesOfRows, type DrawnSplit, drawFolds, drawSplit } from './draw-split.ts'

export interface PrepareInput {
  table: Table
  columns: readonly Column[]
  target: string
  resolved: ResolvedConfig
  /** What `validation.dataset_id` names, columns by the same names; null or absent without. */
  validationTable?: Table | null
  /** The same of `test.dataset_id`. */
  testTable?: Table | null
}

export interface PreparedTraining {
  training: TrainingData
  /** null when the specification has no validation. */
  validation: TrainingData | null
  /** null when it has no test part. Nothing is fitted on it or decided by it. */
  test: TrainingData | null
  preprocessing: Preprocessing
  architecture: Architecture
  /** Rows of the table, ascending; each once, however often oversampling repeats it in `training`. */
  trainingRowIndices: Uint32Array
  /** The same, or rows of the table that is for validation. */
  validationRowIndices: Uint32Array
  /** The same, or rows of the table that is for tests. */
  testRowIndices: Uint32Array
}

/**
 * From a table to what the engine trains on: split, fit on the training rows, encode. The same seed gives the same
 * bytes. Throws DataError when the data does not fit the specification. Computes; not for an event loop.
 */
export function prepareTraining(input: PrepareInput): PreparedTraining {
  return prepareSplit(input, drawSplit(input))
}

/**
 * Prepares trainings of one table that differ in few things, as the trials of a sweep do: what depends on the same parts of
 * the specification is read, split and encoded once. Holds the last one alone.
 */
export function makePrepareTrials(): (input: PrepareInput) => PreparedTraining {
  let kept: { key: string; table: Table; data: PreparedTraining } | null = null
  return (input) => {
    const { table, target, resolved } = input
    const key = preparationKey(resolved)
    if (kept?.key !== key || kept.table !== table) {
      kept = { key, table, data: prepareTraining(input) }
    }
    const architecture = toArchitecture(resolved, kept.data.architecture.classes, target)
    return { ...kept.data, architecture }
  }
}

/** All that a preparation follows from, but the tables; trainings of the same key have the same split, too. */
export function preparationKey({
  task,
  preprocessing,
  validation,
  test,
  seed,
  training,
}: ResolvedConfig): string {
  const { shuffle, oversample, loss } = training
  return JSON.stringify([task, preprocessing, validation, test, seed, shuffle, oversample, loss])
}

/** The same for each fold of a specification with folds, one after the other, without the test part. */
export function* prepareFolds(input: PrepareInput): Generator<PreparedTraining> {
  const test = new Uint32Array()
  for (const split of drawFolds(input)) yield prepareSplit(input, { ...split, test })
}

function prepareSplit(input: PrepareInput, split: DrawnSplit): PreparedTraining {
  const { table, columns, target, resolved } = input
  const { task } = resolved
  const validationTable = input.validationTable ?? table
  const testTable = input.testTable ?? table
  const classes = classesFor(input)
  const config = resolved.preprocessing
  const rows = split.training
  const preprocessing = fitPreprocessing({ table, columns, target, task, rows, config })
  const weightColumn = columns.find(({ role }) => role === 'weight')
  const encode = (table: Table, part: Uint32Array): TrainingData => ({
    rows: part.length,
    inputs: encodeFeatures(preprocessing, table, part),
    targets: encodeTargets({
      table,
      target,
      task,
      classes,
      scaling: preprocessing.target,
      rows: part,
    }),
    weights: weightColumn === undefined ? null : encodeWeights(table, weightColumn.name, part),
  })
  const trained = resolved.training.oversample ? oversample(input, rows) : rows
  return {
    training: encode(table, trained),
    validation: split.validation.length === 0 ? null : encode(validationTable, split.validation),
    test: split.test.length === 0 ? null : encode(testTable, split.test),
    preprocessing,
    architecture: toArchitecture(resolved, classes, target),
    trainingRowIndices: split.training,
    validationRowIndices: split.validation,
    testRowIndices: split.test,
  }
}

function oversample(input: PrepareInput, rows: Uint32Array): Uint32Array {
  const classes = classesOfRows(input, rows)
  if (classes === null) return rows
  return oversampleRows({ rows, classes, seed: BigInt(input.resolved.seed) })
}

function toArchitecture(
  { model, task }: ResolvedConfig,
  classes: string[] | null,
  target: string,
): Architecture {
  return {
    inputs: model.inputs,
    hidden: model.hidden.map(({ units, activation, batch_norm }) => ({
      units,
      activation,
      batch_norm,
    })),
    outputs: model.output.units,
    output_activation: model.output.activation,
    task,
    classes,
    target,
  }
}
