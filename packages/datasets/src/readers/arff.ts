/**
 * ARFF, Weka's and OpenML's format (https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/). The header
 * says what every column is; the rows are checked against it, with their lines, and go on as CSV.
 */
import { rm } from 'node:fs/promises'
import { type Cell, type ColumnType, DATASET_COLUMNS_MAX } from '@trainyard/contracts'
import { findNameFaults } from '../csv-header.ts'
import { DataError, type DataFault, FAULTS_MAX, quoteCell, refuse } from '../data-error.ts'
import { ingestCsv } from '../ingest-csv.ts'
import type { Session } from '../session.ts'
import type { Ingested, LinesOf, TableOptions } from '../store-table.ts'
import { writeCsv } from '../write-csv.ts'
import { readLines, type TextLine } from './lines.ts'

interface Attribute {
  name: string
  type: ColumnType
  /** The values a nominal attribute may have. */
  levels: ReadonlySet<string> | null
}

interface Header {
  attributes: Attribute[]
  dataLine: number
}

interface Value {
  text: string
  isQuoted: boolean
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

export async function ingestArff(
  session: Session,
  path: string,
  options: TableOptions,
): Promise<Ingested> {
  const header = await readHeader(path)
  const { attributes } = header
  const declared = new Map(attributes.map(({ name, type }) => [name, type]))
  const wanted = options.types instanceof Map ? options.types : Object.entries(options.types ?? {})
  for (const [name, type] of wanted) declared.set(name, type)
  const csvPath = session.freshPath('csv')
  try {
    await writeCsv(csvPath, [...attributes.map(({ name }) => name)], readRows(path, header))
    const linesOf: LinesOf = (rows) => findRowLines(path, header, rows)
    const csv = { ...options, types: declared, separator: ',', header: true }
    const ingested = await ingestCsv(session, csvPath, csv, linesOf)
    const own = ingested.warnings.filter(({ code }) => code !== 'header_looks_like_data')
    return { ...ingested, warnings: own }
  } finally {
    await rm(csvPath, { force: true })
  }
}

async function readHeader(path: string): Promise<Header> {
  const attributes: Attribute[] = []
  for await (const textLine of readLines(path)) {
    const text = decode(textLine).trim()
    const { line } = textLine
    if (text.startsWith('%') || /^@relation\b/i.test(text)) continue
    if (/^@data\b/i.test(text)) {
      if (attributes.length < 2)
        refuse('The file has fewer than two attributes; a feature and a target are needed at least')
      const faults = findNameFaults(attributes.map(({ name }) => name))
      if (faults.length > 0) throw new DataError(faults)
      return { attributes, dataLine: line }
    }
    attributes.push(readAttribute(text, line))
    if (attributes.length > DATASET_COLUMNS_MAX) {
      refuse(`The file has more than ${DATASET_COLUMNS_MAX} attributes; no more are read`, { line })
    }
  }
  return refuse('The file has no @data line')
}

function readAttribute(text: string, line: number): Attribute {
  const match = /^@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s{]+)\s*(.*)$/i.exec(text)
  if (match === null) refuse(`Line ${line} is no @attribute and no @data`, { line })
  const name = unquote(match?.[1] ?? '')
  const type = (match?.[2] ?? '').trim()
  if (/^(numeric|real|integer)\b/i.test(type)) return { name, type: 'number', levels: null }
  if (/^(string|date)\b/i.test(type)) return { name, type: 'category', levels: null }
  if (type.startsWith('{') && type.endsWith('}')) {
    const values = splitValues(type.slice(1, -1))
    if (values !== null) {
      return { name, type: 'category', levels: new Set(values.map((value) => value.text)) }
    }
  }
  return refuse(`Line ${line}: ${quoteCell(type)} is no type of an attribute that is read`, {
    line,
  })
}

/** The rows after `@data`. Throws DataError with the first twenty that do not keep to the header. */
async function* readRows(path: string, header: Header): AsyncGenerator<Cell[]> {
  const faults: DataFault[] = []
  for await (const textLine of dataLines(path, header)) {
    const { cells, fault } = readRow(decode(textLine).trim(), textLine.line, header.attributes)
    if (fault !== null) faults.push(fault)
    if (faults.length >= FAULTS_MAX) break
    if (faults.length === 0) yield cells
  }
  if (faults.length > 0) throw new DataError(faults)
}

function readRow(
  text: string,
  line: number,
  attributes: readonly Attribute[],
): { cells: Cell[]; fault: DataFault | null } {
  const failed = (detail: string, column?: string) => ({
    cells: [],
    fault: { detail: `Line ${line}${detail}`, line, ...(column === undefined ? {} : { column }) },
  })
  if (text.startsWith('{')) return failed(' is sparse, which is not read; write all values')
  const values = splitValues(text)
  if (values === null) return failed(': a quote is never closed, or text follows a closing quote')
  if (values.length !== attributes.length) {
    return failed(` has ${values.length} values, there are ${attributes.length} attributes`)
  }
  const cells: Cell[] = []
  for (const [i, { text: value, isQuoted }] of values.entries()) {
    const attribute = attributes[i] as Attribute
    if (value === '?' && !isQuoted) {
      cells.push(null)
      continue
    }
    const { name, type, levels } = attribute
    if (type === 'number' ? !isNumber(value) : levels !== null && !levels.has(value)) {
      const reason = type === 'number' ? 'is not a finite number' : 'is none of the declared values'
      return failed(`, column ${quoteCell(name)}: ${quoteCell(value)} ${reason}`, name)
    }
    if (value.includes('\0'))
      return failed(`, column ${quoteCell(name)}: holds a NUL character`, name)
    cells.push(value)
  }
  return { cells, fault: null }
}

function isNumber(text: string): boolean {
  return NUMBER.test(text) && Number.isFinite(Number(text))
}

/** Values between commas, quoted by ' or "; null when a quote is not sound. */
function splitValues(text: string): Value[] | null {
  const value = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^,'"][^,]*)?)\s*(,|$)/y
  const values: Value[] = []
  while (value.lastIndex <= text.length) {
    const match = value.exec(text)
    if (match === null) return null
    const [, single, double, plain = '', end] = match
    const quoted = single ?? double
    values.push({
      text: quoted === undefined ? plain.trim() : unescapeText(quoted),
      isQuoted: quoted !== undefined,
    })
    if (end === '') return values
  }
  return values
}

function unquote(text: string): string {
  return /^['"]/.test(text) ? unescapeText(text.slice(1, -1)) : text
}

function unescapeText(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => {
    return character === 'n' ? '\n' : character === 't' ? '\t' : character
  })
}

async function findRowLines(
  path: string,
  header: Header,
  rows: readonly number[],
): Promise<Map<number, number>> {
  const wanted = new Set(rows)
  const lines = new Map<number, number>()
  let row = 0
  for await (const { line } of dataLines(path, header)) {
    if (wanted.has(row)) lines.set(row, line)
    if (lines.size === wanted.size) break
    row += 1
  }
  return lines
}

async function* dataLines(path: string, { dataLine }: Header): AsyncGenerator<TextLine> {
  for await (const textLine of readLines(path)) {
    if (textLine.line <= dataLine || textLine.bytes?.[0] === 37) continue
    yield textLine
  }
}

function decode({ line, bytes }: TextLine): string {
  if (bytes === null) return refuse(`Line ${line} is longer than 4 MiB`, { line })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    // The decoder says only that it failed.
    return refuse(`Line ${line} is not valid UTF-8`, { line })
  }
}
