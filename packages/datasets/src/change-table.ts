import { rm } from 'node:fs/promises'
import {
  type ChangeDatasetBody,
  type Column,
  type ColumnType,
  type Dataset,
  type DatasetWarning,
  type DatasetWarningCode,
  PROFILE_WARNING_CODES,
  type StoredProfile,
  type Task,
} from '@trainyard/contracts'
import { settleTarget } from './choose-target.ts'
import { BLOCK_COLUMNS, blockRelation, physicalName } from './column-blocks.ts'
import { DataError, type DataFault, quoteCell, refuse } from './data-error.ts'
import { describeColumns } from './describe-columns.ts'
import { inferTypes, typedCell } from './infer-types.ts'
import { profileTable } from './profile-table.ts'
import type { Session } from './session.ts'
import type { StagedTable } from './stage-csv.ts'
import { limitWarnings } from './warnings.ts'
import { writeTable } from './write-table.ts'

/** They are found anew. */
const OF_THE_PROFILE: ReadonlySet<DatasetWarningCode> = new Set(PROFILE_WARNING_CODES)

export type ChangeableTable = Pick<Dataset, 'rows' | 'columns' | 'target' | 'warnings'>
export type TableChange = Pick<ChangeDatasetBody, 'types' | 'roles' | 'target'>

export interface Changed {
  /** A new file when a type was changed; null when the table is the same. */
  parquetPath: string | null
  columns: Column[]
  target: string
  task: Task
  warnings: DatasetWarning[]
  profile: StoredProfile
}

/** Throws DataError when cells do not fit their new type, or when nothing one can train on is left. */
export async function changeTable(
  session: Session,
  path: string,
  current: ChangeableTable,
  change: TableChange,
): Promise<Changed> {
  assertChange(current, change)
  const { rows } = current
  const types = new Map(Object.entries(change.types ?? {}))
  const targetName = change.target ?? current.target
  const retyped = types.size === 0 ? null : await retype(session, path, current, types)
  const changedPath = retyped?.path ?? path
  try {
    const columns = (retyped ?? current).columns.map((column) => ({ ...column }))
    setRoles(columns, current, change)
    const target = columns.findIndex(({ name }) => name === targetName)
    const task = await settleTarget(session, {
      ...{ path: changedPath, columns, target, rows },
      // The file that was sent is gone, and with it its lines.
      linesOf: async () => new Map(),
    })
    if (!columns.some(({ role }) => role === 'feature')) {
      refuse('No column is left to learn from: all but the target are ignored')
    }
    const input = { path: changedPath, rows, columns, target: targetName, task }
    const { profile, warnings: found } = await profileTable(session, input)
    const kept = current.warnings.filter(
      ({ code, column }) =>
        !(OF_THE_PROFILE.has(code) || types.has(column ?? '')) &&
        !(code === 'target_assumed' && change.target !== undefined),
    )
    const warnings = limitWarnings([...kept, ...(retyped?.warnings ?? []), ...found])
    return {
      parquetPath: retyped?.path ?? null,
      columns,
      target: targetName,
      task,
      warnings,
      profile,
    }
  } catch (error) {
    if (retyped !== null) await rm(retyped.path, { force: true })
    throw error
  }
}

function assertChange({ columns, target }: ChangeableTable, change: TableChange): void {
  const known = new Map(columns.map((column) => [column.name, column]))
  const faults: DataFault[] = []
  for (const part of ['types', 'roles'] as const) {
    for (const name of Object.keys(change[part] ?? {})) {
      const pointer = `#/${part}/${encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))}`
      if (!known.has(name)) {
        faults.push({ detail: `there is no column ${quoteCell(name)}`, column: name, pointer })
      } else if (part === 'roles' && name === (change.target ?? target)) {
        const detail = `${quoteCell(name)} is the target; name another one first`
        faults.push({ detail, column: name, pointer })
      }
    }
  }
  if (change.target !== undefined && !known.has(change.target)) {
    const detail = `there is no column ${quoteCell(change.target)}`
    faults.push({ detail, column: change.target, pointer: '#/target' })
  }
  if (faults.length > 0) throw new DataError(faults)
}

/** Roles stay, unless said otherwise; a column of a new type is a feature, and so is what was the target. */
function setRoles(columns: Column[], current: ChangeableTable, change: TableChange): void {
  const roles = new Map(Object.entries(change.roles ?? {}))
  const faults: DataFault[] = []
  for (const [i, column] of columns.entries()) {
    const { name, type } = column
    const isRetyped = Object.hasOwn(change.types ?? {}, name)
    const before = current.columns[i]?.role ?? 'feature'
    if (before === 'target') {
      if (type !== 'category') column.levels = null
      column.role = roles.get(name) ?? 'feature'
    } else column.role = roles.get(name) ?? (isRetyped ? column.role : before)
    const { role } = column
    const isUnread = type === 'category' && column.levels === null
    if (isUnread && (role === 'feature' || role === 'group')) {
      const detail = `${quoteCell(name)} has too many distinct texts to be a ${role}`
      faults.push({ detail, column: name, pointer: '#/roles' })
    }
    if (role === 'weight' && type !== 'number' && type !== 'boolean') {
      const detail = `${quoteCell(name)} is a ${type}; weights are numbers`
      faults.push({ detail, column: name, pointer: '#/roles' })
    }
  }
  const weights = columns.filter(({ role }) => role === 'weight').map(({ name }) => name)
  if (weights.length > 1) {
    const detail = `${weights.map(quoteCell).join(' and ')} cannot both be the weight`
    faults.push({ detail, pointer: '#/roles' })
  }
  if (faults.length > 0) throw new DataError(faults)
}

/** The table again with columns of other types, through the same checks as a file that comes in. */
async function retype(
  session: Session,
  path: string,
  { rows, columns }: ChangeableTable,
  types: ReadonlyMap<string, ColumnType>,
): Promise<{ path: string; columns: Column[]; warnings: DatasetWarning[] }> {
  const staged: StagedTable = {
    columns: columns.length,
    rows,
    relation: (block) => textRelation(path, columns, block, types),
    linesOf: async () => new Map(),
    remove: async () => undefined,
  }
  const declared = new Map(columns.map(({ name, type }) => [name, types.get(name) ?? type]))
  const names = columns.map(({ name }) => name)
  const inference = await inferTypes(session, staged, names, declared)
  const changedPath = session.freshPath('parquet')
  try {
    await writeTable(session, changedPath, {
      ...{ names, rows, relation: staged.relation },
      types: inference.columns.map(({ type }) => type),
      cell: (i) => typedCell(i, inference.columns[i]?.type ?? 'category'),
    })
    const table = { path: changedPath, rows }
    const described = await describeColumns(session, table, inference.columns)
    const warnings = [...inference.warnings, ...described.warnings]
    const ofRetyped = warnings.filter(({ column }) => types.has(column ?? ''))
    return { path: changedPath, columns: described.columns, warnings: ofRetyped }
  } catch (error) {
    await rm(changedPath, { force: true })
    throw error
  }
}

/** SQL relation of a block's cells as text; a whole number that becomes something else has no decimals there. */
function textRelation(
  path: string,
  columns: readonly Column[],
  block: number,
  types: ReadonlyMap<string, ColumnType>,
): string {
  const first = block * BLOCK_COLUMNS
  const cells = columns.slice(first, first + BLOCK_COLUMNS).map(({ name, type }, i) => {
    const cell = physicalName(first + i)
    const isWhole = `${cell}::DOUBLE = trunc(${cell}::DOUBLE) AND abs(${cell}::DOUBLE) < 1e15`
    return type === 'number' && types.has(name)
      ? `CASE WHEN ${isWhole} THEN ${cell}::DOUBLE::BIGINT::VARCHAR ELSE ${cell}::VARCHAR END AS ${cell}`
      : `${cell}::VARCHAR AS ${cell}`
  })
  const relation = blockRelation(path, columns.length, block)
  return `(SELECT file_row_number, ${cells.join(', ')} FROM ${relation})`
}
