/**
 * How fast CSV becomes a stored data set, the whole service included: upload, reading, profile, blob. A file of numbers
 * and texts mixed, one of 1 GB with `--large`, and one of 10,000 columns; meanwhile other requests are timed and the
 * memory of the API is watched; its processor time is what to compare on a busy machine. Linux only: it reads /proc.
 * Usage: npm run bench:ingest [-- --large]
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as after } from 'node:timers/promises'
import { cloneDatabase } from '../support/database.ts'
import { memoryBytes, processorSeconds } from '../support/process-facts.ts'
import { startStack, type TestStack } from '../support/stack.ts'
import { startTestPostgres } from '../support/test-postgres.ts'

const GOALS = { megabytesPerSecond: 20, extraMegabytes: 384, p99Ms: 100 }
const MEGABYTES = process.argv.includes('--large') ? [100, 1000] : [100]
const NARROW_COLUMNS = 20
const PROBE_INTERVAL_MS = 20
const WORDS = ['amber', 'blue', 'crimson', 'dark "green"', 'ecru, pale', 'fuchsia']

const postgres = await startTestPostgres()
const folder = await mkdtemp(join(tmpdir(), 'trainyard-bench-'))
console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
)
console.log(
  '| file | MB | s | MB/s | processor s | extra RSS MB | p99 of others ms | max ms |\n|---|---|---|---|---|---|---|---|',
)
let isMissed = false
try {
  for (const megabytes of MEGABYTES) {
    const path = await writeTable(`${megabytes}.csv`, NARROW_COLUMNS, megabytes * 1e6)
    const result = await measure(`${NARROW_COLUMNS} columns`, path)
    isMissed ||=
      result.megabytesPerSecond < GOALS.megabytesPerSecond ||
      result.extraMegabytes > GOALS.extraMegabytes ||
      result.p99Ms > GOALS.p99Ms
    await rm(path)
  }
  await measure('10,000 columns × 1,000 rows', await writeTable('wide.csv', 10_000, 0, 1000))
} finally {
  await rm(folder, { recursive: true })
  await postgres.stop()
}
if (isMissed) console.error('the goals are missed', GOALS)
process.exit(isMissed ? 1 : 0)

async function measure(name: string, path: string) {
  const stack = await startStack({ queue: 'postgres', database: await cloneDatabase(postgres.url) })
  try {
    // The first table of a process loads DuckDB.
    await upload(stack, Readable.from(['a,y\n1,p\n2,q\n']))
    const pid = stack.process('api').pid
    const before = (await memoryBytes(pid, 'VmRSS')) / 1e6
    const megabytes = (await stat(path)).size / 1e6
    const probe = startProbe(stack, pid)
    const processorBefore = await processorSeconds(pid)
    const startedMs = performance.now()
    // The probe ends before the stack does, also when the upload is refused.
    await upload(stack, createReadStream(path)).finally(probe.stop)
    const seconds = (performance.now() - startedMs) / 1000
    const processor = (await processorSeconds(pid)) - processorBefore
    const { timesMs, peakMegabytes } = await probe.stop()
    const result = {
      megabytesPerSecond: megabytes / seconds,
      extraMegabytes: peakMegabytes - before,
      p99Ms: timesMs[Math.floor(timesMs.length * 0.99)] ?? Number.NaN,
    }
    const cells = [
      ...[megabytes, seconds, result.megabytesPerSecond, processor, result.extraMegabytes],
      ...[result.p99Ms, timesMs.at(-1) ?? Number.NaN],
    ]
    console.log(`| ${[name, ...cells.map((cell) => cell.toFixed(1))].join(' | ')} |`)
    return result
  } finally {
    await stack.stop()
  }
}

async function upload(stack: TestStack, body: Readable): Promise<void> {
  const response = await fetch(`${stack.baseUrl}/v1/datasets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'text/csv' },
    body: Readable.toWeb(body) as ReadableStream<Uint8Array>,
    duplex: 'half',
  } as RequestInit)
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
  await response.arrayBuffer()
}

/** Lists data sets one after the other, as another user would, and looks at the memory. */
function startProbe(stack: TestStack, pid: number) {
  const stopped = new AbortController()
  const timesMs: number[] = []
  let peakMegabytes = 0
  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const startedMs = performance.now()
      const response = await fetch(`${stack.baseUrl}/v1/jobs`, {
        headers: { authorization: `Bearer ${stack.apiKey}` },
      })
      await response.arrayBuffer()
      timesMs.push(performance.now() - startedMs)
      peakMegabytes = Math.max(peakMegabytes, (await memoryBytes(pid, 'VmRSS')) / 1e6)
      await after(PROBE_INTERVAL_MS)
    }
  }
  const running = run()
  return {
    async stop() {
      stopped.abort()
      await running
      return { timesMs: timesMs.sort((a, b) => a - b), peakMegabytes }
    },
  }
}

/** Every fourth column is text, the last one the target; ends with `bytes` or `rows`, whichever comes last. */
async function writeTable(name: string, columns: number, bytes: number, rows = 0): Promise<string> {
  const path = join(folder, name)
  // A generator of its own: the same file everywhere.
  let state = 1
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const cell = (column: number): string => {
    if (column === columns - 1) return random() < 0.5 ? 'yes' : 'no'
    if (columns > 100 || column % 4 !== 1) return (random() * 1000 - 500).toFixed(3)
    const word = WORDS[Math.floor(random() * WORDS.length)] ?? ''
    return `"${word.replaceAll('"', '""')}"`
  }
  const lines = function* (): Generator<string> {
    yield `${Array.from({ length: columns }, (_, i) => `column_${i}`).join(',')}\n`
    let written = 0
    for (let row = 0; row < rows || written < bytes; row++) {
      const line = `${Array.from({ length: columns }, (_, column) => cell(column)).join(',')}\n`
      written += line.length
      yield line
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(path))
  return path
}
