/**
 * The whole of Trainyard on this machine: Postgres, then migrations and the local key, then the three services. It comes
 * up completely or leaves nothing behind.
 */
import { existsSync, rmSync } from 'node:fs'
import { build } from './build.ts'
import { createClosers } from './closers.ts'
import { readApiKey, writeCredentials } from './credentials.ts'
import { findFreePort } from './free-port.ts'
import { isDiskFull, requireFreeSpace } from './free-space.ts'
import { type Home, openHome, readPepper, writeWhole } from './home.ts'
import { DATA_FOLDER, startEmbeddedPostgres } from './postgres/embedded-postgres.ts'
import { openDatabasePreparation } from './prepare-database.ts'
import { isPrepared, stampPrepared } from './prepared-stamp.ts'
import { waitUntilReady } from './ready.ts'
import { runServices } from './services.ts'
import type { Settings } from './settings.ts'
import { diskFull, StartError } from './start-error.ts'
import type { StopWishes } from './stop-signals.ts'

export interface Stack {
  baseUrl: string
  apiKey: string
  /** Drains and stops everything, or kills it as soon as there is a second wish to stop. Leaves no process. */
  stop(): Promise<void>
}

export interface StackOptions {
  settings: Settings
  wishes: StopWishes
  say: (line: string) => void
  /** The stack cannot go on; it is still to be stopped. */
  onFailure: (error: StartError) => void
}

/** There from the first child process to the last: who finds it follows a stack that was killed. */
const UNCLEAN_FILE = 'running'
/** Children of a killed stack need a moment to notice and leave the port. */
const KILLED_STACK_PATIENCE_MS = 5000
const POSTGRES_STOP_TIMEOUT_MS = 1500
const READY_TIMEOUT_MS = 60_000

/** Resolves when the API is ready to serve. Rejects with the abort reason after a wish to stop, all closed again. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { settings, wishes, say } = options
  const closers = createClosers()
  try {
    const home = takeHome(settings.home)
    closers.push(() => home.release())
    if (settings.databaseUrl === null) requireFreeSpace(home.path)
    const port = await takePort(settings, home)
    writeWhole(home.file(UNCLEAN_FILE), '')
    closers.push(() => rmSync(home.file(UNCLEAN_FILE), { force: true }))

    const pepper = settings.keyPepper ?? readPepper(home.path)
    const { databaseUrl, apiKey } = await prepare(home, pepper)
    const baseUrl = toBaseUrl(settings.host, port)
    writeCredentials(home.path, { base_url: baseUrl, api_key: apiKey })

    const services = runServices({ ...options, home, port, databaseUrl, pepper })
    closers.push(() => services.stop(wishes.second))
    const ready = waitUntilReady(baseUrl, READY_TIMEOUT_MS, wishes.first)
    if (!(await Promise.race([services.failure, ready]))) {
      throw new StartError(`the API does not become ready; the logs are in ${home.folder('logs')}`)
    }
    services.markUp()
    services.failure.catch(options.onFailure)
    return { baseUrl, apiKey, stop: closers.close }
  } catch (error) {
    const wasFull = existsSync(settings.home) && isDiskFull(settings.home)
    await closers.close()
    if (wasFull && !wishes.first.aborted) throw diskFull(` (${settings.home})`)
    throw error
  }

  async function prepare(home: Home, pepper: string) {
    const opened = openDatabase(home)
    // Looked at below, after the build.
    opened.catch(() => undefined)
    try {
      await build(say)
      wishes.first.throwIfAborted()
      const lastApiKey = readApiKey(home.path)
      const dataFolder = home.file(DATA_FOLDER)
      const isOwn = settings.databaseUrl === null
      if (isOwn && lastApiKey !== null && isPrepared(dataFolder, { apiKey: lastApiKey, pepper })) {
        return { databaseUrl: await opened, apiKey: lastApiKey }
      }
      const preparation = openDatabasePreparation()
      closers.push(() => preparation.stop())
      const databaseUrl = await opened
      wishes.first.throwIfAborted()
      const order = { connectionString: databaseUrl, pepper, lastApiKey }
      const apiKey = await preparation.run(order)
      wishes.first.throwIfAborted()
      if (isOwn) stampPrepared(dataFolder, { apiKey, pepper })
      return { databaseUrl, apiKey }
    } finally {
      // Also after a failure elsewhere: a Postgres that is coming up has to be known to be stopped.
      await opened.catch(() => undefined)
    }
  }

  async function openDatabase(home: Home): Promise<string> {
    if (settings.databaseUrl !== null) return settings.databaseUrl
    const postgres = await startEmbeddedPostgres(home, say, wishes.first)
    closers.push(() => postgres.stop(wishes.second.aborted ? 0 : POSTGRES_STOP_TIMEOUT_MS))
    return postgres.connectionString
  }
}

export function toHomeInUse(path: string): StartError {
  return new StartError(
    `another stack is using ${path}: stop it, or choose another folder with TRAINYARD_HOME`,
  )
}

function takeHome(path: string): Home {
  const home = openHome(path)
  if (home === null) throw toHomeInUse(path)
  return home
}

async function takePort(settings: Settings, home: Home): Promise<number> {
  const deadline = performance.now() + KILLED_STACK_PATIENCE_MS
  const follows = existsSync(home.file(UNCLEAN_FILE))
  for (;;) {
    try {
      return await findFreePort(settings.host, settings.port)
    } catch (error) {
      if (!follows || performance.now() >= deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** An address that a client on this machine can use, also when the server listens on all. */
function toBaseUrl(host: string, port: number): string {
  const address = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`
}
