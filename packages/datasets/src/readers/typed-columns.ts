/** What formats share whose values have types already: nothing is guessed, and only the unusable is refused. */
import { rm } from 'node:fs/promises'
import type { ColumnType, DatasetWarning } from '@trainyard/contracts'
import { blockRelation, groupColumns, physicalName } from '../column-blocks.ts'
import { DataError, type DataFault, FAULTS_MAX, quoteCell, refuse } from '../data-error.ts'
import type { Session } from '../session.ts'
import {
  type Ingested,
  type StoredTable,
  settleTable,
  storeTable,
  type TablePlan,
} from '../store-table.ts'
import { makeWarning } from '../warnings.ts'
import type { TypedTable } from '../write-table.ts'

/** Cells of one table: 4 GiB as numbers. A small file can announce any number of rows. */
const CELLS_MAX = 2 ** 29
/** Whole numbers up to here are printed by JavaScript without an exponent, and are exact in a BIGINT. */
const WHOLE_TEXT_MAX = 1e15

/** A number may be declared a category, as codes of classes are; a text cannot become a number. */
export function typedValue(
  sql: string,
  { own, wanted, name }: { own: ColumnType; wanted: ColumnType; name: string },
): string {
  if (own === wanted) return sql
  if (own === 'category' && wanted === 'date') {
    const remedy = 'PATCH the data set with it once it is stored'
    return refuse(`types: the column ${quoteCell(name)} holds texts; ${remedy}`, { column: name })
  }
  if (wanted !== 'category') {
    return refuse(`types: the column ${quoteCell(name)} is a ${own} in the file`, { column: name })
  }
  if (own === 'boolean') return `(${sql})::VARCHAR`
  return `CASE WHEN trunc(${sql}) = ${sql} AND abs(${sql}) < ${WHOLE_TEXT_MAX}
    THEN (${sql})::BIGINT::VARCHAR ELSE (${sql})::VARCHAR END`
}

export function assertCells(rows: number, columns: number): void {
  if (rows * columns <= CELLS_MAX) return
  refuse(`The table has ${rows} × ${columns} cells; at most ${CELLS_MAX} are read`)
}

/** Stores a table without lines, after looking for infinities and NUL characters. */
export async function settleTyped(
  session: Session,
  plan: TablePlan,
  table: TypedTable & { rows: number },
): Promise<Ingested> {
  assertCells(table.rows, table.names.length)
  const stored = await storeTable(session, table)
  try {
    await assertUsable(session, stored)
  } catch (error) {
    await rm(stored.parquetPath, { force: true })
    throw error
  }
  const warnings = [...emptyColumns(stored), ...stored.warnings]
  return await settleTable(session, { ...stored, warnings }, plan, async () => new Map())
}

async function assertUsable(session: Session, stored: StoredTable): Promise<void> {
  const { columns, rows } = stored
  const infinite = columns.flatMap(({ type, missing, min, max }, i) =>
    type === 'number' && missing < rows && (min === null || max === null) ? [i] : [],
  )
  const withNul = columns.flatMap(({ levels }, i) =>
    levels?.some((level) => level.includes('\0')) ? [i] : [],
  )
  const faults: DataFault[] = [
    ...(await findRows(
      session,
      stored,
      infinite,
      (cell) => `isinf(${cell}::DOUBLE)`,
      'is infinite',
    )),
    ...(await findRows(
      session,
      stored,
      withNul,
      (cell) => `contains(${cell}, chr(0))`,
      'holds a NUL character',
    )),
  ]
  if (faults.length > 0) throw new DataError(faults)
}

async function findRows(
  session: Session,
  { parquetPath, columns, rows }: StoredTable,
  which: readonly number[],
  condition: (cell: string) => string,
  reason: string,
): Promise<DataFault[]> {
  const faults: DataFault[] = []
  for (const i of which) {
    if (faults.length >= FAULTS_MAX) break
    const column = columns[i]?.name ?? ''
    const block = groupColumns([i])[0]?.block ?? 0
    const found = await session.rows(
      `SELECT file_row_number FROM ${blockRelation(parquetPath, columns.length, block, [i])}
       WHERE ${condition(physicalName(i))} ORDER BY file_row_number LIMIT ${FAULTS_MAX}`,
    )
    for (const [place] of found) {
      const row = Number(place) - block * rows + 1
      faults.push({
        detail: `Row ${row}, column ${quoteCell(column)}: the value ${reason}`,
        column,
      })
    }
  }
  return faults
}

function emptyColumns({ columns, rows }: StoredTable): DatasetWarning[] {
  return columns
    .filter(({ missing }) => missing === rows)
    .map(({ name }) =>
      makeWarning('empty_column', name, 'Every cell is missing; the column is ignored'),
    )
}
