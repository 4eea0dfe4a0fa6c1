/** What every reader ends in: the typed file, the description of its columns, and what the target means. */
import { rm } from 'node:fs/promises'
import type { Column, ColumnType, DatasetWarning, StoredProfile, Task } from '@trainyard/contracts'
import { chooseTarget, settleTarget } from './choose-target.ts'
import { blockRelation } from './column-blocks.ts'
import { DataError, type DataFault, quoteCell } from './data-error.ts'
import { describeColumns } from './describe-columns.ts'
import { profileTable } from './profile-table.ts'
import type { Session } from './session.ts'
import { limitWarnings } from './warnings.ts'
import { type TypedTable, writeTable } from './write-table.ts'

export interface TableOptions {
  /** Default: a column called target, label, class or y, else the last one, with a warning. */
  target?: string | undefined
  /** Types that are not to be inferred, by column name. */
  types?: Readonly<Record<string, ColumnType>> | ReadonlyMap<string, ColumnType> | undefined
  /** Columns that are kept but take no part in training. */
  ignore?: readonly string[] | undefined
}

export interface Ingested {
  /** The whole table, ignored columns included; the same content gives the same bytes. */
  parquetPath: string
  rows: number
  columns: Column[]
  target: string
  task: Task
  warnings: DatasetWarning[]
  profile: StoredProfile
}

/** The caller's wishes, checked against the names of the columns before anything is read. */
export interface TablePlan {
  names: readonly string[]
  types: ReadonlyMap<string, ColumnType>
  ignored: ReadonlySet<string>
  /** Index of the target column. */
  target: number
  warnings: DatasetWarning[]
}

/** A typed file and its columns, the target not yet settled. */
export interface StoredTable {
  parquetPath: string
  rows: number
  columns: Column[]
  warnings: DatasetWarning[]
}

/** Where rows stand for the caller; none are known for a format without lines. */
export type LinesOf = (rows: readonly number[]) => Promise<Map<number, number>>

export function planTable(names: readonly string[], options: TableOptions): TablePlan {
  const { ignore = [], types = {} } = options
  const byName = types instanceof Map ? types : new Map(Object.entries(types))
  const ignored = new Set(ignore)
  const { target, warning } = chooseTarget(names, options.target, ignored)
  const known = new Set(names)
  const faults: DataFault[] = []
  for (const [option, wanted] of [
    ['types', byName.keys()],
    ['ignore', ignored],
  ] as const) {
    for (const column of wanted) {
      if (known.has(column)) continue
      faults.push({ detail: `${option}: there is no column ${quoteCell(column)}`, column })
    }
  }
  const targetName = names[target] ?? ''
  if (ignored.has(targetName)) {
    faults.push({ detail: `ignore: ${quoteCell(targetName)} is the target`, column: targetName })
  }
  if (faults.length > 0) throw new DataError(faults)
  return { names, types: byName, ignored, target, warnings: warning === null ? [] : [warning] }
}

/** Reads the table once, into its file. The caller settles it or removes the file. */
export async function storeTable(session: Session, table: TypedTable): Promise<StoredTable> {
  const { names, types } = table
  const parquetPath = session.freshPath('parquet')
  try {
    await writeTable(session, parquetPath, table)
    const rows = table.rows ?? (await countRows(session, parquetPath, names.length))
    const inferred = names.map((name, i) => ({ name, type: types[i] ?? 'category' }))
    const described = await describeColumns(session, { path: parquetPath, rows }, inferred)
    return { parquetPath, rows, ...described }
  } catch (error) {
    await rm(parquetPath, { force: true })
    throw error
  }
}

/** Decides the target of a stored table and what is left to learn from, and looks at what the table is like. Removes the file when that is nothing. */
export async function settleTable(
  session: Session,
  stored: StoredTable,
  plan: TablePlan,
  linesOf: LinesOf,
): Promise<Ingested> {
  const { parquetPath, rows, columns } = stored
  const { ignored, target } = plan
  try {
    for (const column of columns) if (ignored.has(column.name)) column.role = 'ignored'
    const task = await settleTarget(session, { path: parquetPath, columns, target, rows, linesOf })
    assertFeature(columns)
    const kept = stored.warnings.filter(({ column }) => column === null || !ignored.has(column))
    const settled = { rows, columns, target: columns[target]?.name ?? '', task }
    const { profile, warnings } = await profileTable(session, { path: parquetPath, ...settled })
    const all = limitWarnings([...plan.warnings, ...kept, ...warnings])
    return { parquetPath, ...settled, warnings: all, profile }
  } catch (error) {
    await rm(parquetPath, { force: true })
    throw error
  }
}

async function countRows(session: Session, path: string, columns: number): Promise<number> {
  const [row] = await session.rows(`SELECT count(*) FROM ${blockRelation(path, columns, 0, [])}`)
  return Number(row?.[0])
}

function assertFeature(columns: readonly Column[]): void {
  if (columns.some(({ role }) => role === 'feature')) return
  throw new DataError([
    { detail: 'No column is left to learn from: all but the target are ignored' },
  ])
}
