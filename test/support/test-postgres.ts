import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { openHome } from '../../packages/local/src/home.ts'
import {
  DATA_FOLDER,
  startEmbeddedPostgres,
} from '../../packages/local/src/postgres/embedded-postgres.ts'
import { signalPostgres } from './signal-postgres.ts'

export const TEMPLATE_DATABASE = 'trainyard_template'

const LOCAL = fileURLToPath(new URL('../../packages/local/src/main.ts', import.meta.url))
const STOP_MS = 5000

export interface TestPostgres {
  url: string
  /** To every process of the server, as SIGSTOP freezes it. */
  signal(signal: NodeJS.Signals): void
  stop(): Promise<void>
}

/** A real Postgres in a temporary folder, with a migrated database that others are cloned from. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-test-'))
  const home = openHome(folder)
  if (home === null) throw new Error(`${folder} is held by another process`)
  const postgres = await startEmbeddedPostgres(home, console.error, new AbortController().signal)
  const admin = new pg.Client({ connectionString: postgres.connectionString })
  await admin.connect()
  await admin.query(`CREATE DATABASE ${TEMPLATE_DATABASE}`)
  const template = new URL(postgres.connectionString)
  template.pathname = `/${TEMPLATE_DATABASE}`
  // As an operator does it, in a process of its own: several test projects set up at the same time.
  await promisify(execFile)(process.execPath, [LOCAL, 'migrate'], {
    env: { ...process.env, DATABASE_URL: template.href },
  })
  // A database that somebody is connected to cannot be cloned.
  await admin.query(`ALTER DATABASE ${TEMPLATE_DATABASE} WITH ALLOW_CONNECTIONS false`)
  await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [
    TEMPLATE_DATABASE,
  ])
  await admin.end()
  return {
    url: postgres.connectionString,
    signal: (signal) => signalPostgres(join(folder, DATA_FOLDER), signal),
    async stop() {
      await postgres.stop(STOP_MS)
      home.release()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
