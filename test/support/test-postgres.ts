import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { openHome } from '../../packages/local/src/home.ts'
import { startEmbeddedPostgres } from '../../packages/local/src/postgres/embedded-postgres.ts'
import { migrate } from '../../packages/store/src/migrate.ts'

export const TEMPLATE_DATABASE = 'trainyard_template'

const STOP_MS = 5000

export interface TestPostgres {
  url: string
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
  await migrate(template.href)
  // A database that somebody is connected to cannot be cloned.
  await admin.query(`ALTER DATABASE ${TEMPLATE_DATABASE} WITH ALLOW_CONNECTIONS false`)
  await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [
    TEMPLATE_DATABASE,
  ])
  await admin.end()
  return {
    url: postgres.connectionString,
    async stop() {
      await postgres.stop(STOP_MS)
      home.release()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
