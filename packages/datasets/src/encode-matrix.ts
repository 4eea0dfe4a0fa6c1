import type { Preprocessing } from '@trainyard/contracts'
import { DataError, type DataFault, FAULTS_MAX, quoteCell } from './data-error.ts'
import {
  encodedWidth,
  type InputWriter,
  makeInputWriter,
  transformWidth,
} from './encode-columns.ts'

/**
 * Inputs [rows, width] of numbers [rows, columns], the features in data-set order; NaN is a missing value, truth values are 0 and
 * 1. The preprocessing is numeric. Throws DataError for a value that it has no input for.
 */
export function encodeMatrix(
  preprocessing: Preprocessing,
  values: ArrayLike<number>,
  rows: number,
): Float32Array {
  const { columns } = preprocessing
  const width = encodedWidth(preprocessing)
  const inputs = new Float32Array(rows * width)
  const writers = columns.map(makeInputWriter)
  const widths = columns.map(transformWidth)
  const faults: DataFault[] = []
  let offset = 0
  for (let row = 0; row < rows && faults.length < FAULTS_MAX; row++) {
    for (let c = 0; c < writers.length; c++) {
      const value = values[row * writers.length + c] as number
      const reason = (writers[c] as InputWriter)(value, inputs, offset)
      offset += widths[c] as number
      if (reason === null) continue
      const column = columns[c]?.column ?? ''
      faults.push({ detail: `Row ${row + 1}, column ${quoteCell(column)}: ${reason}`, column })
    }
  }
  if (faults.length > 0) throw new DataError(faults)
  return inputs
}
