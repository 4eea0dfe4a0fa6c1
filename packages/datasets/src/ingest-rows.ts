import { rm } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Cell, ColumnType, DatasetWarning } from '@trainyard/contracts'
import { findNameFaults } from './csv-header.ts'
import { DataError, type DataFault, FAULTS_MAX, quoteCell } from './data-error.ts'
import { ingestCsv } from './ingest-csv.ts'
import type { Session } from './session.ts'
import type { Ingested } from './store-table.ts'
import { makeWarning } from './warnings.ts'
import { writeCsv } from './write-csv.ts'

export interface InlineRows {
  columns: readonly string[]
  rows: readonly (readonly Cell[])[]
  target?: string | undefined
  /** Types other than JSON's own, by column name. */
  types?: Readonly<Record<string, ColumnType>> | undefined
}

const ROWS_PER_TURN = 256

/** Rows of a JSON body. JSON already says what is a number, so nothing is guessed from text. */
export async function ingestRows(session: Session, inline: InlineRows): Promise<Ingested> {
  const nameFaults = findNameFaults(inline.columns)
  if (nameFaults.length > 0) {
    throw new DataError(nameFaults.map((fault) => ({ ...fault, pointer: '#/columns' })))
  }
  const { types, warnings } = await findTypes(inline)
  const path = session.freshPath('csv')
  try {
    await writeCsv(path, inline.columns, inline.rows)
    const options = { target: inline.target, separator: ',', header: true, types }
    const ingested = await ingestCsv(session, path, options)
    const own = ingested.warnings.filter(({ code }) => code !== 'header_looks_like_data')
    return { ...ingested, warnings: [...own, ...warnings] }
  } catch (error) {
    throw toPointers(error, inline)
  } finally {
    await rm(path, { force: true })
  }
}

async function findTypes(
  inline: InlineRows,
): Promise<{ types: Map<string, ColumnType>; warnings: DatasetWarning[] }> {
  const { columns, rows } = inline
  const seen = columns.map(() => ({ number: false, boolean: false, string: false }))
  const faults: DataFault[] = []
  for (const [r, row] of rows.entries()) {
    if (r % ROWS_PER_TURN === 0) await nextTurn()
    if (row.length !== columns.length) {
      const detail = `Row ${r + 1} has ${row.length} cells, there are ${columns.length} columns`
      faults.push({ detail, pointer: `#/rows/${r}` })
    }
    for (const [c, cell] of row.entries()) {
      const kinds = seen[c]
      if (kinds === undefined || cell === null) continue
      const kind = typeof cell as 'number' | 'boolean' | 'string'
      kinds[kind] = true
      if (typeof cell === 'number' ? !Number.isFinite(cell) : isUnusableText(cell)) {
        const detail = `The cell ${quoteCell(String(cell))} is not a finite number or plain text`
        faults.push({ detail, pointer: `#/rows/${r}/${c}`, column: columns[c] ?? '' })
      }
    }
    if (faults.length >= FAULTS_MAX) break
  }
  if (faults.length > 0) throw new DataError(faults)
  const types = new Map(Object.entries(inline.types ?? {}))
  const warnings: DatasetWarning[] = []
  for (const [c, { number, boolean, string }] of seen.entries()) {
    const column = columns[c] ?? ''
    if (types.has(column)) continue
    const isMixed = Number(number) + Number(boolean) + Number(string) > 1
    if (isMixed) {
      const detail = 'Values of several types; the column was read as text'
      warnings.push(makeWarning('mixed_types', column, detail))
    }
    if (string || isMixed) types.set(column, 'category')
    else types.set(column, boolean ? 'boolean' : 'number')
  }
  return { types, warnings }
}

/** Lone surrogates have no UTF-8, and NUL ends texts in the database. */
function isUnusableText(cell: Cell): boolean {
  return typeof cell === 'string' && (cell.includes('\0') || !cell.isWellFormed())
}

/** The file is ours, so its lines mean nothing to the caller: row `line − 2` of the body does. */
function toPointers(error: unknown, { columns }: InlineRows): unknown {
  if (!(error instanceof DataError)) return error
  return new DataError(
    error.faults.map(({ line, ...fault }) => {
      if (line === undefined || line < 2) return { pointer: '#/rows', ...fault }
      const row = line - 2
      const column = fault.column === undefined ? -1 : columns.indexOf(fault.column)
      const pointer = column < 0 ? `#/rows/${row}` : `#/rows/${row}/${column}`
      const detail = fault.detail.replace(/^Line \d+/, `Row ${row + 1}`)
      return { ...fault, detail, pointer }
    }),
  )
}
