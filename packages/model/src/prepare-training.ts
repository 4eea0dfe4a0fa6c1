import type { Architecture, Column, Preprocessing, ResolvedConfig } from '@trainyard/contracts'
import {
  classIndices,
  completeRows,
  DataError,
  encodeFeatures,
  encodeTargets,
  encodeWeights,
  fitPreprocessing,
  foldRows,
  groupIndices,
  type Split,
  splitRows,
  type Table,
} from '@trainyard/datasets'
import type { TrainingData } from '@trainyard/engine'

export interface PrepareInput {
  table: Table
  columns: readonly Column[]
  target: string
  resolved: ResolvedConfig
}

export interface PreparedTraining {
  training: TrainingData
  /** null when the specification has no validation. */
  validation: TrainingData | null
  preprocessing: Preprocessing
  architecture: Architecture
  /** Rows of the table, ascending. */
  trainingRowIndices: Uint32Array
  validationRowIndices: Uint32Array
}

/**
 * From a table to what the engine trains on: split, fit on the training rows, encode. The same seed gives the same
 * bytes. Throws DataError when the data does not fit the specification. Computes; not for an event loop.
 */
export function prepareTraining(input: PrepareInput): PreparedTraining {
  return prepareSplit(input, drawSplit(input))
}

/** The same for each fold of a specification with folds, one after the other; its own training is on all rows. */
export function* prepareFolds(input: PrepareInput): Generator<PreparedTraining> {
  for (const split of drawFolds(input)) yield prepareSplit(input, split)
}

function prepareSplit(input: PrepareInput, split: Split): PreparedTraining {
  const { table, columns, target, resolved } = input
  const { task } = resolved
  const classes = classesFor(input)
  const config = resolved.preprocessing
  const rows = split.training
  const preprocessing = fitPreprocessing({ table, columns, target, task, rows, config })
  const weightColumn = columns.find(({ role }) => role === 'weight')
  const encode = (part: Uint32Array): TrainingData => ({
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
  return {
    training: encode(split.training),
    validation: split.validation.length === 0 ? null : encode(split.validation),
    preprocessing,
    architecture: toArchitecture(resolved, classes, target),
    trainingRowIndices: split.training,
    validationRowIndices: split.validation,
  }
}

function drawSplit(input: PrepareInput): Split {
  const { table, resolved } = input
  const { training, seed } = resolved
  const validation =
    resolved.validation !== null && 'fraction' in resolved.validation ? resolved.validation : null
  const rows = usableRows(input)
  const group = validation?.group_column ?? null
  return splitRows({
    rows,
    classes: validation?.stratify === true ? classesOfRows(input, rows) : null,
    groups: group === null ? null : groupIndices(table, group, rows),
    fraction: validation?.fraction ?? null,
    shuffle: training.shuffle,
    seed: BigInt(seed),
  })
}

function drawFolds(input: PrepareInput): Split[] {
  const { validation, training, seed } = input.resolved
  if (validation === null || !('folds' in validation)) return []
  const rows = usableRows(input)
  const { folds, stratify } = validation
  const classes = stratify ? classesOfRows(input, rows) : null
  return foldRows({ rows, classes, folds, shuffle: training.shuffle, seed: BigInt(seed) })
}

function usableRows({ table, columns, resolved }: PrepareInput): Uint32Array {
  const rows =
    resolved.preprocessing.missing === 'drop_row'
      ? completeRows(table, columns)
      : Uint32Array.from({ length: table.rows }, (_, row) => row)
  if (rows.length === 0) {
    throw new DataError([
      { detail: 'Every row lacks a value: with "drop_row" none is left to train on' },
    ])
  }
  return rows
}

function classesOfRows(input: PrepareInput, rows: Uint32Array): Int32Array | null {
  const { table, target } = input
  const classes = classesFor(input)
  return classes === null ? null : classIndices({ table, target, classes, rows })
}

function classesFor({ columns, target, resolved }: PrepareInput): string[] | null {
  return resolved.task === 'classification' ? classesOf(columns, target) : null
}

function classesOf(columns: readonly Column[], target: string): string[] {
  const levels = columns.find(({ name }) => name === target)?.levels ?? null
  if (levels === null) throw new Error(`The target ${target} has no classes`)
  return levels
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
