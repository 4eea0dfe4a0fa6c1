import type { DuckDBListValue } from '@duckdb/node-api'
import type { Column, DatasetWarning } from '@trainyard/contracts'
import { blockRelation, groupColumns, isFolded, physicalName } from './column-blocks.ts'
import { describeNumbers } from './describe-numbers.ts'
import type { InferredColumn } from './infer-types.ts'
import type { Session } from './session.ts'
import { makeWarning } from './warnings.ts'

/** A text column with more levels than this is kept and ignored: it is an id or free text. */
const LEVELS_MAX = 10_000
/** The estimate of distinct values is off by a few percent; below this the exact count decides. */
const LEVELS_ESTIMATE_MAX = 13_000
/** Above this a sum of squares overflows, so such columns are scaled by a power of two first. */
const PLAIN_STD_MAX = 1e100

interface Description {
  columns: Column[]
  warnings: DatasetWarning[]
}

interface StoredTable {
  path: string
  rows: number
}

/** Statistics and levels of a stored table. Every column is a feature yet, unless empty or of too many levels. */
export async function describeColumns(
  session: Session,
  table: StoredTable,
  inferred: readonly InferredColumn[],
): Promise<Description> {
  const columns = inferred.map(
    ({ name, type }): Column => ({
      name,
      type,
      role: 'feature',
      missing: table.rows,
      min: null,
      max: null,
      mean: null,
      std: null,
      levels: null,
    }),
  )
  const isRead = (column: Column) => isFolded(columns.length) && column.type === 'number'
  await describeNumbers(session, table, columns, indicesOf(columns, isRead))
  await addRanges(session, table, columns, (column) => !isRead(column))
  await addMoments(session, table, columns, (column) => !isRead(column) || scaleOf(column) !== 1)
  for (const column of columns) if (column.missing === table.rows) column.role = 'ignored'
  const warnings = await addLevels(session, table, columns)
  return { columns, warnings }
}

/** Counts and, of numbers, the range: DuckDB takes them from the file's own statistics where it can. */
async function addRanges(
  session: Session,
  table: StoredTable,
  columns: Column[],
  isWanted: (column: Column) => boolean,
) {
  const wanted = indicesOf(columns, isWanted)
  const ranges = await aggregate(session, table, columns, wanted, (cell, { type }) => {
    const present = `count(${cell})`
    return type === 'number' ? [present, `min(${cell}::DOUBLE)`, `max(${cell}::DOUBLE)`] : [present]
  })
  for (const [column, [present, min, max]] of ranges) {
    column.missing = table.rows - Number(present)
    column.min = finiteOrNull(min)
    column.max = finiteOrNull(max)
  }
}

/** Moments of the columns of finite numbers, scaled where squares would overflow. */
async function addMoments(
  session: Session,
  table: StoredTable,
  columns: Column[],
  isWanted: (column: Column) => boolean,
) {
  const finite = indicesOf(
    columns,
    (column) => isWanted(column) && column.min !== null && column.max !== null,
  )
  const moments = await aggregate(session, table, columns, finite, (cell, column) => {
    const scale = scaleOf(column)
    const number = scale === 1 ? `${cell}::DOUBLE` : `(${cell}::DOUBLE / ${scale})`
    return [`avg(${number})`, `stddev_pop(${number})`]
  })
  for (const [column, [mean, std]] of moments) {
    column.mean = finiteOrNull(Number(mean) * scaleOf(column))
    column.std = finiteOrNull(Number(std) * scaleOf(column))
  }
}

async function addLevels(
  session: Session,
  table: StoredTable,
  columns: Column[],
): Promise<DatasetWarning[]> {
  const texts = indicesOf(columns, ({ type, role }) => type === 'category' && role === 'feature')
  const estimates = await aggregate(session, table, columns, texts, (cell) => [
    `approx_count_distinct(${cell})`,
  ])
  const few = texts.filter(
    (i) => Number(estimates.get(columns[i] as Column)?.[0]) <= LEVELS_ESTIMATE_MAX,
  )
  // A histogram is one sorted map per column; DISTINCT aggregates cost a hash table each, 30 ms of a column.
  const levels = await aggregate(session, table, columns, few, (cell) => [
    `list_sort(map_keys(histogram(${cell})))`,
  ])
  const warnings: DatasetWarning[] = []
  for (const i of texts) {
    const column = columns[i] as Column
    // A list, or null for a column without a single value.
    const list = levels.get(column)?.[0] as DuckDBListValue | null | undefined
    if (list != null && list.items.length <= LEVELS_MAX) {
      // Binary order of UTF-8 is the order of code points.
      column.levels = list.items.map(String)
    } else {
      column.role = 'ignored'
      const detail = `More than ${LEVELS_MAX} distinct texts; the column is ignored`
      const value = list?.items.length ?? Number(estimates.get(column)?.[0])
      const evidence = { value, threshold: LEVELS_MAX }
      warnings.push(makeWarning('too_many_levels', column.name, detail, evidence))
    }
  }
  return warnings
}

/** Aggregates over the listed columns, as few queries as the width allows. */
async function aggregate(
  session: Session,
  table: StoredTable,
  columns: readonly Column[],
  which: Iterable<number>,
  expressions: (cell: string, column: Column) => string[],
): Promise<Map<Column, unknown[]>> {
  const results = new Map<Column, unknown[]>()
  for (const group of groupColumns(which)) {
    const perColumn = group.columns.map((i) => expressions(physicalName(i), columns[i] as Column))
    const relation = blockRelation(table.path, columns.length, group.block, group.columns)
    const [row = []] = await session.rows(`SELECT ${perColumn.flat().join(', ')} FROM ${relation}`)
    let at = 0
    for (const [k, i] of group.columns.entries()) {
      const width = perColumn[k]?.length ?? 0
      results.set(columns[i] as Column, row.slice(at, at + width))
      at += width
    }
  }
  return results
}

function indicesOf(columns: readonly Column[], wanted: (column: Column) => boolean): number[] {
  return [...columns.keys()].filter((i) => wanted(columns[i] as Column))
}

function scaleOf({ min, max }: Column): number {
  const largest = Math.max(Math.abs(min ?? 0), Math.abs(max ?? 0))
  return largest > PLAIN_STD_MAX ? 2 ** Math.min(1000, Math.floor(Math.log2(largest))) : 1
}

function finiteOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
