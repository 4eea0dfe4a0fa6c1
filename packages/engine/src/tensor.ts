/**
 * A row-major float64 matrix for the reference backend. Every access is checked: the oracle must not
 * be able to read a wrong number silently.
 */
export class Matrix {
  readonly rows: number
  readonly columns: number
  readonly values: Float64Array

  constructor(
    rows: number,
    columns: number,
    values: Float64Array = new Float64Array(rows * columns),
  ) {
    if (values.length !== rows * columns) {
      throw new RangeError(`${values.length} values cannot fill [${rows}, ${columns}]`)
    }
    this.rows = rows
    this.columns = columns
    this.values = values
  }

  at(row: number, column: number): number {
    return element(this.values, this.#index(row, column))
  }

  set(row: number, column: number, value: number): void {
    this.values[this.#index(row, column)] = value
  }

  /** A view of one row. [columns] */
  row(row: number): Float64Array {
    const start = this.#index(row, 0)
    return this.values.subarray(start, start + this.columns)
  }

  #index(row: number, column: number): number {
    if (!(row >= 0 && row < this.rows && column >= 0 && column < this.columns)) {
      throw new RangeError(`[${row}, ${column}] is outside [${this.rows}, ${this.columns}]`)
    }
    return row * this.columns + column
  }
}

/** The value at an index that must exist. */
export function element(values: Float64Array | Float32Array, index: number): number {
  const value = values[index]
  if (value === undefined) throw new RangeError(`index ${index} of ${values.length} values`)
  return value
}
