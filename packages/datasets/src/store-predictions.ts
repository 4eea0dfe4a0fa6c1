/**
 * What a model says of every row of a stored table becomes a table of its own: the number of the row and the ids of the source,
 * and beside them the predictions. Rows stay in their order, so the two are joined by place.
 */
import { rm } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Column, ColumnType, Task } from '@trainyard/contracts'
import { blockRelation, groupColumns, physicalName } from './column-blocks.ts'
import { profileTable } from './profile-table.ts'
import { openBlocks } from './readers/column-appender.ts'
import { type Session, sqlText } from './session.ts'
import { type Ingested, storeTable } from './store-table.ts'
import { limitWarnings } from './warnings.ts'

export interface SourceTable {
  path: string
  /** All of the data set's. */
  columns: readonly Column[]
}

/** One column of predictions; `at` strides through the values of all. */
export interface PredictedColumn {
  name: string
  values: ArrayLike<number>
  /** Of the first row, and from row to row. */
  start: number
  step: number
  /** The values are indices of these; else they are numbers. */
  labels?: readonly string[]
}

/** The first column of predictions is the target. */
export interface PredictedTable {
  rows: number
  columns: readonly PredictedColumn[]
  task: Task
}

/** Number of the row in the source, from 0, as in `GET /v1/datasets/{id}/rows?offset=`. */
const ROW_COLUMN = 'row'
const NAME_CHARACTERS_MAX = 128
const VECTOR_ROWS = 2048
/** Cells copied to DuckDB in one turn of the event loop, and held in its memory before they go to a file. */
const TURN_CELLS = 2 ** 17
const PART_CELLS = 2 ** 20

/** Ids of the source under their own names first; whatever is called like one before it gets a `_`. */
export async function storePredictions(
  session: Session,
  source: SourceTable,
  predicted: PredictedTable,
): Promise<Ingested> {
  const ids = [...source.columns.keys()].filter((i) => source.columns[i]?.role === 'id')
  const idColumns = ids.map((i) => source.columns[i] as Column)
  const row: PredictedColumn = {
    name: ROW_COLUMN,
    values: Float64Array.from({ length: predicted.rows }, (_, i) => i),
    start: 0,
    step: 1,
  }
  const computed = [row, ...predicted.columns]
  const types: ColumnType[] = computed.map(({ labels }) => (labels ? 'category' : 'number'))
  const names = distinctNames([...idColumns, ...computed].map(({ name }) => name))
  const parts: string[] = []
  try {
    await stage(session, computed, types, predicted.rows, parts)
    const stored = await storeTable(session, {
      names,
      types: [...idColumns.map(({ type }) => type), ...types],
      rows: predicted.rows,
      cell: (i) => (i < ids.length ? `id_${i}` : `p.${physicalName(i - ids.length)}`),
      relation: () =>
        [`read_parquet([${parts.map(sqlText).join(', ')}]) AS p`, ...idRelations(source, ids)].join(
          ' POSITIONAL JOIN ',
        ),
    })
    return await settle(session, stored, predicted, ids.length)
  } finally {
    await Promise.all(parts.map((part) => rm(part, { force: true })))
  }
}

function idRelations({ path, columns }: SourceTable, ids: readonly number[]): string[] {
  return groupColumns(ids).map((group, i) => {
    const cells = group.columns.map((column) => {
      const { type } = columns[column] as Column
      const sql = type === 'number' ? 'DOUBLE' : type === 'boolean' ? 'BOOLEAN' : 'VARCHAR'
      return `${physicalName(column)}::${sql} AS id_${ids.indexOf(column)}`
    })
    const relation = blockRelation(path, columns.length, group.block, group.columns)
    return `(SELECT ${cells.join(', ')} FROM ${relation}) AS s${i}`
  })
}

async function stage(
  session: Session,
  columns: readonly PredictedColumn[],
  types: readonly ColumnType[],
  rows: number,
  parts: string[],
): Promise<void> {
  const turnRows = Math.min(VECTOR_ROWS, Math.max(1, Math.floor(TURN_CELLS / columns.length)))
  const partRows = turnRows * Math.max(1, Math.floor(PART_CELLS / columns.length / turnRows))
  const blocks = await openBlocks(session, types)
  try {
    for (let start = 0; start < rows; start += turnRows) {
      const count = Math.min(turnRows, rows - start)
      blocks.begin(count)
      for (const [c, column] of columns.entries()) {
        const vector = blocks.vectorOf(c)
        for (let i = 0, at = column.start + start * column.step; i < count; i++) {
          const value = column.values[at] as number
          vector[i] = column.labels === undefined ? value : (column.labels[value] ?? '')
          at += column.step
        }
      }
      blocks.append()
      const end = start + count
      if (end % partRows === 0 || end === rows) parts.push(...(await blocks.flush()))
      await nextTurn()
    }
  } finally {
    blocks.close()
  }
}

/** A model may say the same of every row, which as a target of data that came in would be refused. */
async function settle(
  session: Session,
  { parquetPath, rows, columns, warnings }: Awaited<ReturnType<typeof storeTable>>,
  predicted: PredictedTable,
  idCount: number,
): Promise<Ingested> {
  const { task } = predicted
  for (const column of columns.slice(0, idCount + 1)) column.role = 'id'
  const target = columns[idCount + 1]
  if (target === undefined) throw new Error('predictions have a first column')
  target.role = 'target'
  const classes = predicted.columns[0]?.labels
  if (classes !== undefined && (target.levels?.length ?? 0) < 2) target.levels = [...classes]
  try {
    const settled = { rows, columns, target: target.name, task }
    const profiled = await profileTable(session, { path: parquetPath, ...settled })
    const all = limitWarnings([...warnings, ...profiled.warnings])
    return { parquetPath, ...settled, warnings: all, profile: profiled.profile }
  } catch (error) {
    await rm(parquetPath, { force: true })
    throw error
  }
}

function distinctNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map((name) => {
    let free = name.slice(0, NAME_CHARACTERS_MAX)
    while (taken.has(free)) free = `${free}_`
    taken.add(free)
    return free
  })
}
