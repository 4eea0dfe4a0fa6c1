import type { Architecture, Column, Preprocessing, ResolvedConfig } from '@trainyard/contracts'
import {
  classIndices,
  completeRows,
  DataError,
  encodeFeatures,
  encodeTargets,
  encodeWeights,
  fitPreprocessing,
  groupIndices,
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
  const { table, columns, target, resolved } = input
  const { task } = resolved
  const classes = task === 'classification' ? classesOf(columns, target) : null
  const split = drawSplit(input, classes)
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

function drawSplit({ table, columns, target, resolved }: PrepareInput, classes: string[] | null) {
  const { validation, training, preprocessing, seed } = resolved
  const rows =
    preprocessing.missing === 'drop_row'
      ? completeRows(table, columns)
      : Uint32Array.from({ length: table.rows }, (_, row) => row)
  if (rows.length === 0) {
    throw new DataError([
      { detail: 'Every row lacks a value: with "drop_row" none is left to train on' },
    ])
  }
  const group = validation?.group_column ?? null
  return splitRows({
    rows,
    classes:
      validation?.stratify === true && classes !== null
        ? classIndices({ table, target, classes, rows })
        : null,
    groups: group === null ? null : groupIndices(table, group, rows),
    fraction: validation?.fraction ?? null,
    shuffle: training.shuffle,
    seed: BigInt(seed),
  })
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
