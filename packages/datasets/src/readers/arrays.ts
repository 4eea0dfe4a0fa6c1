/**
 * Arrays of numbers or texts in binary files become columns: read a few rows at a time, appended to tables in DuckDB's
 * memory, and from there to files, so that memory holds a million cells whatever the size of the arrays.
 */
import { type FileHandle, open, rm } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type ColumnType, DATASET_COLUMNS_MAX } from '@trainyard/contracts'
import { blocksOf, physicalName } from '../column-blocks.ts'
import { findNameFaults } from '../csv-header.ts'
import { DataError, refuse } from '../data-error.ts'
import { type Session, sqlText } from '../session.ts'
import { type Ingested, planTable, type TableOptions } from '../store-table.ts'
import { type CellVector, openBlocks } from './column-appender.ts'
import { assertCells, settleTyped, typedValue } from './typed-columns.ts'

export interface ArrayElement {
  bytes: number
  type: ColumnType
  /** Booleans are 0 and 1, NaN is missing. */
  read: (view: DataView, at: number) => number | string
}

/** An array [rows, width] in a file. */
export interface ArraySource {
  /** Empty for the only array of a file, whose columns are column_1, column_2, … */
  name: string
  path: string
  /** Of the first element. */
  offset: number
  rows: number
  width: number
  /** Whether the elements lie column after column. */
  isFortran: boolean
  element: ArrayElement
}

/** Cells that are taken from the files, and copied to DuckDB, in one turn of the event loop: a few milliseconds. */
const TURN_CELLS = 2 ** 17
const VECTOR_ROWS = 2048
/** Cells held in DuckDB's memory before they go to a file. */
const PART_CELLS = 2 ** 20

export async function ingestArrays(
  session: Session,
  arrays: readonly ArraySource[],
  options: TableOptions,
): Promise<Ingested> {
  const rows = assertShapes(arrays)
  const columns = arrays.flatMap((source) =>
    Array.from({ length: source.width }, (_, i) => ({
      name: columnName(source, i),
      own: source.element.type,
    })),
  )
  const names = columns.map(({ name }) => name)
  const faults = findNameFaults(names)
  if (faults.length > 0) throw new DataError(faults)
  const plan = planTable(names, options)
  const types = columns.map(({ name, own }) => plan.types.get(name) ?? own)
  const parts: string[][] = blocksOf(names.length).map(() => [])
  try {
    await stageArrays(session, arrays, rows, parts)
    return await settleTyped(session, plan, {
      ...{ names, types, rows },
      cell: (column) => {
        const { name, own } = columns[column] ?? { name: '', own: 'number' }
        return typedValue(storedValue(physicalName(column), own), {
          ...{ own, name },
          wanted: types[column] ?? own,
        })
      },
      relation: (block) => `read_parquet([${(parts[block] ?? []).map(sqlText).join(', ')}])`,
    })
  } finally {
    await Promise.all(parts.flat().map((part) => rm(part, { force: true })))
  }
}

function assertShapes(arrays: readonly ArraySource[]): number {
  const [{ rows } = { rows: 0 }] = arrays
  if (arrays.some((array) => array.rows !== rows)) {
    const lengths = arrays.map(({ name, rows: length }) => `${name}: ${length}`).join(', ')
    refuse(
      `The arrays have different numbers of rows (${lengths}); a data set takes arrays of one length`,
    )
  }
  const columns = arrays.reduce((sum, { width }) => sum + width, 0)
  if (columns > DATASET_COLUMNS_MAX) {
    refuse(`The arrays have ${columns} columns; at most ${DATASET_COLUMNS_MAX} are read`)
  }
  if (columns < 2) refuse('The file holds one column; a feature and a target are needed at least')
  if (rows === 0) refuse('The arrays have no rows')
  assertCells(rows, columns)
  return rows
}

function columnName({ name, width }: ArraySource, i: number): string {
  return width === 1 && name !== '' ? name : `${name === '' ? 'column' : name}_${i + 1}`
}

function storedValue(cell: string, own: ColumnType): string {
  if (own === 'category') return cell
  const value = `CASE WHEN isnan(${cell}) THEN NULL ELSE ${cell} END`
  return own === 'boolean' ? `(${value})::BOOLEAN` : value
}

/** Fills `parts` with the files of each block, in order. */
async function stageArrays(
  session: Session,
  arrays: readonly ArraySource[],
  rows: number,
  parts: string[][],
): Promise<void> {
  const types = arrays.flatMap(({ width, element }) => Array<ColumnType>(width).fill(element.type))
  const turnRows = Math.min(VECTOR_ROWS, Math.max(1, Math.floor(TURN_CELLS / types.length)))
  const partTurns = Math.max(1, Math.floor(PART_CELLS / types.length / turnRows))
  const blocks = await openBlocks(session, types)
  const files: FileHandle[] = []
  try {
    for (const { path } of arrays) files.push(await open(path, 'r'))
    for (let start = 0; start < rows; ) {
      const end = Math.min(rows, start + partTurns * turnRows)
      for (; start < end; start += turnRows) {
        const count = Math.min(turnRows, end - start)
        blocks.begin(count)
        let column = 0
        for (const [a, array] of arrays.entries()) {
          const view = await readElements(files[a] as FileHandle, array, start, count)
          copyElements(view, array, count, (i) => blocks.vectorOf(column + i))
          column += array.width
        }
        blocks.append()
        await nextTurn()
      }
      for (const [b, part] of (await blocks.flush()).entries()) parts[b]?.push(part)
    }
  } finally {
    await Promise.all(files.map((file) => file.close()))
    blocks.close()
  }
}

/** The elements of some rows, in the order of the file. */
async function readElements(
  file: FileHandle,
  { offset, rows, width, isFortran, element }: ArraySource,
  start: number,
  count: number,
): Promise<DataView> {
  const bytes = new Uint8Array(count * width * element.bytes)
  const runs = isFortran ? width : 1
  const runBytes = bytes.length / runs
  for (let run = 0; run < runs; run++) {
    const at = isFortran ? run * rows + start : start * width
    const from = offset + at * element.bytes
    const { bytesRead } = await file.read(bytes, run * runBytes, runBytes, from)
    if (bytesRead < runBytes)
      refuse('The file ends before the last element that its header announces')
  }
  return new DataView(bytes.buffer)
}

function copyElements(
  view: DataView,
  { width, isFortran, element }: ArraySource,
  count: number,
  vectorOf: (column: number) => CellVector,
): void {
  const rowStep = element.bytes * (isFortran ? 1 : width)
  const columnStep = element.bytes * (isFortran ? count : 1)
  for (let column = 0; column < width; column++) {
    const vector = vectorOf(column)
    for (let row = 0, at = column * columnStep; row < count; row++, at += rowStep) {
      vector[row] = element.read(view, at)
    }
  }
}
