import type { Column, DatasetProfile, Task } from '@trainyard/contracts'
import { blockRelation, blocksOf, isFolded, physicalName } from './column-blocks.ts'
import type { Session } from './session.ts'

/** The share of rows that validate unless a job says otherwise. */
const VALIDATION_FRACTION = 0.2

interface DuplicatesInput {
  path: string
  rows: number
  columns: readonly Column[]
  task: Task
}

/**
 * Counts equal rows by 64-bit hashes of the features and of the target, over the whole table. A group of n rows with equal
 * features gives n · (1 − p^(n−1)) · p validation rows with a twin in training, when each row validates with probability p.
 */
export async function countDuplicates(
  session: Session,
  { path, rows, columns, task }: DuplicatesInput,
): Promise<DatasetProfile['duplicates']> {
  const [row = []] = await session.rows(`
    WITH hashed AS (${hashesSql(path, rows, columns)}),
    pairs AS (SELECT f, t, count(*) AS n FROM hashed GROUP BY f, t),
    groups AS (SELECT f, sum(n)::DOUBLE AS n, count(*) AS kinds FROM pairs GROUP BY f)
    SELECT (SELECT sum(n - 1) FROM pairs)::DOUBLE,
      coalesce(sum(n) FILTER (kinds > 1), 0)::DOUBLE,
      (sum(n * (1 - pow(${VALIDATION_FRACTION}, n - 1))) / ${rows})::DOUBLE
    FROM groups`)
  const [copies, conflicting, overlap] = row.map(Number)
  return {
    rows: copies ?? 0,
    conflicting_rows: task === 'classification' ? (conflicting ?? 0) : null,
    validation_overlap: overlap ?? 0,
  }
}

/** SQL of a row's hash of the features, `f`, and of the target, `t`. */
function hashesSql(path: string, rows: number, columns: readonly Column[]): string {
  const target = columns.findIndex(({ role }) => role === 'target')
  const parts = blocksOf(columns.length).map((all, block) => {
    const features = all.filter((i) => columns[i]?.role === 'feature').map(physicalName)
    const f = features.length === 0 ? '0::UBIGINT' : `hash(${features.join(', ')})`
    const t = all.includes(target) ? `hash(${physicalName(target)})` : '0::UBIGINT'
    const relation = blockRelation(path, columns.length, block)
    if (!isFolded(columns.length)) return `SELECT ${f} AS f, ${t} AS t FROM ${relation}`
    return `SELECT file_row_number - ${block * rows} AS r, hash(${block}, ${f}) AS f, ${t} AS t FROM ${relation}`
  })
  if (!isFolded(columns.length)) return parts.join('')
  return `SELECT bit_xor(f) AS f, bit_xor(t) AS t FROM (${parts.join(' UNION ALL ')}) GROUP BY r`
}
