import type { Preprocessing } from '@trainyard/contracts'
import { DataError, type DataFault, FAULTS_MAX, quoteCell } from './data-error.ts'
import { encodedWidth, makeInputWriter, transformWidth } from './encode-columns.ts'

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
  const faults: DataFault[] = []
  let offset = 0
  for (const [c, transform] of columns.entries()) {
    const write = makeInputWriter(transform)
    for (let row = 0; row < rows && faults.length < FAULTS_MAX; row++) {
      const value = values[row * columns.length + c] as number
      const reason = write(value, inputs, row * width + offset)
      if (reason === null) continue
      const { column } = transform
      faults.push({ detail: `Row ${row + 1}, column ${quoteCell(column)}: ${reason}`, column })
    }
    offset += transformWidth(transform)
  }
  if (faults.length > 0) throw new DataError(faults)
  return inputs
}
