/** A stack started as a person would start it, and the means to look at its processes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { waitUntil } from '../../packages/local/src/deadline.ts'
import { isAlive, readPostmaster } from '../../packages/local/src/postgres/postmaster-pid.ts'

export interface RunningStack {
  process: ChildProcess
  output(): string
  errors(): string
  /** Resolves to the exit code; 128 and more after a signal. */
  exit: Promise<number>
  /** Rejects when it ends or takes too long before it is ready. */
  ready(): Promise<{ baseUrl: string; apiKey: string }>
}

const ENTRY = fileURLToPath(new URL('../../packages/local/bin/trainyard.mjs', import.meta.url))
const READY_TIMEOUT_MS = 60_000
const BUILD_NOTICE = /^trainyard: building .*\n/
const WELCOME = /trainyard ready on (\S+)\s+key\s+(\S+)/

export function createHome(): string {
  return mkdtempSync(join(tmpdir(), 'trainyard-start-test-'))
}

export function start(home: string, environment: NodeJS.ProcessEnv = {}): RunningStack {
  const { DATABASE_URL, REDIS_URL, HOST, ...inherited } = process.env
  const child = spawn(process.execPath, [ENTRY, 'start'], {
    env: { ...inherited, PORT: '0', TRAINYARD_HOME: home, ...environment },
    // A group of its own, as a shell gives it: what signals the group reaches this stack alone.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text
  })
  let isOver = false
  const exit = new Promise<number>((resolve) => {
    child.once('close', (code) => {
      isOver = true
      resolve(code ?? 128)
    })
  })
  return {
    process: child,
    output: () => output,
    // That something had to be built first is no complaint.
    errors: () => errors.replace(BUILD_NOTICE, ''),
    exit,
    ready: async () => {
      await waitUntil(() => isOver || WELCOME.test(output), READY_TIMEOUT_MS)
      const [, baseUrl, apiKey] = WELCOME.exec(output) ?? []
      if (baseUrl !== undefined && apiKey !== undefined) return { baseUrl, apiKey }
      throw new Error(`the stack is not ready:\n${output}\n${errors}`)
    },
  }
}

/** Every process of the stack: those it has started, those they have, and Postgres with its own. */
export function processesOf(stack: RunningStack, home: string): number[] {
  const parents = readParents()
  const found = new Set<number>()
  const add = (pid: number | undefined) => {
    if (pid === undefined || found.has(pid)) return
    found.add(pid)
    for (const [child, parent] of parents) if (parent === pid) add(child)
  }
  add(stack.process.pid)
  // One that was left by an earlier stack is nobody's child.
  add(readPostmaster(join(home, 'postgres'))?.pid)
  return [...found]
}

/** The process that runs a service, found by its command line. */
export function serviceProcess(stack: RunningStack, home: string, service: string): number {
  const pid = processesOf(stack, home).find((candidate) =>
    commandLine(candidate).includes(`services/${service}/src/main.ts`),
  )
  if (pid === undefined) throw new Error(`${service} does not run`)
  return pid
}

/** The process that keeps the services running: the child of the entry script. */
export function supervisorProcess(stack: RunningStack, home: string): number {
  const pid = processesOf(stack, home).find((candidate) =>
    commandLine(candidate).includes('packages/local/src/main.ts'),
  )
  if (pid === undefined) throw new Error('the supervisor does not run')
  return pid
}

export function allGone(pids: number[], timeoutMs: number): Promise<boolean> {
  return waitUntil(() => pids.every((pid) => !isAlive(pid) || isZombie(pid)), timeoutMs)
}

/** Ends what a failed test has left, then its folder. */
export async function clearAway(stack: RunningStack, home: string): Promise<void> {
  const pids = processesOf(stack, home).filter((pid) => isAlive(pid))
  for (const pid of pids) kill(pid)
  await allGone(pids, 10_000)
  rmSync(home, { recursive: true, force: true })
}

export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It was gone already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function readParents(): Map<number, number> {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = Number(statusOf(Number(name))?.[1])
    if (Number.isInteger(parent)) parents.set(Number(name), parent)
  }
  return parents
}

/** State and parent of a process, from the fields behind its name. */
function statusOf(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')
  } catch {
    // It has ended since the folder was listed.
    return undefined
  }
}

function isZombie(pid: number): boolean {
  return statusOf(pid)?.[0] === 'Z'
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    // It has ended since it was found.
    return ''
  }
}
