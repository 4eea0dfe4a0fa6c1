/**
 * Times the engine beside every peer that is installed and prints Markdown: `npm run bench:peers`, or
 * with workloads, `npm run bench:peers -- W1,W4,infer`. One process per peer and workload, on one core
 * where `taskset` is there; rounds alternate, so that a disturbance of the machine meets all alike.
 * What is far behind in a round and takes long is not repeated.
 */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { WORKLOADS } from './common.ts'
import { PEERS, type Peer, type Run, SWEEPS } from './peers.ts'
import { type Line, measureOf, toTable } from './table.ts'

const ROUNDS = 3
const FAR_BEHIND = 4
const LONG_SECONDS = 5
const RUN_SECONDS_MAX = 120

const folder = fileURLToPath(new URL('.', import.meta.url))
const python = process.env.PYTHON ?? 'python3'
const hasTaskset = succeeds('taskset', ['--version'])
const names = process.argv[2]?.split(',') ?? [...Object.keys(WORKLOADS), 'W8', 'infer']

const present = PEERS.filter(isInstalled)
for (const peer of PEERS) if (!present.includes(peer)) console.error(`${peer.name}: not installed`)

console.log(`${machine()}\n`)
for (const name of names) {
  const runs = (name === 'W8' ? SWEEPS.filter(isInstalled) : present).flatMap((peer) => {
    const run = peer.runs[name]
    return run === undefined ? [] : [{ peer, run }]
  })
  console.log(toTable(name, await measure(name, runs)))
}

async function measure(name: string, runs: { peer: Peer; run: Run }[]): Promise<Line[][]> {
  const lines = new Map<Peer, Line[]>()
  const left = new Set(runs)
  for (let round = 1; round <= ROUNDS; round++) {
    const results: { entry: (typeof runs)[number]; value: number; seconds: number }[] = []
    for (const entry of left) {
      const { peer, run } = entry
      const startedMs = performance.now()
      const line = await runOnce(peer, name, run)
      const seconds = (performance.now() - startedMs) / 1000
      if (line === null) left.delete(entry)
      else {
        lines.set(peer, [...(lines.get(peer) ?? []), line])
        results.push({ entry, value: measureOf(name, line), seconds })
      }
      console.error(`${name} round ${round} ${peer.name}: ${seconds.toFixed(1)} s`)
    }
    const fastest = Math.min(...results.map(({ value }) => value))
    for (const { entry, value, seconds } of results) {
      if (value > FAR_BEHIND * fastest && seconds > LONG_SECONDS) left.delete(entry)
    }
  }
  return [...lines.values()]
}

/** The line a peer prints, null when it prints none. */
async function runOnce(peer: Peer, workload: string, run: Run): Promise<Line | null> {
  const program = peer.language === 'python' ? python : process.execPath
  const words = [peer.script, ...(workload === 'W8' ? ['2'] : [workload]), ...(peer.flags ?? [])]
  if (run.epochs !== undefined) words.push('--epochs', String(run.epochs))
  if (run.samples !== undefined) words.push('--samples', String(run.samples))
  // A sweep takes both cores.
  const pinned = hasTaskset && workload !== 'W8' ? ['taskset', '-c', '0'] : []
  const [command = program, ...rest] = [...pinned, program, ...words]
  const child = spawn(command, rest, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const deadline = setTimeout(() => child.kill('SIGKILL'), RUN_SECONDS_MAX * 1000)
  const [output, complaints] = await Promise.all([
    child.stdout.toArray().then((chunks) => Buffer.concat(chunks).toString()),
    child.stderr.toArray().then((chunks) => Buffer.concat(chunks).toString()),
  ])
  clearTimeout(deadline)
  const line = output.split('\n').find((text) => text.startsWith('{'))
  if (line === undefined) {
    console.error(`${peer.name} ${workload} gave no figures. ${complaints.slice(-400)}`)
    return null
  }
  return JSON.parse(line) as Line
}

function isInstalled({ language, needs }: Peer): boolean {
  if (needs === undefined) return true
  if (language === 'python') return succeeds(python, ['-c', needs])
  return existsSync(`${folder}/node_modules/${needs}`)
}

function succeeds(program: string, words: string[]): boolean {
  try {
    execFileSync(program, words, { stdio: 'ignore' })
    return true
  } catch {
    // Not there, or not able to.
    return false
  }
}

function machine(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  const date = new Date().toISOString().slice(0, 10)
  const cores = hasTaskset ? 'one core, pinned' : 'one thread'
  return `${cpus()[0]?.model}, ${cpus().length} cores, ${gigabytes} GiB, Node ${process.version}, ${cores}, ${date}.`
}
