/** How fast tables come in, profile included: megabytes of CSV per second. Usage: node packages/datasets/bench/ingest.ts */
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createRandom } from '@trainyard/engine/random'
import { openTables } from '../src/index.ts'

const SHAPES = [
  { rows: 600_000, columns: 20 },
  { rows: 1000, columns: 10_000 },
  { rows: 10_000, columns: 785 },
]

const folder = await mkdtemp(join(tmpdir(), 'trainyard-bench-'))
const tables = await openTables({ folder })
console.log('| rows | columns | MB | seconds | MB/s |')
for (const { rows, columns } of SHAPES) {
  const path = join(folder, 'table.csv')
  await pipeline(Readable.from(csv(rows, columns)), createWriteStream(path))
  const megabytes = (await stat(path)).size / 1e6
  const startedMs = performance.now()
  const { parquetPath } = await tables.ingestCsv(path, { target: 'y' })
  const seconds = (performance.now() - startedMs) / 1000
  const cells = [rows, columns, megabytes.toFixed(0), seconds.toFixed(2)]
  console.log(`| ${[...cells, (megabytes / seconds).toFixed(0)].join(' | ')} |`)
  await rm(parquetPath)
}
await tables.close()
await rm(folder, { recursive: true, force: true })

/** Numbers of seven digits, one text column of eight levels, a target of two classes. */
function* csv(rows: number, columns: number): Generator<string> {
  const random = createRandom(1n, 'bench')
  const names = Array.from({ length: columns - 2 }, (_, i) => `x${i}`)
  yield `${names.join(',')},kind,y\n`
  for (let row = 0; row < rows; row++) {
    const at = row * columns
    const cells = names.map((_, i) => (random.uint32(at + i) / 2 ** 32).toFixed(6))
    yield `${cells.join(',')},k${random.uint32(at + columns - 2) % 8},${row % 2}\n`
  }
}
