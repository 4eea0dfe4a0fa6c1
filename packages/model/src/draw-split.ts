/** Which rows train and which validate: drawn from the seed, the same ones each time. */
import type { Column } from '@trainyard/contracts'
import {
  classIndices,
  completeRows,
  DataError,
  foldRows,
  groupIndices,
  type Split,
  splitRows,
} from '@trainyard/datasets'
import type { PrepareInput } from './prepare-training.ts'

export function drawSplit(input: PrepareInput): Split {
  const { table, resolved } = input
  const { training, seed } = resolved
  if (resolved.validation !== null && 'dataset_id' in resolved.validation) {
    const { validationTable } = input
    if (validationTable == null) throw new Error('The table for validation is not there')
    return {
      training: usableRows(input),
      validation: usableRows({ ...input, table: validationTable }),
    }
  }
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

/** Nothing without folds. */
export function drawFolds(input: PrepareInput): Split[] {
  const { table, resolved } = input
  const { validation, training, seed } = resolved
  if (validation === null || !('folds' in validation)) return []
  const rows = usableRows(input)
  const { folds, stratify, group_column: group } = validation
  const classes = stratify ? classesOfRows(input, rows) : null
  // Absent from jobs of before there were any.
  const groups = group == null ? null : groupIndices(table, group, rows)
  return foldRows({ rows, classes, groups, folds, shuffle: training.shuffle, seed: BigInt(seed) })
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

/** The class of each of the rows; null for regression. */
export function classesOfRows(input: PrepareInput, rows: Uint32Array): Int32Array | null {
  const { table, target } = input
  const classes = classesFor(input)
  return classes === null ? null : classIndices({ table, target, classes, rows })
}

/** In the order of their indices; null for regression. */
export function classesFor({ columns, target, resolved }: PrepareInput): string[] | null {
  return resolved.task === 'classification' ? classesOf(columns, target) : null
}

function classesOf(columns: readonly Column[], target: string): string[] {
  const levels = columns.find(({ name }) => name === target)?.levels ?? null
  if (levels === null) throw new Error(`The target ${target} has no classes`)
  return levels
}
