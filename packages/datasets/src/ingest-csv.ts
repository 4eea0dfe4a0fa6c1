import { rm } from 'node:fs/promises'
import { blockRelation, isFolded } from './column-blocks.ts'
import { readCsvHeader } from './csv-header.ts'
import { DataError } from './data-error.ts'
import { startsWithData } from './detect-header.ts'
import { foldCsv, removeFiles } from './fold-csv.ts'
import { guessedCell, guessTypes, type TypeGuess } from './guess-types.ts'
import {
  decideTypes,
  inferTypes,
  type Kind,
  kindsOf,
  kindsOfLevels,
  typedCell,
} from './infer-types.ts'
import { assertRecordLengths } from './long-records.ts'
import type { Session } from './session.ts'
import { type CsvSource, csvRelation, findCsvLines, stageCsv } from './stage-csv.ts'
import {
  type Ingested,
  type LinesOf,
  planTable,
  type StoredTable,
  settleTable,
  storeTable,
  type TableOptions,
  type TablePlan,
} from './store-table.ts'
import { makeWarning } from './warnings.ts'

export interface CsvOptions extends TableOptions {
  /** One ASCII character. Default: whichever of , ; tab | splits the first line most. */
  separator?: string | undefined
  /** Whether the first line holds names. Default: unless it is a row like the others; columns are then column_1, column_2, … */
  header?: boolean | undefined
}

/** Reads a CSV file into a data set. Throws DataError when it is not a table one can train on. */
export async function ingestCsv(
  session: Session,
  path: string,
  options: CsvOptions,
  /** Where rows stand for the caller, when that is another file than this one. */
  foreignLinesOf?: LinesOf,
): Promise<Ingested> {
  const isData = options.header === undefined && (await startsWithData(path, options.separator))
  const hasHeader = options.header ?? !isData
  const header = await readCsvHeader(path, { separator: options.separator, hasHeader })
  const { names, separator } = header
  const plan = planTable(names, options)
  await assertRecordLengths(path, separator)
  if (isData || header.looksLikeData) {
    const detail = isData
      ? 'The first line is a row like the others, and was read as one'
      : 'Every column name is a number; the first line was read as names'
    plan.warnings.push(makeWarning('header_looks_like_data', null, detail))
  }
  const shape = { path, separator, columns: names.length, hasHeader }
  const folded = isFolded(names.length) ? await foldCsv(session, shape) : null
  const linesOf = foreignLinesOf ?? ((rows) => findCsvLines(shape, rows))
  const source = { ...shape, folded, linesOf }
  try {
    const stored = await storeAsGuessed(session, source, plan)
    if (stored === null) return await ingestStaged(session, source, plan)
    return await settleTable(session, stored, plan, linesOf)
  } finally {
    await removeFiles(folded?.paths ?? [])
  }
}

/** The usual way, one pass over the file. Null when a cell is not what the first rows let expect. */
async function storeAsGuessed(
  session: Session,
  source: CsvSource,
  plan: TablePlan,
): Promise<StoredTable | null> {
  const { names, types } = plan
  // Without the cut files every block would be a pass over the whole file.
  if (isFolded(names.length) && source.folded === null) return null
  const guesses = await guessTypes({ ...source, names }, types)
  let stored: StoredTable
  try {
    stored = await storeTable(session, {
      names,
      types: guesses.map(({ type }) => type),
      rows: source.folded?.rows ?? null,
      cell: (column) => guessedCell(`f${column}`, guesses[column] as TypeGuess),
      relation: (block) =>
        csvRelation(source, block, (column) => guesses[column]?.isPlainNumber === true),
    })
  } catch (error) {
    if (error instanceof DataError) throw error
    // Whatever DuckDB stumbled over is met again by the reading that can explain it.
    return null
  }
  try {
    const kinds = await findStoredKinds(session, stored, guesses)
    const decided = decideTypes(names, types, kinds)
    const isAsGuessed =
      stored.rows > 0 &&
      decided.refused.length === 0 &&
      decided.columns.every(({ type }, i) => type === guesses[i]?.type)
    if (isAsGuessed) {
      return { ...stored, warnings: [...decided.warnings, ...stored.warnings] }
    }
  } catch (error) {
    await rm(stored.parquetPath, { force: true })
    throw error
  }
  await rm(stored.parquetPath, { force: true })
  return null
}

/** The kinds of cells each column turned out to have; a number that is not finite shows in its range. */
async function findStoredKinds(
  session: Session,
  { parquetPath, rows, columns }: StoredTable,
  guesses: readonly TypeGuess[],
): Promise<ReadonlySet<Kind>[]> {
  const kinds = columns.map(({ type, missing, min, max }, i) => {
    const found = new Set<Kind>(guesses[i]?.hasMissingWords ? ['missing'] : [])
    if (type === 'boolean' && missing < rows) found.add('boolean')
    if (type === 'number' && missing < rows) {
      found.add(min === null || max === null ? 'false_number' : 'number')
    }
    return found
  })
  // Where the levels are known, they stand for the cells. NUL bytes cannot be said in SQL.
  const levels = new Map<number, readonly string[]>()
  const others: number[] = []
  for (const [i, { type, levels: known }] of columns.entries()) {
    if (type !== 'category' && type !== 'date') continue
    if (known === null || known.some((level) => level.includes('\0'))) others.push(i)
    else levels.set(i, known)
  }
  const relation = (block: number) => blockRelation(parquetPath, columns.length, block)
  const table = { columns: columns.length, relation }
  for (const found of [
    await kindsOfLevels(session, levels),
    await kindsOf(session, table, others),
  ]) {
    for (const [i, kindsOfColumn] of found) kinds[i] = new Set(kindsOfColumn)
  }
  return kinds
}

/** The way that knows every cell: what one pass cannot decide, and what is to be refused with its line. */
async function ingestStaged(
  session: Session,
  source: CsvSource,
  plan: TablePlan,
): Promise<Ingested> {
  const staged = await stageCsv(session, source)
  try {
    const { columns, warnings } = await inferTypes(session, staged, plan.names, plan.types)
    const types = columns.map(({ type }) => type)
    const stored = await storeTable(session, {
      names: plan.names,
      types,
      rows: staged.rows,
      cell: (column) => typedCell(column, types[column] ?? 'category'),
      relation: staged.relation,
    })
    const all = { ...stored, warnings: [...warnings, ...stored.warnings] }
    return await settleTable(session, all, plan, staged.linesOf)
  } finally {
    await staged.remove()
  }
}
