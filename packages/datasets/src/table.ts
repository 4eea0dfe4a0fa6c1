import type { Column } from '@trainyard/contracts'

/**
 * A data set in memory, column by column. Plain data over one SharedArrayBuffer: posting it to a thread shares the
 * memory and copies only the names and levels.
 */
export interface Table {
  rows: number
  columns: Map<string, TableColumn>
}

export type TableColumn = NumericColumn | CategoryColumn

export interface NumericColumn {
  type: 'number' | 'boolean' | 'date'
  /** Booleans are 0 and 1, dates milliseconds as `dates.ts` has them; NaN is a missing cell. */
  values: Float64Array<SharedArrayBuffer>
}

export interface CategoryColumn {
  type: 'category'
  /** Index into `levels`; −1 is a missing cell. */
  codes: Int32Array<SharedArrayBuffer>
  levels: readonly string[]
}

/** Memory that a table of so many rows takes, its level names aside. */
export function tableBytes(columns: readonly Column[], rows: number): number {
  return columns.filter(isLoaded).reduce((bytes, { type }) => {
    const itemBytes =
      type === 'category' ? Int32Array.BYTES_PER_ELEMENT : Float64Array.BYTES_PER_ELEMENT
    return bytes + itemBytes * rows
  }, 0)
}

/** Ignored columns are kept in the file and never loaded; ids, groups and weights are for later uses. */
export function isLoaded(column: Column): boolean {
  return column.role !== 'ignored'
}
