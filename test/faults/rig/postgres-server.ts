/** A Postgres of the rig's own, with its own data folder, that can be stopped, killed, frozen and started again. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from '../../../packages/local/src/free-port.ts'
import { openHome } from '../../../packages/local/src/home.ts'
import { findPostgresBinaries } from '../../../packages/local/src/postgres/binaries.ts'
import {
  initialisePostgres,
  toConnectionString,
} from '../../../packages/local/src/postgres/initialise.ts'
import { readPostmaster } from '../../../packages/local/src/postgres/postmaster-pid.ts'
import {
  choosePostgresUser,
  type PostgresUser,
} from '../../../packages/local/src/postgres/run-as.ts'
import {
  type RunningPostgres,
  runPostgres,
} from '../../../packages/local/src/postgres/run-postgres.ts'
import { signalPostgres } from '../../support/signal-postgres.ts'
import type { MountedDisk } from './small-disk.ts'

/** `fast` says goodbye, `immediate` falls down as in a crash. */
export type StopMode = 'fast' | 'immediate'

const STOP_SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const

export interface PostgresServer {
  url: string
  port: number
  stop(mode: StopMode): Promise<void>
  start(): Promise<void>
  /** Stops every process of the server where it is. */
  freeze(): void
  thaw(): void
  remove(): Promise<void>
}

/** `disk` holds data or log, the other has room: a server without room for its data refuses, one without for its log ends. */
export async function startPostgresServer(disk?: MountedDisk): Promise<PostgresServer> {
  const placeOf = (part: MountedDisk['holds']) => (disk?.holds === part ? disk.path : tmpdir())
  const folder = realpathSync(mkdtempSync(join(placeOf('data'), 'trainyard-faults-')))
  const home = openHome(folder)
  if (home === null) throw new Error(`${folder} is held by another process`)
  const binaries = findPostgresBinaries()
  const dataFolder = join(folder, 'postgres')
  const user = choosePostgresUser(binaries.postgres, folder, dataFolder)
  const access = await initialisePostgres(home, dataFolder, binaries.initdb, user)
  const logFolder = disk === undefined ? null : moveLog(dataFolder, placeOf('log'), user)
  access.port = await findFreePort('127.0.0.1', 0)
  let running: RunningPostgres

  const start = async () => {
    const started = await runPostgres({
      program: binaries.postgres,
      user,
      dataFolder,
      host: '127.0.0.1',
      port: access.port,
      logPath: join(home.folder('logs'), 'postgres.log'),
    })
    if (typeof started === 'string') throw new Error(`Postgres did not start: ${started}`)
    running = started
  }
  const stop = async (mode: StopMode) => {
    running.signal(STOP_SIGNALS[mode])
    await running.exited
  }
  await start()
  return {
    url: toConnectionString(access),
    port: access.port,
    stop,
    start,
    freeze: () => signalPostgres(dataFolder, 'SIGSTOP'),
    thaw: () => signalPostgres(dataFolder, 'SIGCONT'),
    async remove() {
      // A frozen one does not hear that it is to stop.
      if (readPostmaster(dataFolder) !== null) signalPostgres(dataFolder, 'SIGCONT')
      await stop('immediate')
      home.release()
      for (const path of [folder, logFolder]) {
        if (path !== null) await rm(path, { recursive: true, force: true })
      }
    },
  }
}

/** The write-ahead log to a disk of its own, as an operator does it. */
function moveLog(dataFolder: string, place: string, user: PostgresUser): string {
  const parent = mkdtempSync(join(place, 'trainyard-wal-'))
  user.own(parent)
  const log = join(parent, 'pg_wal')
  cpSync(join(dataFolder, 'pg_wal'), log, { recursive: true })
  execFileSync('chown', ['-R', '--reference', dataFolder, log])
  rmSync(join(dataFolder, 'pg_wal'), { recursive: true })
  symlinkSync(log, join(dataFolder, 'pg_wal'))
  return parent
}
