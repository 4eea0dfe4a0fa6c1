import type { Column } from '@trainyard/contracts'
import { isFeature } from './fit-preprocessing.ts'
import type { Table } from './table.ts'

/** The rows that lack no value of any feature, ascending. */
export function completeRows(table: Table, columns: readonly Column[]): Uint32Array {
  const isComplete = new Uint8Array(table.rows).fill(1)
  for (const { name } of columns.filter(isFeature)) {
    const column = table.columns.get(name)
    if (column === undefined) throw new Error(`The table lacks its column ${name}`)
    for (let row = 0; row < table.rows; row++) {
      const isMissing =
        column.type === 'category'
          ? (column.codes[row] ?? -1) < 0
          : Number.isNaN(column.values[row] ?? Number.NaN)
      if (isMissing) isComplete[row] = 0
    }
  }
  return Uint32Array.from({ length: table.rows }, (_, row) => row).filter((row) => isComplete[row])
}
