import { rm } from 'node:fs/promises'
import type { Column, DatasetProfile, Task } from '@trainyard/contracts'
import { blockRelation, blocksOf, copySql, isFolded, physicalName } from './column-blocks.ts'
import { type Session, sqlText } from './session.ts'

/** The share of rows that validate unless a job says otherwise. */
const VALIDATION_FRACTION = 0.2
/** A group of its own for each takes DuckDB some 10 MB; for a million it takes 60, and does not give them back for the next pass. */
const ROWS_PER_PASS = 250_000

interface DuplicatesInput {
  path: string
  rows: number
  columns: readonly Column[]
  task: Task
}

/** Hashes of rows, which grow by a column at a time. */
interface RowHashes {
  /** Values or codes of all rows; every NaN is the same missing cell, and −0 is 0. */
  add(column: Float64Array | Int32Array): void
  /** A number for each row: 53 bits of its hash. */
  keys(): Float64Array
}

export function hashRows(rows: number): RowHashes {
  const low = new Uint32Array(rows)
  const high = new Uint32Array(rows)
  const numbers = new Float64Array(rows)
  const words = new Uint32Array(numbers.buffer)
  return {
    add(column) {
      for (let row = 0; row < rows; row++) numbers[row] = (column[row] as number) + 0
      // The two lanes of MurmurHash3, which take turns so that each depends on all bits.
      for (let row = 0; row < rows; row++) {
        let a = Math.imul((low[row] as number) ^ (words[2 * row] as number), 0xcc9e2d51)
        a = (((a << 15) | (a >>> 17)) + (high[row] as number)) | 0
        let b = Math.imul((high[row] as number) ^ (words[2 * row + 1] as number), 0x1b873593)
        b = (((b << 13) | (b >>> 19)) + a) | 0
        low[row] = a
        high[row] = b
      }
    },
    keys: () =>
      Float64Array.from(
        low,
        (word, row) => mix(high[row] as number) * 2 ** 21 + (mix(word) >>> 11),
      ),
  }
}

/** Counts equal rows among those hashed; the same figures as `countDuplicates`. */
export function countEqualRows(
  features: RowHashes,
  target: Float64Array | Int32Array,
  isClassification: boolean,
): DatasetProfile['duplicates'] {
  const groups = new Map<number, { rows: number; kinds: number }>()
  const keys = features.keys()
  features.add(target)
  const pairs = new Set<number>()
  for (const [row, pair] of features.keys().entries()) {
    const key = keys[row] as number
    const group = groups.get(key) ?? { rows: 0, kinds: 0 }
    group.rows += 1
    if (!pairs.has(pair)) group.kinds += 1
    pairs.add(pair)
    groups.set(key, group)
  }
  let conflicting = 0
  let overlap = 0
  for (const { rows, kinds } of groups.values()) {
    if (kinds > 1) conflicting += rows
    overlap += rows * (1 - VALIDATION_FRACTION ** (rows - 1))
  }
  return {
    rows: keys.length - pairs.size,
    conflicting_rows: isClassification ? conflicting : null,
    validation_overlap: overlap / keys.length,
  }
}

/** The finalizer of MurmurHash3: every bit depends on all. */
function mix(word: number): number {
  let x = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

/**
 * Counts equal rows by 64-bit hashes of the features and of the target, over the whole table. A group of n rows with equal
 * features gives n · (1 − p^(n−1)) · p validation rows with a twin in training, when each row validates with probability p.
 */
export async function countDuplicates(
  session: Session,
  { path, rows, columns, task }: DuplicatesInput,
): Promise<DatasetProfile['duplicates']> {
  const passes = Math.ceil(rows / ROWS_PER_PASS)
  const hashes = hashesSql(path, rows, columns)
  const counts =
    passes === 1
      ? [await countGroups(session, `(${hashes})`)]
      : await inPasses(session, hashes, passes)
  const total = (k: number) => counts.reduce((sum, row) => sum + (row[k] ?? 0), 0)
  return {
    rows: total(0),
    conflicting_rows: task === 'classification' ? total(1) : null,
    validation_overlap: total(2) / rows,
  }
}

/** Equal hashes meet in one pass, and no pass holds more groups in memory than its share of the rows makes. */
async function inPasses(session: Session, hashes: string, passes: number): Promise<number[][]> {
  const path = session.freshPath('hashes')
  try {
    await session.run(copySql(path, 2, hashes, { compression: 'snappy' }))
    const counts: number[][] = []
    for (let pass = 0; pass < passes; pass++) {
      const relation = `(FROM read_parquet(${sqlText(path)}) WHERE f % ${passes} = ${pass})`
      counts.push(await countGroups(session, relation))
    }
    return counts
  } finally {
    await rm(path, { force: true })
  }
}

/** Copies, rows whose features stand with another target too, and rows times the share of them with a twin. */
async function countGroups(session: Session, hashes: string): Promise<number[]> {
  const [row = []] = await session.rows(`
    WITH pairs AS (SELECT f, t, count(*) AS n FROM ${hashes} GROUP BY f, t),
    groups AS (SELECT f, sum(n)::DOUBLE AS n, count(*) AS kinds FROM pairs GROUP BY f)
    SELECT coalesce(sum(n - kinds), 0)::DOUBLE,
      coalesce(sum(n) FILTER (kinds > 1), 0)::DOUBLE,
      coalesce(sum(n * (1 - pow(${VALIDATION_FRACTION}, n - 1))), 0)::DOUBLE
    FROM groups`)
  return row.map(Number)
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
