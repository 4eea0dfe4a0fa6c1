/** Tables of predictions as CSV (RFC 4180): raw features in, and what the model says of every row out. */
import type { Cell, ModelSignature, PredictionItem } from '@trainyard/contracts'
import { DataError, type DataFault, type RecordsInput } from '@trainyard/datasets'
import { CsvError, parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'

const FAULTS_MAX = 20
const TRUTH: Record<string, boolean> = { true: true, false: false, '1': true, '0': false }

/**
 * The features of a CSV with a header, in the order of the model; other columns are let through, an empty cell is missing. Throws
 * DataError with the lines of what is wrong.
 */
export function readPredictionCsv(
  text: string,
  { inputs }: ModelSignature,
  rowsMax: number,
): RecordsInput & { rows: Cell[][] } {
  const [header = [], ...records] = parseCsv(text)
  const places = inputs.map(({ name }) => header.indexOf(name))
  const faults: DataFault[] = inputs
    .filter((_, i) => places[i] === -1)
    .map(({ name }) => ({ detail: `the column ${JSON.stringify(name)} is missing`, line: 1 }))
  if (records.length === 0) faults.push({ detail: 'there is no row behind the header', line: 1 })
  if (records.length > rowsMax) {
    faults.push({ detail: `has ${records.length} rows; at most ${rowsMax} are predicted at once` })
  }
  if (faults.length > 0) throw new DataError(faults)
  const rows = records.map(({ cells, line }) =>
    inputs.map(({ name, type }, i): Cell => {
      const cell = toCell(cells[places[i] as number] ?? '', type)
      if (cell !== undefined) return cell
      if (faults.length < FAULTS_MAX) {
        const wanted = type === 'boolean' ? 'true or false' : 'a number'
        faults.push({ detail: `${JSON.stringify(name)} must be ${wanted}`, line })
      }
      return null
    }),
  )
  if (faults.length > 0) throw new DataError(faults)
  return { rows }
}

/** A header, and one line for each prediction; a column `probability_<class>` for each class. */
export function writePredictionCsv(items: readonly PredictionItem[]): string {
  const [first = {}] = items
  return stringify([cellsOf(first).map(([name]) => name), ...items.map(toLine)])
}

function toLine(item: PredictionItem): unknown[] {
  return cellsOf(item).map(([, value]) => value)
}

function cellsOf({ label, value, probabilities, logits }: PredictionItem): [string, unknown][] {
  const cells: [string, unknown][] = []
  if (label !== undefined) cells.push(['label', label])
  if (value !== undefined) cells.push(['value', value])
  for (const [name, share] of Object.entries(probabilities ?? {})) {
    cells.push([`probability_${name}`, share])
  }
  for (const [i, logit] of (logits ?? []).entries()) cells.push([`logit_${i}`, logit])
  return cells
}

interface CsvRecord {
  cells: string[]
  line: number
}

function parseCsv(text: string): [string[], ...CsvRecord[]] {
  const records: CsvRecord[] = []
  try {
    parse(text, {
      bom: true,
      skip_empty_lines: true,
      on_record(cells, { lines }) {
        records.push({ cells: cells as unknown as string[], line: lines })
        return null
      },
    })
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const { lines } = error as CsvError & { lines?: number }
    throw new DataError([{ detail: error.message, ...(lines !== undefined && { line: lines }) }])
  }
  const [header, ...rest] = records
  return [header?.cells ?? [], ...rest]
}

/** undefined: it is none of the type. */
function toCell(text: string, type: ModelSignature['inputs'][number]['type']): Cell | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return null
  if (type === 'boolean') return TRUTH[trimmed.toLowerCase()]
  if (type !== 'number') return text
  const number = Number(trimmed)
  return Number.isFinite(number) ? number : undefined
}
