import { encodeFeatures, type Table, type TableColumn } from '@trainyard/datasets'
import { createPredictor, type TrainedModel } from '../create-predictor.ts'
import { type ColumnInputs, columnInputs } from './column-inputs.ts'

export interface DependencePoint {
  /** A number, a level, a boolean, or a date as ISO 8601. */
  value: number | string | boolean
  /** Mean over the rows: the probability (or score) of each class in their order, or the one predicted value. */
  means: number[]
}

const NUMBERS_MAX = 20
const LEVELS_MAX = 50
export const DEPENDENCE_POINTS_MAX = Math.max(NUMBERS_MAX, LEVELS_MAX)

/**
 * Partial dependence (Friedman, 2001; https://doi.org/10.1214/aos/1013203451): the mean prediction over the listed rows
 * when one column has the same value in all of them. The values are ones that occur in the rows: all of a few, else evenly
 * by rank; of a category the most frequent ones. Throws an Error for a column that is no feature of the model.
 */
export function partialDependence(
  model: TrainedModel,
  { table, rows, column }: { table: Table; rows: Uint32Array; column: string },
): DependencePoint[] {
  const own = columnInputs(model.preprocessing).find((entry) => entry.column === column)
  const cells = table.columns.get(column)
  if (own === undefined || cells === undefined) throw new Error(`${column} is no feature`)
  const inputs = encodeFeatures(model.preprocessing, table, rows)
  return chooseValues(cells, rows).map(({ value, at }) => ({
    value,
    means: meanOutputs(model, setColumn(inputs, rows.length, own, at), rows.length),
  }))
}

interface ChosenValue {
  value: DependencePoint['value']
  /** Place among the rows of one that has it. */
  at: number
}

function chooseValues(cells: TableColumn, rows: Uint32Array): ChosenValue[] {
  if (cells.type === 'category') return chooseLevels(cells, rows)
  const places = new Map<number, number>()
  for (const [at, row] of rows.entries()) {
    const value = cells.values[row] as number
    if (!Number.isNaN(value) && !places.has(value)) places.set(value, at)
  }
  const values = [...places.keys()].sort((a, b) => a - b)
  const count = Math.min(values.length, NUMBERS_MAX)
  return Array.from({ length: count }, (_, i) => {
    const rank = count === 1 ? 0 : Math.round((i * (values.length - 1)) / (count - 1))
    const value = values[rank] as number
    return { value: toCell(cells.type, value), at: places.get(value) as number }
  })
}

function toCell(type: TableColumn['type'], value: number): DependencePoint['value'] {
  if (type === 'boolean') return value === 1
  return type === 'date' ? new Date(value).toISOString() : value
}

function chooseLevels(
  { codes, levels }: Extract<TableColumn, { type: 'category' }>,
  rows: Uint32Array,
): ChosenValue[] {
  const found = new Map<number, { at: number; count: number }>()
  for (const [at, row] of rows.entries()) {
    const code = codes[row] as number
    if (code < 0) continue
    const entry = found.get(code)
    if (entry === undefined) found.set(code, { at, count: 1 })
    else entry.count += 1
  }
  return [...found]
    .sort(([, a], [, b]) => b.count - a.count)
    .slice(0, LEVELS_MAX)
    .map(([code, { at }]) => ({ value: levels[code] as string, at }))
}

function setColumn(
  inputs: Float32Array,
  rows: number,
  { offset, width }: ColumnInputs,
  from: number,
): Float32Array {
  const rowWidth = inputs.length / rows
  const block = inputs.slice(from * rowWidth + offset, from * rowWidth + offset + width)
  const changed = inputs.slice()
  for (let row = 0; row < rows; row++) changed.set(block, row * rowWidth + offset)
  return changed
}

function meanOutputs(model: TrainedModel, inputs: Float32Array, rows: number): number[] {
  const { values, probabilities, logits } = createPredictor(model).score({
    rows,
    encode: () => inputs,
  })
  const outputs = values ?? probabilities ?? logits ?? []
  const width = outputs.length / rows
  const sums = new Array<number>(width).fill(0)
  for (const [i, output] of outputs.entries())
    sums[i % width] = (sums[i % width] as number) + output
  return sums.map((sum) => sum / rows)
}
