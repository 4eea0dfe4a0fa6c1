/** Walks a file of JSON lines to say where something stands; runs only after DuckDB or a check on its rows refused it. */
import { type DataFault, FAULTS_MAX } from '../data-error.ts'
import { readLines } from './lines.ts'

/** The first lines that are no JSON object. */
export async function findJsonFaults(path: string): Promise<DataFault[]> {
  const faults: DataFault[] = []
  for await (const { line, bytes } of readLines(path)) {
    const detail = faultOf(bytes)
    if (detail !== null) faults.push({ detail: `Line ${line} ${detail}`, line })
    if (faults.length >= FAULTS_MAX) break
  }
  return faults
}

/** The line of each of the records, counted from 0; blank lines are none. */
export async function findJsonLines(
  path: string,
  records: readonly number[],
): Promise<Map<number, number>> {
  const wanted = new Set(records)
  const lines = new Map<number, number>()
  let record = 0
  for await (const { line } of readLines(path)) {
    if (wanted.has(record)) lines.set(record, line)
    if (lines.size === wanted.size) break
    record += 1
  }
  return lines
}

function faultOf(bytes: Buffer | null): string | null {
  if (bytes === null) return 'is longer than 4 MiB'
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    return error instanceof SyntaxError
      ? `is not valid JSON: ${error.message}`
      : 'is not valid UTF-8'
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return null
  return 'is no JSON object'
}
