import type { Preprocessing, Task } from '@trainyard/contracts'
import { classText } from './choose-target.ts'
import { DataError, type DataFault, FAULTS_MAX, quoteCell } from './data-error.ts'
import {
  type DateTransform,
  encodeDate,
  encodedWidth,
  encodeLevel,
  encodeNumber,
  MISSING_LEVEL,
  type NumericTransform,
  type OneHotTransform,
  transformWidth,
  UNSEEN_LEVEL,
} from './encode-columns.ts'
import type { CategoryColumn, NumericColumn, Table, TableColumn } from './table.ts'

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
    if (transform.kind === 'numeric') {
      if (column.type === 'category') throw new Error(`Column ${transform.column} is not numeric`)
      encodeNumericColumn(transform, column, rows, inputs, width, offset, faults)
    } else if (transform.kind === 'date') {
      if (column.type === 'category') throw new Error(`Column ${transform.column} holds no dates`)
      encodeDateColumn(transform, column, rows, inputs, width, offset, faults)
    } else {
      if (column.type !== 'category') throw new Error(`Column ${transform.column} has no levels`)
      encodeCategoryColumn(transform, column, rows, inputs, width, offset, faults)
    }
    offset += transformWidth(transform)
    if (faults.length >= FAULTS_MAX) break
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

function encodeNumericColumn(
  transform: NumericTransform,
  { values }: NumericColumn,
  rows: Uint32Array,
  inputs: Float32Array,
  width: number,
  offset: number,
  faults: DataFault[],
): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0
    const input = encodeNumber(transform, values[row] ?? Number.NaN)
    if (typeof input === 'number') inputs[i * width + offset] = input
    else if (faults.length < FAULTS_MAX) faults.push(rowFault(row, transform.column, input))
  }
}

function encodeDateColumn(
  transform: DateTransform,
  { values }: NumericColumn,
  rows: Uint32Array,
  inputs: Float32Array,
  width: number,
  offset: number,
  faults: DataFault[],
): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0
    const reason = encodeDate(transform, values[row] ?? Number.NaN, inputs, i * width + offset)
    if (reason !== null && faults.length < FAULTS_MAX) {
      faults.push(rowFault(row, transform.column, reason))
    }
  }
}

function encodeCategoryColumn(
  transform: OneHotTransform,
  { codes, levels }: CategoryColumn,
  rows: Uint32Array,
  inputs: Float32Array,
  width: number,
  offset: number,
  faults: DataFault[],
): void {
  const indexOf = new Map(transform.levels.map((level, i) => [level, i]))
  const toLevel = levels.map((level) => indexOf.get(level) ?? UNSEEN_LEVEL)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0
    const code = codes[row] ?? MISSING_LEVEL
    const hot = encodeLevel(transform, code < 0 ? MISSING_LEVEL : (toLevel[code] ?? UNSEEN_LEVEL))
    if (typeof hot === 'string') {
      if (faults.length < FAULTS_MAX) faults.push(rowFault(row, transform.column, hot))
    } else if (hot >= 0) inputs[i * width + offset + hot] = 1
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
