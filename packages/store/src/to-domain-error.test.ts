import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTcpProxy, type TcpProxy } from '../../../test/faults/rig/tcp-proxy.ts'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { waitFor } from '../../../test/support/wait-for.ts'
import { type Database, openDatabase } from './client.ts'
import { translateErrors } from './to-domain-error.ts'

let test: TestDatabase
let admin: pg.Client
let proxy: TcpProxy
let database: Database

beforeAll(async () => {
  test = await createTestDatabase()
  admin = new pg.Client({ connectionString: test.url })
  await admin.connect()
  const url = new URL(test.url)
  proxy = await startTcpProxy(Number(url.port))
  url.port = String(proxy.port)
  database = openDatabase({
    connectionString: url.href,
    applicationName: 'broken',
    connectionsMax: 1,
    onError: () => undefined,
  })
})

afterAll(async () => {
  await database.$disconnect()
  await proxy.close()
  await admin.end()
  await test.drop()
})

it('a connection that breaks within a commit is a service that is not available', async () => {
  await admin.query(`
    CREATE TABLE slow (id int);
    CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(20); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION sleep()`)
  const insert = translateErrors(() =>
    database.$transaction((transaction) => transaction.$executeRaw`INSERT INTO slow VALUES (1)`),
  )

  const [told] = await Promise.all([insert.catch((error: unknown) => error), breakTheCommit()])

  expect(told).toMatchObject({ code: 'unavailable' })
})

async function breakTheCommit(): Promise<void> {
  await waitFor('the commit is under way', async () => {
    const { rows } = await admin.query(
      `SELECT 1 FROM pg_stat_activity WHERE application_name = 'broken' AND query = 'COMMIT' AND state = 'active'`,
    )
    return rows.length > 0
  })
  await proxy.set({ kind: 'reset' })
}
