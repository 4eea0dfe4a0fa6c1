/**
 * A Postgres of our own in the home folder. It runs in its own session, so that a Ctrl-C in the terminal cannot take it
 * away before the services have written what they hold; it is stopped last. One that a killed stack has left behind
 * is found by its `postmaster.pid` and used as it is. It listens on 127.0.0.1 alone and has no socket file.
 */
import { realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isWithin, waitUntil } from '../deadline.ts'
import { findFreePort, isPortFree } from '../free-port.ts'
import type { Home } from '../home.ts'
import { StartError, toStartError } from '../start-error.ts'
import { findPostgresBinaries } from './binaries.ts'
import { initialisePostgres, toConnectionString, writePostgresAccess } from './initialise.ts'
import { isAlive, isPostmasterOf, readPostmaster } from './postmaster-pid.ts'
import { choosePostgresUser } from './run-as.ts'
import { type Complaint, type RunningPostgres, runPostgres } from './run-postgres.ts'

export interface EmbeddedPostgres {
  connectionString: string
  /** Disconnects everybody and writes all out. After `timeoutMs`, and at once with 0, the next start has to recover. */
  stop(timeoutMs: number): Promise<void>
}

export const DATA_FOLDER = 'postgres'
const HOST = '127.0.0.1'
const START_ATTEMPTS = 20
const RETRY_DELAY_MS = 250
const RESTART_DELAY_MS = 200
const RESTART_DELAY_MAX_MS = 5000
const ADOPTED_POLL_INTERVAL_MS = 50
const STOPPING_TIMEOUT_MS = 30_000
const KILL_TIMEOUT_MS = 1000

export async function startEmbeddedPostgres(
  home: Home,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<EmbeddedPostgres> {
  const binaries = findPostgresBinaries()
  const dataFolder = join(realpathSync(home.path), DATA_FOLDER)
  const user = choosePostgresUser(binaries.postgres, home.path, dataFolder)
  const access = await initialisePostgres(home, dataFolder, binaries.initdb, user)
  const logPath = join(home.folder('logs'), 'postgres.log')
  signal.throwIfAborted()

  let running = (await adopt(dataFolder, signal)) ?? (await start())
  let isStopping = false
  void keepRunning()

  return { connectionString: toConnectionString(access), stop }

  async function start(): Promise<RunningPostgres> {
    for (let attempt = 1; ; attempt++) {
      // The same port as before when it is to be had: then a client that holds the old address stays right.
      if (access.port === 0 || !(await isPortFree(HOST, access.port))) {
        access.port = await findFreePort(HOST, 0)
        writePostgresAccess(home, access)
      }
      removeStalePid(dataFolder)
      const started = await runPostgres({
        program: binaries.postgres,
        user,
        dataFolder,
        host: HOST,
        port: access.port,
        logPath,
      })
      if (typeof started !== 'string') return started
      if (attempt === START_ATTEMPTS) throw new StartError(COMPLAINTS[started](logPath))
      signal.throwIfAborted()
      await delay(RETRY_DELAY_MS)
    }
  }

  /** One that was killed is started again on the same port; the services reconnect by themselves. */
  async function keepRunning(): Promise<void> {
    for (;;) {
      await running.exited
      if (isStopping) return
      say(`the database stopped and is started again; its log is ${logPath}`)
      await restart()
    }
  }

  async function restart(): Promise<void> {
    let lastLine = ''
    for (let waitMs = RESTART_DELAY_MS; !isStopping; waitMs *= 2) {
      await delay(Math.min(waitMs, RESTART_DELAY_MAX_MS))
      if (isStopping) return
      try {
        running = await start()
        return
      } catch (error) {
        const line = toStartError(error)?.message ?? String(error)
        if (line !== lastLine) say(`${line}; trying again`)
        lastLine = line
      }
    }
  }

  async function stop(timeoutMs: number): Promise<void> {
    isStopping = true
    if (timeoutMs > 0) {
      running.signal('SIGINT')
      if (await isWithin(running.exited, timeoutMs)) return
    }
    running.signal('SIGQUIT')
    if (await isWithin(running.exited, KILL_TIMEOUT_MS)) return
    running.signal('SIGKILL')
    await isWithin(running.exited, KILL_TIMEOUT_MS)
  }

  /** The one a killed stack has left running, if there is one and it is not on its way out. */
  async function adopt(folder: string, abort: AbortSignal): Promise<RunningPostgres | null> {
    const found = readPostmaster(folder)
    if (found === null || !isPostmasterOf(found.pid, folder)) return null
    const { pid } = found
    await waitUntil(
      () => readPostmaster(folder)?.isReady === true || !isPostmasterOf(pid, folder),
      STOPPING_TIMEOUT_MS,
      { signal: abort },
    )
    const settled = readPostmaster(folder)
    if (settled?.pid !== pid || !settled.isReady || !isPostmasterOf(pid, folder)) return null
    if (settled.port !== access.port) {
      access.port = settled.port
      writePostgresAccess(home, access)
    }
    return {
      exited: waitUntil(() => !isPostmasterOf(pid, folder), Number.POSITIVE_INFINITY, {
        intervalMs: ADOPTED_POLL_INTERVAL_MS,
      }),
      signal: (name) => {
        if (isAlive(pid)) process.kill(pid, name)
      },
    }
  }
}

const COMPLAINTS: Record<Complaint, (logPath: string) => string> = {
  port_taken: () => 'every port that was tried for the database was taken by another program',
  data_in_use: () => 'processes of an earlier database still hold its data and do not end',
}

/** Postgres trusts the file when any process has its number, which after a restart of the machine is often the case. */
function removeStalePid(dataFolder: string): void {
  const found = readPostmaster(dataFolder)
  if (found !== null && isPostmasterOf(found.pid, dataFolder)) return
  rmSync(join(dataFolder, 'postmaster.pid'), { force: true })
}
