import type { ColumnTransform, Preprocessing, Task } from '@trainyard/contracts'
import { classText } from './choose-target.ts'
import { DataError, type DataFault, FAULTS_MAX, quoteCell } from './data-error.ts'
import {
  encodedWidth,
  isOfLevels,
  levelIndices,
  MISSING_LEVEL,
  makeInputWriter,
  transformWidth,
  UNSEEN_LEVEL,
} from './encode-columns.ts'
import type { Table, TableColumn } from './table.ts'

/** Inputs [rows, width] of the listed rows. Throws DataError for a value the preprocessing has no input for. */
export function encodeFeatures(
  preprocessing: Preprocessing,
  table: Table,
  rows: Uint32Array,
): Float32Array {
  const width = encodedWidth(preprocessing)
  const inputs = new Float32Array(rows.length * width)
  const faults: DataFault[] = []
  let offset = 0
  for (const transform of preprocessing.columns) {
    const column = columnOf(table, transform.column)
    const values = valuesOf(column, transform)
    const write = makeInputWriter(transform)
    for (let i = 0; i < rows.length && faults.length < FAULTS_MAX; i++) {
      const row = rows[i] ?? 0
      const reason = write(values[row] ?? Number.NaN, inputs, i * width + offset)
      if (reason !== null) faults.push(cellFault(row, transform, column, reason))
    }
    offset += transformWidth(transform)
  }
  if (faults.length > 0) throw new DataError(faults)
  return inputs
}

export interface TargetInput {
  table: Table
  target: string
  task: Task
  /** The classes in the order of their indices; null for regression. */
  classes: readonly string[] | null
  scaling: Preprocessing['target']
  rows: Uint32Array
}

/** Targets [rows]: the index of the class, or the scaled value. */
export function encodeTargets(input: TargetInput): Float32Array {
  const { table, target, task, scaling, rows } = input
  if (task === 'classification') return Float32Array.from(classIndices(input))
  const column = columnOf(table, target)
  if (column.type === 'category') throw new Error(`The target ${target} is no number`)
  const { center, scale } = scaling ?? { center: 0, scale: 1 }
  const targets = new Float32Array(rows.length)
  for (const [i, row] of rows.entries()) targets[i] = ((column.values[row] ?? 0) - center) / scale
  if (!targets.every(Number.isFinite)) {
    const detail = `The target ${quoteCell(target)} has values that are too large for 32-bit numbers`
    throw new DataError([{ detail, column: target }])
  }
  return targets
}

/** The class of each listed row. Throws DataError for a value that is none of the classes. */
export function classIndices(input: Omit<TargetInput, 'task' | 'scaling'>): Int32Array {
  const { table, target, rows } = input
  const column = columnOf(table, target)
  const indexOf = new Map((input.classes ?? []).map((name, i) => [name, i]))
  const known = new Map<number, number>()
  const textOf = (value: number): string => {
    if (column.type === 'category') return column.levels[value] ?? ''
    return classText(column.type === 'boolean' ? value === 1 : value)
  }
  const values = column.type === 'category' ? column.codes : column.values
  return Int32Array.from(rows, (row) => {
    const value = values[row] ?? -1
    const index = known.get(value) ?? indexOf.get(textOf(value))
    if (index === undefined) {
      const detail = `Row ${row + 1}: ${quoteCell(textOf(value))} is none of the classes of ${quoteCell(target)}`
      throw new DataError([{ detail, column: target }])
    }
    known.set(value, index)
    return index
  })
}

/** Weights [rows] of the listed rows. Throws DataError for one that is missing, negative or beyond float32. */
export function encodeWeights(table: Table, name: string, rows: Uint32Array): Float32Array {
  const column = columnOf(table, name)
  if (column.type === 'category') {
    throw new DataError([{ detail: `The weights ${quoteCell(name)} are text`, column: name }])
  }
  const faults: DataFault[] = []
  const weights = Float32Array.from(rows, (row) => {
    const weight = Math.fround(column.values[row] ?? Number.NaN)
    const isFit = weight >= 0 && weight < Number.POSITIVE_INFINITY
    if (!isFit && faults.length < FAULTS_MAX) {
      const given = column.values[row]
      const reason = Number.isNaN(given) ? 'the weight is missing' : `${given} is no weight`
      faults.push(rowFault(row, name, `${reason}; it must be a number of at least 0`))
    }
    return weight
  })
  if (faults.length > 0) throw new DataError(faults)
  return weights
}

/** A number for the group of each listed row; a row without a group is one of its own. */
export function groupIndices(table: Table, name: string, rows: Uint32Array): Int32Array {
  const column = columnOf(table, name)
  const values = column.type === 'category' ? column.codes : column.values
  const indexOf = new Map<number, number>()
  let groups = 0
  return Int32Array.from(rows, (row) => {
    const value = values[row] ?? Number.NaN
    const isMissing = Number.isNaN(value) || (column.type === 'category' && value < 0)
    const known = isMissing ? undefined : indexOf.get(value)
    if (known !== undefined) return known
    if (!isMissing) indexOf.set(value, groups)
    return groups++
  })
}

/** Numbers as they are, or for a category the level of each row in the order of the transform. */
function valuesOf(column: TableColumn, transform: ColumnTransform): Float64Array | Int32Array {
  if (column.type !== 'category') {
    if (isOfLevels(transform)) throw new Error(`Column ${transform.column} has no levels`)
    return column.values
  }
  if (!isOfLevels(transform)) throw new Error(`Column ${transform.column} is not numeric`)
  const indexOf = levelIndices(transform)
  const toLevel = column.levels.map((level) => indexOf.get(level) ?? UNSEEN_LEVEL)
  return column.codes.map((code) => (code < 0 ? MISSING_LEVEL : (toLevel[code] ?? UNSEEN_LEVEL)))
}

function cellFault(
  row: number,
  { column: name }: ColumnTransform,
  column: TableColumn,
  reason: string,
): DataFault {
  const level = column.type === 'category' ? column.levels[column.codes[row] ?? -1] : undefined
  if (level === undefined) return rowFault(row, name, reason)
  return {
    ...rowFault(row, name, `${reason}: ${quoteCell(level)}`),
    remedy:
      'Set preprocessing.unseen_category to "zero" or "other", or see to it that every level has rows to train on.',
  }
}

function rowFault(row: number, column: string, reason: string): DataFault {
  return { detail: `Row ${row + 1}, column ${quoteCell(column)}: ${reason}`, column }
}

function columnOf(table: Table, name: string): TableColumn {
  const column = table.columns.get(name)
  if (column === undefined) throw new Error(`The table lacks its column ${quoteCell(name)}`)
  return column
}
