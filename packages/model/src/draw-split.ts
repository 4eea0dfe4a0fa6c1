/** Which rows train, which validate and which test: drawn from the seed, the same ones each time. */
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

/** Row indices, ascending. */
export interface DrawnSplit extends Split {
  /** Of the table for tests, where there is one. */
  test: Uint32Array
}

/** Of streams of the seed: the test part does not depend on what validates. */
const TEST_DRAW = 1

export function drawSplit(input: PrepareInput): DrawnSplit {
  const { validation, training, seed } = input.resolved
  const { test, rest, usable } = drawTest(input)
  if (validation !== null && 'dataset_id' in validation) {
    const { validationTable } = input
    if (validationTable == null) throw new Error('The table for validation is not there')
    const held = usableRows({ ...input, table: validationTable })
    return { training: rest, validation: held, test }
  }
  const part = validation !== null && 'fraction' in validation ? validation : null
  const group = part?.group_column ?? null
  const split = splitRows({
    rows: rest,
    of: usable,
    classes: part?.stratify === true ? classesOfRows(input, rest) : null,
    groups: group === null ? null : groupsOfRows(input, group, rest, 2),
    fraction: part?.fraction ?? null,
    shuffle: training.shuffle,
    seed: BigInt(seed),
  })
  return { ...split, test }
}

/** Nothing without folds. */
export function drawFolds(input: PrepareInput): Split[] {
  const { validation, training, seed } = input.resolved
  if (validation === null || !('folds' in validation)) return []
  const { rest } = drawTest(input)
  const { folds, stratify, group_column: group } = validation
  const classes = stratify ? classesOfRows(input, rest) : null
  // Absent from jobs of before there were any.
  const groups = group == null ? null : groupsOfRows(input, group, rest, folds)
  return foldRows({
    rows: rest,
    classes,
    groups,
    folds,
    shuffle: training.shuffle,
    seed: BigInt(seed),
  })
}

/** The test rows, what is left of the table, and how many rows of it can be used in all. */
function drawTest(input: PrepareInput): { test: Uint32Array; rest: Uint32Array; usable: number } {
  const { resolved, testTable } = input
  const rows = usableRows(input)
  const usable = rows.length
  // Absent from jobs of before there was any.
  const part = resolved.test ?? null
  if (part === null) return { test: new Uint32Array(), rest: rows, usable }
  if ('dataset_id' in part) {
    if (testTable == null) throw new Error('The table for tests is not there')
    return { test: usableRows({ ...input, table: testTable }), rest: rows, usable }
  }
  const { training: rest, validation: test } = splitRows({
    rows,
    classes: part.stratify ? classesOfRows(input, rows) : null,
    groups: part.group_column === null ? null : groupsOfRows(input, part.group_column, rows, 2),
    fraction: part.fraction,
    shuffle: resolved.training.shuffle,
    seed: BigInt(resolved.seed),
    draw: TEST_DRAW,
  })
  return { test, rest, usable }
}

function usableRows({ table, columns, resolved }: PrepareInput): Uint32Array {
  const rows =
    resolved.preprocessing.missing === 'drop_row'
      ? completeRows(table, columns)
      : Uint32Array.from({ length: table.rows }, (_, row) => row)
  if (rows.length === 0) {
    throw new DataError([
      {
        detail: 'Every row lacks a value: with "drop_row" none is left to train on',
        remedy:
          'Choose another rule in preprocessing.missing, or ignore the column that lacks most.',
      },
    ])
  }
  return rows
}

/** Rows that were dropped, and those that test, may have taken groups away; nobody knows before they are drawn. */
function groupsOfRows(
  { table }: PrepareInput,
  column: string,
  rows: Uint32Array,
  needed: number,
): Int32Array {
  const groups = groupIndices(table, column, rows)
  const count = new Set(groups).size
  if (count >= needed) return groups
  const detail = `${JSON.stringify(column)} has ${count} ${count === 1 ? 'group' : 'groups'} in the ${rows.length} rows that are left to be shared out; at least ${needed} are needed`
  const remedy =
    'Use fewer folds, a smaller test part, or a column of more groups; "drop_row" takes the rows away that lack a value.'
  throw new DataError([{ detail, column, remedy }])
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
