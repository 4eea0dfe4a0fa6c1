import { spawn } from 'node:child_process'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { waitUntil } from '../deadline.ts'
import { openLogFile } from '../log-file.ts'
import { diskFull, isDiskFullText, StartError } from '../start-error.ts'
import { readPostmaster } from './postmaster-pid.ts'
import type { PostgresUser } from './run-as.ts'

export interface RunningPostgres {
  exited: Promise<unknown>
  signal(name: NodeJS.Signals): void
}

/** Why it did not start this time but may the next. */
export type Complaint = 'port_taken' | 'data_in_use'

/** Recovery after a crash reads the log back, at worst since the last checkpoint. */
const READY_TIMEOUT_MS = 120_000
const COMPLAINT_BYTES_MAX = 8192

/**
 * Small, since it shares the machine with training; safe, since it is the only truth. Parallel queries and compiled
 * expressions would take cores away from the workers for queries that touch few rows.
 */
const SETTINGS = {
  shared_buffers: '64MB',
  max_connections: '100',
  max_wal_size: '256MB',
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  unix_socket_directories: '',
  log_timezone: 'UTC',
  timezone: 'UTC',
}

/** Starts Postgres and waits until it takes connections. */
export async function runPostgres(options: {
  program: string
  user: PostgresUser
  dataFolder: string
  host: string
  port: number
  logPath: string
}): Promise<RunningPostgres | Complaint> {
  const { dataFolder, logPath } = options
  const {
    file,
    args,
    options: ids,
  } = options.user.command(options.program, [
    ...['-D', dataFolder, '-p', String(options.port), '-c', `listen_addresses=${options.host}`],
    ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ])
  const log = openLogFile(logPath)
  const logStart = statSync(logPath).size
  const child = spawn(file, args, {
    ...ids,
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const isGone = () =>
    child.exitCode !== null || child.signalCode !== null || child.pid === undefined
  const isReady = () => {
    const postmaster = readPostmaster(dataFolder)
    return postmaster?.pid === child.pid && postmaster?.isReady === true
  }
  await waitUntil(() => isGone() || isReady(), READY_TIMEOUT_MS)
  if (!isGone() && isReady()) {
    return { exited, signal: (name) => child.kill(name) }
  }
  child.kill('SIGQUIT')
  return toComplaint(readFrom(logPath, logStart), logPath)
}

function toComplaint(text: string, logPath: string): Complaint {
  if (isDiskFullText(text)) throw diskFull(' (Postgres)')
  if (/could not (bind|create any TCP)/.test(text)) return 'port_taken'
  if (/pre-existing shared memory|lock file "postmaster\.pid"/.test(text)) return 'data_in_use'
  const reason = /(?:FATAL|PANIC): +(.*)/.exec(text)?.[1] ?? 'it gave no reason'
  throw new StartError(`the database did not start: ${reason}; its log is ${logPath}`)
}

function readFrom(path: string, offset: number): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(COMPLAINT_BYTES_MAX)
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, offset))
  } finally {
    closeSync(file)
  }
}
