import type { Cell, ColumnTransform, Preprocessing } from '@trainyard/contracts'
import { DataError, type DataFault, FAULTS_MAX, quoteCell } from './data-error.ts'
import { parseDate } from './dates.ts'
import {
  encodedWidth,
  isOfLevels,
  levelIndices,
  MISSING_LEVEL,
  makeInputWriter,
  transformWidth,
  UNSEEN_LEVEL,
} from './encode-columns.ts'
import { trimBlanks } from './trim-blanks.ts'

/** What is to be predicted: records by column name, or rows with the features in data-set order. */
export type RecordsInput =
  | { records: readonly Readonly<Record<string, Cell>>[] }
  | { rows: readonly (readonly Cell[])[] }

/**
 * Inputs [records, width]. Throws DataError with a pointer for every cell (the first twenty) that is absent, of the
 * wrong type or has no input; a cell of null is missing and follows the fitted rule. Columns a record has beyond the
 * features, such as the target, are let through.
 */
export function encodeRecords(preprocessing: Preprocessing, input: RecordsInput): Float32Array {
  const count = 'records' in input ? input.records.length : input.rows.length
  const width = encodedWidth(preprocessing)
  const inputs = new Float32Array(count * width)
  const encoders = preprocessing.columns.map(makeCellEncoder)
  const faults: DataFault[] = []
  for (let i = 0; i < count && faults.length < FAULTS_MAX; i++) {
    const cells = cellsOf(preprocessing, input, i, faults)
    if (cells === null) continue
    let offset = i * width
    for (const [c, transform] of preprocessing.columns.entries()) {
      const reason = encoders[c]?.(cells[c], inputs, offset) ?? null
      if (reason !== null) {
        const { column } = transform
        const detail = `${quoteCell(column)}: ${reason}`
        faults.push({ detail, column, pointer: pointerTo(input, i, c, column) })
      }
      offset += transformWidth(transform)
    }
  }
  if (faults.length > 0) throw new DataError(faults)
  return inputs
}

/** Writes a cell's inputs, or answers why it has none. */
type CellEncoder = (cell: Cell | undefined, inputs: Float32Array, offset: number) => string | null

function makeCellEncoder(transform: ColumnTransform): CellEncoder {
  const write = makeInputWriter(transform)
  if (isOfLevels(transform)) {
    const indexOf = levelIndices(transform)
    return (cell, inputs, offset) => {
      if (cell === undefined) return 'the column is missing from the record'
      return write(levelOf(indexOf, cell), inputs, offset)
    }
  }
  if (transform.kind === 'date') {
    return (cell, inputs, offset) => {
      if (cell === undefined) return 'the column is missing from the record'
      const ms = dateOf(cell)
      if (ms === null)
        return 'must be a date such as "2024-02-29" or "2024-02-29T13:05:00", or null'
      return write(ms, inputs, offset)
    }
  }
  const wanted = transform.type === 'number' ? 'number' : 'boolean'
  return (cell, inputs, offset) => {
    if (cell === undefined) return 'the column is missing from the record'
    const isFit = cell === null || typeof cell === wanted
    if (!isFit) return `must be ${wanted === 'number' ? 'a number' : 'true or false'} or null`
    return write(cell === null ? Number.NaN : Number(cell), inputs, offset)
  }
}

/**
 * A category may come as number or boolean too: it is compared as text, first as it is, for the levels of typed files
 * are kept as they are, then trimmed as on reading a text file.
 */
function levelOf(indexOf: ReadonlyMap<string, number>, cell: Cell): number {
  if (cell === null) return MISSING_LEVEL
  const exact = indexOf.get(String(cell))
  if (exact !== undefined) return exact
  const text = trimBlanks(String(cell))
  return text === '' ? MISSING_LEVEL : (indexOf.get(text) ?? UNSEEN_LEVEL)
}

/** NaN for a missing date, null for what is none; trimmed as on reading a file. */
function dateOf(cell: Cell): number | null {
  const text = cell === null ? '' : trimBlanks(String(cell))
  return text === '' ? Number.NaN : parseDate(text)
}

function cellsOf(
  { columns }: Preprocessing,
  input: RecordsInput,
  i: number,
  faults: DataFault[],
): readonly (Cell | undefined)[] | null {
  if ('records' in input) {
    const record = input.records[i] ?? {}
    // Only own keys: a column may be called constructor.
    return columns.map(({ column }) => (Object.hasOwn(record, column) ? record[column] : undefined))
  }
  const row = input.rows[i] ?? []
  if (row.length === columns.length) return row
  const detail = `The row has ${row.length} cells, the model takes ${columns.length}: ${columns
    .map(({ column }) => column)
    .slice(0, 8)
    .join(', ')}${columns.length > 8 ? ', …' : ''}`
  faults.push({ detail, pointer: `#/rows/${i}` })
  return null
}

function pointerTo(input: RecordsInput, record: number, cell: number, column: string): string {
  if ('rows' in input) return `#/rows/${record}/${cell}`
  const key = encodeURIComponent(column.replaceAll('~', '~0').replaceAll('/', '~1'))
  return `#/records/${record}/${key}`
}
