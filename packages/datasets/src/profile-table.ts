/**
 * What a table is like, and what is wrong with it. Counts of missing cells and of equal rows look at all rows; figures of
 * columns look at a random choice of them, so that the largest table costs about as much as one of 32,768 rows.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type Column,
  type DatasetWarning,
  FOLDS_MAX,
  type ProfileColumn,
  type StoredProfile,
  type Task,
} from '@trainyard/contracts'
import { blockRelation, groupColumns, physicalName } from './column-blocks.ts'
import { countDuplicates, countEqualRows, hashRows } from './count-duplicates.ts'
import { classIndices } from './encode-table.ts'
import { findProfileWarnings } from './find-profile-warnings.ts'
import { profileColumn, type TargetFacts } from './profile-column.ts'
import { readParts } from './read-table.ts'
import type { Session } from './session.ts'
import { isLoaded, type Table, type TableColumn } from './table.ts'

const ROWS_EXAMINED = 32_768
/** A job may ask for as many groups: one for each fold, and one for its test part. */
const GROUPS_MAX = FOLDS_MAX + 1
/** Cells looked at between two turns of the event loop: a few milliseconds. */
const CELLS_PER_TURN = 32_768

export interface ProfileInput {
  path: string
  rows: number
  columns: readonly Column[]
  target: string
  task: Task
}

export interface TableProfile {
  profile: StoredProfile
  warnings: DatasetWarning[]
}

export async function profileTable(session: Session, input: ProfileInput): Promise<TableProfile> {
  const { path, rows, columns } = input
  const oneIn = Math.ceil(rows / ROWS_EXAMINED)
  const target = await readTarget(session, input, oneIn)
  const values = target.kind === 'values' ? target.values : target.classes
  // Equal rows are looked for among all: here where all are read, by DuckDB where they are more.
  const hashes = oneIn === 1 ? hashRows(rows) : null
  const profiles = columns.map((column) => profileColumn(column, null, rows, target))
  const which = [...columns.keys()].filter((i) => isLoaded(columns[i] as Column))
  let cells = 0
  for await (const { indices, table } of readParts(session, path, columns, { which, oneIn })) {
    for (const i of indices) {
      const column = columns[i] as Column
      const found = table.columns.get(column.name) as TableColumn
      profiles[i] = profileColumn(column, found, rows, target)
      if (column.role === 'feature')
        hashes?.add(found.type === 'category' ? found.codes : found.values)
      cells += table.rows
      if (cells < CELLS_PER_TURN) continue
      cells = 0
      await nextTurn()
    }
  }
  if (oneIn > 1) await countExactly(session, input, profiles, values.length)
  const duplicates =
    hashes === null
      ? await countDuplicates(session, input)
      : countEqualRows(hashes, values, target.kind === 'classes')
  const profile: StoredProfile = {
    rows_examined: values.length,
    columns: profiles,
    classes: countClasses(input, target),
    duplicates,
    scale_spread: scaleSpread(columns),
  }
  return { profile, warnings: findProfileWarnings(input, profile) }
}

/** What columns are compared with; its memory is its own. */
async function readTarget(
  session: Session,
  input: ProfileInput,
  oneIn: number,
): Promise<TargetFacts> {
  const { path, columns, target } = input
  const which = [columns.findIndex(({ name }) => name === target)]
  for await (const { table } of readParts(session, path, columns, { which, oneIn })) {
    return targetFacts(input, table)
  }
  throw new Error(`${target} is no column`)
}

function targetFacts({ columns, target, task }: ProfileInput, table: Table): TargetFacts {
  const column = table.columns.get(target)
  if (task === 'regression') {
    if (column === undefined || column.type === 'category')
      throw new Error(`${target} is no number`)
    return { kind: 'values', values: column.values }
  }
  const classes = columns.find(({ name }) => name === target)?.levels ?? []
  const rows = Uint32Array.from({ length: table.rows }, (_, row) => row)
  const indices = classIndices({ table, target, classes, rows })
  return { kind: 'classes', classes: indices, count: classes.length }
}

function countClasses(
  { columns, target }: ProfileInput,
  facts: TargetFacts,
): StoredProfile['classes'] {
  if (facts.kind === 'values') return null
  const counts = new Uint32Array(facts.count)
  for (const label of facts.classes) counts[label] = (counts[label] ?? 0) + 1
  const names = columns.find(({ name }) => name === target)?.levels ?? []
  return names.map((name, i) => {
    const count = counts[i] ?? 0
    return { name, count, share: count / facts.classes.length }
  })
}

/**
 * A choice of rows can only suggest that a column is constant, different in every row, or has few values; then all rows
 * are asked. Levels were counted in all rows before.
 */
async function countExactly(
  session: Session,
  { path, columns }: ProfileInput,
  profiles: readonly ProfileColumn[],
  examined: number,
): Promise<void> {
  const doubtful = [...profiles.keys()].filter((i) => {
    const { distinct } = profiles[i] as ProfileColumn
    const levels = columns[i]?.levels ?? null
    if (distinct === null || (distinct > GROUPS_MAX && distinct !== examined)) return false
    if (levels === null) return true
    ;(profiles[i] as ProfileColumn).distinct = levels.length
    return false
  })
  for (const { block, columns: group } of groupColumns(doubtful)) {
    const counts = group.map((i) => `count(DISTINCT ${physicalName(i)})`)
    const relation = blockRelation(path, columns.length, block, group)
    const [row = []] = await session.rows(`SELECT ${counts.join(', ')} FROM ${relation}`)
    for (const [k, i] of group.entries()) {
      const profile = profiles[i] as ProfileColumn
      profile.distinct = Number(row[k])
    }
  }
}

function scaleSpread(columns: readonly Column[]): number | null {
  const spreads = columns
    .filter(({ role, type, min, max }) => role === 'feature' && type === 'number' && min !== max)
    .map(({ std }) => std ?? 0)
    .filter((std) => std > 0)
  if (spreads.length < 2) return null
  const largest = spreads.reduce((a, b) => Math.max(a, b))
  const spread = largest / spreads.reduce((a, b) => Math.min(a, b))
  return Number.isFinite(spread) ? spread : null
}
