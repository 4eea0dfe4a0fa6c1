/** Parquet files as pandas, Arrow, Spark, Polars or DuckDB write them: flat columns, values kept bit for bit. */
import { type ColumnType, DATASET_COLUMNS_MAX } from '@trainyard/contracts'
import { findNameFaults } from '../csv-header.ts'
import { DataError, quoteCell, refuse } from '../data-error.ts'
import { type Session, sqlText } from '../session.ts'
import { type Ingested, planTable, type TableOptions } from '../store-table.ts'
import { settleTyped, typedValue } from './typed-columns.ts'

const NUMBERS = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|UINTEGER|FLOAT|DOUBLE|DECIMAL\(.*\))$/
/** Kept as the text that DuckDB prints of them. */
const TEXTS = /^(VARCHAR|ENUM\(.*\)|UUID|DATE|TIME.*|TIMESTAMP.*)$/

export async function ingestParquet(
  session: Session,
  path: string,
  options: TableOptions,
): Promise<Ingested> {
  const { names, sources, rows } = await readSchema(session, path).catch(explain)
  const plan = planTable(names, options)
  const types = sources.map((source, i) => plan.types.get(names[i] ?? '') ?? source.own)
  const aliases = names.map((_, i) => `f${i}`).join(', ')
  const file = `read_parquet(${sqlText(path)}) AS t(${aliases})`
  return await settleTyped(session, plan, {
    names,
    types,
    rows,
    cell: (column) => {
      const { sql, own } = sources[column] ?? { sql: '', own: 'category' }
      return typedValue(sql, { own, wanted: types[column] ?? own, name: names[column] ?? '' })
    },
    relation: () => file,
  }).catch(explain)
}

interface Schema {
  names: string[]
  sources: { own: ColumnType; sql: string }[]
  rows: number
}

async function readSchema(session: Session, path: string): Promise<Schema> {
  const file = sqlText(path)
  const [counts] = await session.rows(`SELECT num_rows FROM parquet_file_metadata(${file})`)
  const rows = Number(counts?.[0])
  // DuckDB renames columns that differ in case only; the file's own names are in its schema.
  const [root, ...elements] = await session.rows(
    `SELECT name, num_children FROM parquet_schema(${file})`,
  )
  const names = elements.map(([name]) => String(name))
  const nested = elements.find(([, children]) => Number(children) > 0)
  if (nested !== undefined || Number(root?.[1]) !== names.length) {
    refuse(`The column ${quoteCell(String(nested?.[0]))} is nested; only flat columns are read`)
  }
  if (names.length > DATASET_COLUMNS_MAX) {
    refuse(`The file has ${names.length} columns; at most ${DATASET_COLUMNS_MAX} are read`)
  }
  if (names.length < 2)
    refuse('The file has one column; a feature and a target are needed at least')
  const faults = findNameFaults(names)
  if (faults.length > 0) throw new DataError(faults)
  if (rows === 0) refuse('The file has no rows')
  const described = await session.rows(`DESCRIBE SELECT * FROM read_parquet(${file})`)
  const sources = described.map(([, type], i) => sourceOf(String(type), `f${i}`, names[i] ?? ''))
  return { names, sources, rows }
}

function sourceOf(type: string, sql: string, name: string): Schema['sources'][number] {
  if (type === 'BOOLEAN') return { own: 'boolean', sql }
  if (type === 'FLOAT' || type === 'DOUBLE') {
    // Arrow and pandas write NaN where nothing is known.
    return { own: 'number', sql: `CASE WHEN isnan(${sql}) THEN NULL ELSE ${sql}::DOUBLE END` }
  }
  if (NUMBERS.test(type)) return { own: 'number', sql: `${sql}::DOUBLE` }
  if (TEXTS.test(type)) return { own: 'category', sql: `${sql}::VARCHAR` }
  return refuse(`The column ${quoteCell(name)} is of type ${type}, which is not read`, {
    column: name,
  })
}

function explain(error: unknown): never {
  if (!(error instanceof Error) || error instanceof DataError) throw error
  const kind =
    /^(Invalid Input|IO|TProtocolException|Invalid|Not implemented|Conversion|INTERNAL|Serialization) ?.*?Error: /i
  if (!kind.test(error.message) || error.message.includes('No space left')) throw error
  const [sentence = ''] = error.message.replace(kind, '').split('\n')
  const detail = sentence.replace(/ (in|of)? ?file ['"][^'"]*['"]/i, '').trim()
  return refuse(`The file is not a sound Parquet file: ${detail}`)
}
