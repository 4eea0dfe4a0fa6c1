import { rm } from 'node:fs/promises'
import type { Column, ColumnType, DatasetWarning, StoredProfile, Task } from '@trainyard/contracts'
import { chooseTarget, settleTarget } from './choose-target.ts'
import { readCsvHeader } from './csv-header.ts'
import { DataError, type DataFault, quoteCell } from './data-error.ts'
import { describeColumns } from './describe-columns.ts'
import { type InferredColumn, inferTypes, typedCell } from './infer-types.ts'
import { profileTable } from './profile-table.ts'
import type { Session } from './session.ts'
import { type StagedTable, stageCsv } from './stage-csv.ts'
import { limitWarnings, makeWarning } from './warnings.ts'
import { writeTable } from './write-table.ts'

export interface CsvOptions {
  /** Default: a column called target, label, class or y, else the last one, with a warning. */
  target?: string | undefined
  /** One ASCII character. Default: whichever of , ; tab | splits the first line most. */
  separator?: string | undefined
  /** Whether the first line holds names. Default true; without, columns are column_1, column_2, … */
  header?: boolean | undefined
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

/** Reads a CSV file into a data set. Throws DataError when it is not a table one can train on. */
export async function ingestCsv(
  session: Session,
  path: string,
  options: CsvOptions,
): Promise<Ingested> {
  const hasHeader = options.header ?? true
  const header = await readCsvHeader(path, { separator: options.separator, hasHeader })
  const { names, separator } = header
  const types = toMap(options.types)
  const { target, warning } = chooseTarget(names, options.target, new Set(options.ignore))
  assertKnownColumns(names, types, options.ignore ?? [], target)
  const warnings: DatasetWarning[] = warning === null ? [] : [warning]
  if (header.looksLikeData) {
    const detail = 'Every column name is a number; if the first line holds data, send header=false'
    warnings.push(makeWarning('header_looks_like_data', null, detail))
  }
  const staged = await stageCsv(session, { path, separator, columns: names.length, hasHeader })
  try {
    const inference = await inferTypes(session, staged, names, types)
    warnings.push(...inference.warnings)
    return await store(session, staged, inference.columns, target, options.ignore ?? [], warnings)
  } finally {
    await staged.remove()
  }
}

async function store(
  session: Session,
  staged: StagedTable,
  inferred: readonly InferredColumn[],
  target: number,
  ignore: readonly string[],
  warnings: DatasetWarning[],
): Promise<Ingested> {
  const parquetPath = session.freshPath('parquet')
  const { rows, linesOf } = staged
  try {
    await writeTable(session, parquetPath, {
      columns: staged.columns,
      rows,
      cell: (column) => typedCell(column, inferred[column]?.type ?? 'category'),
      relation: staged.relation,
    })
    const described = await describeColumns(session, { path: parquetPath, rows }, inferred)
    const { columns } = described
    const ignored = new Set(ignore)
    for (const column of columns) if (ignored.has(column.name)) column.role = 'ignored'
    const task = await settleTarget(session, { path: parquetPath, columns, target, rows, linesOf })
    assertFeature(columns)
    const targetName = columns[target]?.name ?? ''
    const kept = described.warnings.filter((warning) => !ignored.has(warning.column ?? ''))
    const stored = { rows, columns, target: targetName, task }
    const { profile, warnings: found } = await profileTable(session, {
      path: parquetPath,
      ...stored,
    })
    const all = limitWarnings([...warnings, ...kept, ...found])
    return { parquetPath, ...stored, warnings: all, profile }
  } catch (error) {
    await rm(parquetPath, { force: true })
    throw error
  }
}

function toMap(types: CsvOptions['types']): ReadonlyMap<string, ColumnType> {
  return types instanceof Map ? types : new Map(Object.entries(types ?? {}))
}

function assertKnownColumns(
  names: readonly string[],
  types: ReadonlyMap<string, ColumnType>,
  ignore: readonly string[],
  target: number,
): void {
  const known = new Set(names)
  const faults: DataFault[] = []
  for (const name of types.keys()) {
    if (!known.has(name))
      faults.push({ detail: `types: there is no column ${quoteCell(name)}`, column: name })
  }
  for (const name of ignore) {
    if (!known.has(name))
      faults.push({ detail: `ignore: there is no column ${quoteCell(name)}`, column: name })
    if (name === names[target])
      faults.push({ detail: `ignore: ${quoteCell(name)} is the target`, column: name })
  }
  if (faults.length > 0) throw new DataError(faults)
}

function assertFeature(columns: readonly Column[]): void {
  if (columns.some(({ role }) => role === 'feature')) return
  throw new DataError([
    { detail: 'No column is left to learn from: all but the target are ignored' },
  ])
}
