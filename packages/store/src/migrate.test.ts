import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { waitFor } from '../../../test/support/wait-for.ts'
import { migrate } from './migrate.ts'
import { PRISMA_FOLDER, SCHEMA_PATH } from './schema-engine.ts'

const MIGRATE = `
  import { migrate } from ${JSON.stringify(new URL('./migrate.ts', import.meta.url).href)}
  await migrate(process.argv[1])`

let database: TestDatabase
let client: pg.Client

beforeAll(async () => {
  database = await createTestDatabase()
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
})

afterAll(async () => {
  await client.end()
  await database.drop()
})

it('applies nothing to a database that is up to date', async () => {
  expect(await migrate(database.url)).toEqual({ applied: [] })
})

it('migrates two databases at the same time', async () => {
  const urls = [await emptyDatabase('one'), await emptyDatabase('two')]

  const results = await Promise.all(urls.map((url) => migrate(url)))

  const all = await migrations()
  expect(results.map((result) => result.applied)).toEqual([all, all])
})

it('has made every table that the schema names', async () => {
  const schema = await readFile(SCHEMA_PATH, 'utf8')
  const named = [...schema.matchAll(/model \w+ \{[^}]*?@@map\("(\w+)"\)/g)].map((match) => match[1])

  const made = (await tables()).filter((name) => name !== '_prisma_migrations')

  expect(made.sort()).toEqual(named.sort())
})

it('leaves nothing behind when it is killed in the middle, and the next one applies all', async () => {
  await client.query('DROP SCHEMA public CASCADE')
  await client.query('CREATE SCHEMA public')
  const migrating = spawn(process.execPath, ['--input-type=module', '-e', MIGRATE, database.url])
  const ended = new Promise((resolve) => migrating.once('exit', (_, signal) => resolve(signal)))

  await waitFor('it has made some tables', async () => {
    const { rowCount } = await client.query(
      `SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND locktype = 'relation' AND granted`,
    )
    return (rowCount ?? 0) > 20
  })
  migrating.kill('SIGKILL')
  expect(await ended).toBe('SIGKILL')
  const left = await tables()
  const again = await migrate(database.url)

  expect(left).toEqual([])
  expect(again.applied).toEqual(await migrations())
  expect(await tables()).toContain('jobs')
})

it('leaves a database of a newer version alone, and says so', async () => {
  await client.query(`
    INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
    VALUES ('x', 'x', '99991231000000_from_the_future', now(), 1)`)

  await expect(migrate(database.url)).rejects.toThrow(/99991231000000_from_the_future/)
})

async function emptyDatabase(suffix: string): Promise<string> {
  const url = new URL(database.url)
  url.pathname = `${url.pathname}_${suffix}`
  await client.query(`CREATE DATABASE ${url.pathname.slice(1)}`)
  return url.href
}

async function tables(): Promise<string[]> {
  const { rows } = await client.query<{ table_name: string }>(
    `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`,
  )
  return rows.map((row) => row.table_name)
}

/** Names of all migrations in the order in which they are applied. */
async function migrations(): Promise<string[]> {
  const entries = await readdir(`${PRISMA_FOLDER}migrations`, { withFileTypes: true })
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
}
