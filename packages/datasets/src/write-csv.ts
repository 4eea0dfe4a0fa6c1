import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Cell } from '@trainyard/contracts'

/** Cells written between two turns of the event loop: a millisecond or two. */
const CELLS_PER_TURN = 8192

type Rows = Iterable<readonly Cell[]> | AsyncIterable<readonly Cell[]>

/** Writes rows made in the process as a CSV file, so that all tables come in by one door. */
export async function writeCsv(path: string, names: readonly string[], rows: Rows): Promise<void> {
  await pipeline(Readable.from(csvChunks(names, rows)), createWriteStream(path))
}

async function* csvChunks(names: readonly string[], rows: Rows): AsyncGenerator<string> {
  let text = `${names.map(csvCell).join(',')}\n`
  let cells = names.length
  for await (const row of rows) {
    text += `${row.map(csvCell).join(',')}\n`
    cells += row.length
    if (cells < CELLS_PER_TURN) continue
    yield text
    await nextTurn()
    text = ''
    cells = 0
  }
  yield text
}

/** Numbers in the shortest text that reads back as the same number; missing cells empty. */
function csvCell(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell !== 'string') return Object.is(cell, -0) ? '-0' : String(cell)
  return `"${cell.replaceAll('"', '""')}"`
}
