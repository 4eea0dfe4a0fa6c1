/**
 * How long `npm start` takes on an initialised home until `/readyz` answers, how long one Ctrl-C takes, and what all
 * processes together hold in memory when nothing is to be done. Linux only: it reads /proc.
 * Usage: npm run bench:start
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findFreePort } from '../../packages/local/src/free-port.ts'
import { waitFor } from '../support/wait-for.ts'

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url))
const ROUNDS = 5
/** Long enough for what a start leaves to do: caches written, pools at rest. */
const SETTLE_MS = 5000
const READY_MS_MAX = 60_000

const home = await mkdtemp(join(tmpdir(), 'trainyard-bench-'))
console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
)
try {
  await runOnce(false)
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) rounds.push(await runOnce(round === ROUNDS - 1))
  const readyMs = rounds.map((round) => round.readyMs).sort((a, b) => a - b)
  const stopMs = rounds.map((round) => round.stopMs).sort((a, b) => a - b)
  console.log(`ready: median ${median(readyMs)} ms, ${readyMs.join(' ')}`)
  console.log(`stop: median ${median(stopMs)} ms, ${stopMs.join(' ')}`)
  console.log('| process | PSS MB |\n|---|---|')
  const memory = rounds.at(-1)?.memory ?? []
  for (const { name, megabytes } of memory) console.log(`| ${name} | ${megabytes.toFixed(0)} |`)
  console.log(
    `| **together** | **${memory.reduce((sum, row) => sum + row.megabytes, 0).toFixed(0)}** |`,
  )
} finally {
  await rm(home, { recursive: true, force: true })
}

async function runOnce(isMeasured: boolean) {
  const port = await findFreePort('127.0.0.1', 0)
  const startedMs = performance.now()
  const stack = spawn('npm', ['start', '--silent'], {
    cwd: CHECKOUT,
    env: { ...process.env, PORT: String(port), TRAINYARD_HOME: home },
    stdio: 'ignore',
  })
  const exited = once(stack, 'exit')
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      (response) => response.status === 200,
      () => false,
    )
  await waitFor('/readyz answers 200', isReady, READY_MS_MAX)
  const readyMs = Math.round(performance.now() - startedMs)
  const memory = isMeasured ? await measureMemory() : []
  const stoppingMs = performance.now()
  stack.kill('SIGINT')
  await exited
  return { readyMs, stopMs: Math.round(performance.now() - stoppingMs), memory }
}

/** Proportional set size by kind of process: pages that several share are counted once in the sum. */
async function measureMemory(): Promise<{ name: string; megabytes: number }[]> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  const byName = new Map<string, number>()
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const name = await nameOf(pid)
    if (name === null) continue
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
    const kilobytes = Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
    byName.set(name, (byName.get(name) ?? 0) + kilobytes / 1024)
  }
  return [...byName].map(([name, megabytes]) => ({ name, megabytes }))
}

/** Null for what does not belong to the stack of this home. */
async function nameOf(pid: string): Promise<string | null> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
  const [command, environment] = await Promise.all([read('cmdline'), read('environ')])
  if (command.startsWith('postgres:') || command.includes(`${home}/postgres`)) return 'postgres'
  if (!environment.includes(`TRAINYARD_HOME=${home}`)) return null
  const service = /services\/(\w+)\/src/.exec(command)?.[1]
  return service ?? (command.includes('src/main.ts') ? 'supervisor' : 'npm and entry script')
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
