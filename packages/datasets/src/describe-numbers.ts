/**
 * Counts, ranges and moments of a wide table's numbers, each cell read once: DuckDB needs longer to plan five aggregates
 * for each of thousands of columns than to read them. The same operations in the same order, so the figures are DuckDB's
 * to the bit.
 */
import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Column } from '@trainyard/contracts'
import { blockRelation, groupColumns, physicalName } from './column-blocks.ts'
import type { Session } from './session.ts'

interface Figures {
  present: number
  min: number
  max: number
  /** Whether every value is. */
  finite: boolean
  sum: number
  mean: number
  /** Sum of squared distances from the mean (Welford). */
  squares: number
}

/** Fills in the listed columns of a stored table. A column with a value that is not finite has no figures but its count. */
export async function describeNumbers(
  session: Session,
  table: { path: string; rows: number },
  columns: readonly Column[],
  which: Iterable<number>,
): Promise<void> {
  for (const group of groupColumns(which)) {
    const cells = group.columns.map((i) => `${physicalName(i)}::DOUBLE`)
    const relation = blockRelation(table.path, columns.length, group.block, group.columns)
    const result = await session.stream(`SELECT ${cells.join(', ')} FROM ${relation}`)
    const figures = group.columns.map(noFigures)
    for (;;) {
      const chunk = await result.fetchChunk()
      if (chunk === null || chunk.rowCount === 0) break
      for (const [k, figuresOf] of figures.entries()) addCells(figuresOf, chunk, k)
    }
    for (const [k, i] of group.columns.entries()) {
      settle(columns[i] as Column, figures[k] as Figures, table.rows)
    }
  }
}

function noFigures(): Figures {
  const [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  return { present: 0, min, max, finite: true, sum: 0, mean: 0, squares: 0 }
}

function addCells(figures: Figures, chunk: DuckDBDataChunk, k: number): void {
  const vector = chunk.getColumnVector(k)
  let { present, min, max, finite, sum, mean, squares } = figures
  for (let row = 0; row < vector.itemCount; row++) {
    const value = vector.getItem(row) as number | null
    if (value === null) continue
    finite &&= Number.isFinite(value)
    present += 1
    if (value < min) min = value
    if (value > max) max = value
    sum += value
    const distance = value - mean
    mean += distance / present
    squares += distance * (value - mean)
  }
  Object.assign(figures, { present, min, max, finite, sum, mean, squares })
}

function settle(column: Column, figures: Figures, rows: number): void {
  const { present, min, max, finite, sum, squares } = figures
  column.missing = rows - present
  if (present === 0 || !finite) return
  column.min = min
  column.max = max
  column.mean = sum / present
  column.std = Math.sqrt(squares / present)
}
