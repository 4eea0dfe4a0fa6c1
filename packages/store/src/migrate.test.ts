import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { migrate } from './migrate.ts'
import { SCHEMA_PATH } from './schema-engine.ts'

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

it('has made every table that the schema names', async () => {
  const schema = await readFile(SCHEMA_PATH, 'utf8')
  const named = [...schema.matchAll(/model \w+ \{[^}]*?@@map\("(\w+)"\)/g)].map((match) => match[1])

  const { rows } = await client.query<{ table_name: string }>(
    `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`,
  )

  const made = rows.map((row) => row.table_name).filter((name) => name !== '_prisma_migrations')
  expect(made.sort()).toEqual(named.sort())
})

it('leaves a database of a newer version alone, and says so', async () => {
  await client.query(`
    INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
    VALUES ('x', 'x', '99991231000000_from_the_future', now(), 1)`)

  await expect(migrate(database.url)).rejects.toThrow(/99991231000000_from_the_future/)
})
