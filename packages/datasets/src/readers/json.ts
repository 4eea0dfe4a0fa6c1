/**
 * Records of JSON, a line each (NDJSON) or in one array. JSON says itself what is a number, so no text is interpreted:
 * as with the rows of a request, a column of several types is text, and blanks around a text are no part of it.
 */

import { rm } from 'node:fs/promises'
import type { ColumnType, DatasetWarning } from '@trainyard/contracts'
import { DATASET_COLUMNS_MAX } from '@trainyard/contracts'
import { blocksOf, copySql, groupColumns, physicalName } from '../column-blocks.ts'
import { findNameFaults } from '../csv-header.ts'
import { DataError, type DataFault, FAULTS_MAX, quoteCell, refuse } from '../data-error.ts'
import { dateSql } from '../dates.ts'
import { type Session, sqlText } from '../session.ts'
import {
  type Ingested,
  type LinesOf,
  planTable,
  settleTable,
  storeTable,
  type TableOptions,
} from '../store-table.ts'
import { makeWarning } from '../warnings.ts'
import { findJsonFaults, findJsonLines } from './scan-ndjson.ts'

export type JsonLayout = 'newline_delimited' | 'array'

/** A record, as long as the longest line of a CSV file. */
const RECORD_BYTES_MAX = 4 * 1024 * 1024
const KINDS = ['number', 'boolean', 'text', 'date', 'nested', 'nul', 'huge'] as const
type Kind = (typeof KINDS)[number]

export async function ingestJson(
  session: Session,
  path: string,
  layout: JsonLayout,
  options: TableOptions,
): Promise<Ingested> {
  const linesOf: LinesOf =
    layout === 'array' ? async () => new Map() : (rows) => findJsonLines(path, rows)
  const staged: string[] = []
  try {
    const names = await findNames(session, path, layout)
    const plan = planTable(names, options)
    for (const block of blocksOf(names.length)) {
      const file = session.freshPath('staged')
      staged.push(file)
      await stageBlock(session, { path, layout, names, block, file })
    }
    const relation = (block: number): string =>
      `read_parquet(${sqlText(staged[block] ?? '')}, file_row_number = true)`
    const kinds = await findKinds(session, names.length, relation)
    const { types, warnings, faults } = decideTypes(names, plan.types, kinds)
    if (faults.length > 0) throw await toDataError(session, { names, relation, linesOf }, faults)
    const [row] = await session.rows(`SELECT count(*) FROM ${relation(0)}`)
    const stored = await storeTable(session, {
      names,
      types,
      rows: Number(row?.[0]),
      cell: (column) => typedCell(column, types[column] ?? 'category'),
      relation,
    })
    const all = { ...stored, warnings: [...warnings, ...stored.warnings] }
    return await settleTable(session, all, plan, linesOf)
  } catch (error) {
    throw await explain(error, path, layout)
  } finally {
    await Promise.all(staged.map((file) => rm(file, { force: true })))
  }
}

/** The keys of all records in the order they first appear. */
async function findNames(session: Session, path: string, layout: JsonLayout): Promise<string[]> {
  const read = layout === 'array' ? 'read_json_objects' : 'read_ndjson_objects'
  const found = await session.rows(
    `SELECT key, min(place) AS first FROM (
       SELECT unnest(json_keys(json)) AS key, row * ${DATASET_COLUMNS_MAX * 2} + generate_subscripts(json_keys(json), 1) AS place
       FROM (SELECT json, row_number() OVER () AS row
             FROM ${read}(${sqlText(path)}, maximum_object_size = ${RECORD_BYTES_MAX}${layout === 'array' ? ", format = 'array'" : ''})))
     GROUP BY key ORDER BY first LIMIT ${DATASET_COLUMNS_MAX + 1}`,
  )
  const names = found.map(([key]) => String(key))
  if (names.length === 0) refuse('The file holds no records: objects with a value for each column')
  if (names.length > DATASET_COLUMNS_MAX) {
    refuse(`The records have more than ${DATASET_COLUMNS_MAX} keys; no more columns are read`)
  }
  if (names.length < 2) {
    refuse(
      `The records have one key, ${quoteCell(names[0] ?? '')}; a feature and a target are needed at least`,
    )
  }
  const faults = findNameFaults(names)
  const seen = new Map<string, string>()
  for (const name of names) {
    const other = seen.get(name.toLowerCase())
    if (other !== undefined) {
      const detail = `The keys ${quoteCell(other)} and ${quoteCell(name)} differ in case only; rename one`
      faults.push({ detail, column: name })
    }
    seen.set(name.toLowerCase(), name)
  }
  if (faults.length > 0) throw new DataError(faults)
  return names
}

/** Cells as JSON texts; a key that a record lacks, or that is null, is missing. */
async function stageBlock(
  session: Session,
  source: {
    path: string
    layout: JsonLayout
    names: readonly string[]
    block: number[]
    file: string
  },
): Promise<void> {
  const { names, block } = source
  const columns = block.map((i) => `${sqlText(names[i] ?? '')}: 'JSON'`).join(', ')
  const aliases = block.map(physicalName).join(', ')
  const cells = block.map((i) => {
    const cell = physicalName(i)
    return `CASE WHEN json_type(${cell}) = 'NULL' THEN NULL ELSE ${cell}::VARCHAR END AS ${cell}`
  })
  const read = `read_json(${sqlText(source.path)}, columns = {${columns}}, format = '${source.layout}',
    maximum_object_size = ${RECORD_BYTES_MAX}) AS t(${aliases})`
  const query = `SELECT ${cells.join(', ')} FROM ${read}`
  await session.run(copySql(source.file, block.length, query, { compression: 'snappy' }))
}

async function findKinds(
  session: Session,
  columns: number,
  relation: (block: number) => string,
): Promise<Set<Kind>[]> {
  const kinds: Set<Kind>[] = []
  for (const group of groupColumns(Array(columns).keys())) {
    const masks = group.columns.map((i) => `bit_or(${kindSql(physicalName(i))})`)
    const [row = []] = await session.rows(
      `SELECT ${masks.join(', ')} FROM ${relation(group.block)}`,
    )
    for (const [k, i] of group.columns.entries()) {
      kinds[i] = new Set(KINDS.filter((kind) => (Number(row[k]) & kindBit(kind)) !== 0))
    }
  }
  return kinds
}

/** SQL of a staged cell's kind as a bit; NULL for a missing cell. The first character of a JSON text tells its type. */
function kindSql(cell: string): string {
  return `CASE WHEN ${cell} IS NULL THEN NULL
    WHEN ${cell}[1] = '"' THEN CASE WHEN contains(${textSql(cell)}, chr(0)) THEN ${kindBit('nul')}
      WHEN ${textSql(cell)} = '' THEN NULL
      WHEN ${dateSql(textSql(cell))} IS NOT NULL THEN ${kindBit('date')} ELSE ${kindBit('text')} END
    WHEN ${cell}[1] IN ('{', '[') THEN ${kindBit('nested')}
    WHEN ${cell} IN ('true', 'false') THEN ${kindBit('boolean')}
    WHEN isfinite(TRY_CAST(${cell} AS DOUBLE)) THEN ${kindBit('number')}
    ELSE ${kindBit('huge')} END`
}

function textSql(cell: string): string {
  return `trim(json_extract_string(${cell}, '$'), E' \\t')`
}

function typedCell(column: number, type: ColumnType): string {
  const cell = physicalName(column)
  switch (type) {
    case 'number':
      return `CASE WHEN ${cell}[1] = '"' THEN NULL ELSE CAST(${cell} AS DOUBLE) END`
    case 'boolean':
      return `CASE WHEN ${cell}[1] = '"' THEN NULL ELSE ${cell} = 'true' END`
    case 'category':
    case 'date':
      return `nullif(${textSql(cell)}, '')`
  }
}

const REFUSED: Record<ColumnType, readonly Kind[]> = {
  number: ['boolean', 'text', 'date', 'nested', 'nul', 'huge'],
  boolean: ['number', 'text', 'date', 'nested', 'nul', 'huge'],
  category: ['nested', 'nul', 'huge'],
  date: ['number', 'boolean', 'text', 'nested', 'nul', 'huge'],
}

function decideTypes(
  names: readonly string[],
  declared: ReadonlyMap<string, ColumnType>,
  kindsOfColumns: readonly ReadonlySet<Kind>[],
) {
  const types: ColumnType[] = []
  const warnings: DatasetWarning[] = []
  const faults: { column: number; kinds: Kind[] }[] = []
  for (const [i, kinds] of kindsOfColumns.entries()) {
    const column = names[i] ?? ''
    const plain = (['number', 'boolean'] as const).filter((kind) => kinds.has(kind))
    const hasText = kinds.has('text') || kinds.has('date')
    const [only = 'category'] = plain
    const own = plain.length === 1 && !hasText ? only : 'category'
    const type = declared.get(column) ?? (plain.length === 0 && !hasText ? 'number' : own)
    types.push(type)
    const bad = REFUSED[type].filter((kind) => kinds.has(kind))
    if (bad.length > 0) faults.push({ column: i, kinds: bad })
    if (kinds.size === 0) {
      const detail = 'Every cell is missing; the column is ignored'
      warnings.push(makeWarning('empty_column', column, detail))
    } else if (plain.length + Number(hasText) > 1 && !declared.has(column)) {
      const detail = 'Values of several types; the column was read as text'
      warnings.push(makeWarning('mixed_types', column, detail))
    } else if (type === 'category' && kinds.has('date') && !kinds.has('text')) {
      warnings.push(
        makeWarning('looks_like_date', column, 'Holds dates; the column was read as text'),
      )
    }
  }
  return { types, warnings, faults }
}

async function toDataError(
  session: Session,
  table: { names: readonly string[]; relation: (block: number) => string; linesOf: LinesOf },
  refused: readonly { column: number; kinds: Kind[] }[],
): Promise<DataError> {
  const cells: { row: number; column: number; text: string }[] = []
  for (const { column, kinds } of refused.slice(0, FAULTS_MAX)) {
    const cell = physicalName(column)
    const block = groupColumns([column])[0]?.block ?? 0
    const found = await session.rows(
      `SELECT file_row_number, ${cell}[1:200] FROM ${table.relation(block)}
       WHERE ${kindSql(cell)} IN (${kinds.map(kindBit).join(', ')})
       ORDER BY file_row_number LIMIT ${FAULTS_MAX}`,
    )
    for (const [row, text] of found) cells.push({ row: Number(row), column, text: String(text) })
  }
  cells.sort((a, b) => a.row - b.row || a.column - b.column)
  const first = cells.slice(0, FAULTS_MAX)
  const lines = await table.linesOf(first.map(({ row }) => row))
  return new DataError(
    first.map(({ row, column, text }): DataFault => {
      const name = table.names[column] ?? ''
      const line = lines.get(row)
      const place = line === undefined ? `Record ${row + 1}` : `Line ${line}`
      return {
        detail: `${place}, column ${quoteCell(name)}: ${whyRefused(text)}`,
        column: name,
        ...(line === undefined ? {} : { line }),
      }
    }),
  )
}

function whyRefused(text: string): string {
  if (text.startsWith('{') || text.startsWith('[')) return 'holds an object or a list'
  if (/^"(.|\n)*\\u0000/.test(text)) return 'the text holds a NUL character'
  if (/^-?\d/.test(text) && !Number.isFinite(Number(text))) {
    return `${quoteCell(text)} is too large for a 64-bit number`
  }
  return `${text.slice(0, 40)} is not of the declared type`
}

function kindBit(kind: Kind): number {
  return 1 << KINDS.indexOf(kind)
}

/** DuckDB stops at the first fault; of a file of lines all are listed, up to twenty. */
async function explain(error: unknown, path: string, layout: JsonLayout): Promise<unknown> {
  if (!(error instanceof Error) || error instanceof DataError) return error
  if (!error.message.startsWith('Invalid Input Error')) return error
  if (layout === 'newline_delimited') {
    const faults = await findJsonFaults(path)
    if (faults.length > 0) return new DataError(faults)
  }
  const [first = ''] = error.message.replace('Invalid Input Error: ', '').split('\n')
  const sentence = first.replace(/ in file "[^"]*"/, '').trim()
  return new DataError([{ detail: `The file is not valid JSON: ${sentence}` }])
}
