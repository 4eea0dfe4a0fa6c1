import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { openDatabase } from './client.ts'

/** ReadyForQuery, the last words of a handshake: Z, length 5, idle. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

let database: TestDatabase
let admin: pg.Client
let server: Server

beforeAll(async () => {
  database = await createTestDatabase()
  admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
})

afterAll(async () => {
  server.close()
  await admin.end()
  await database.drop()
})

it('a session that Postgres ends in the moment it was opened fails its transaction, not the process', async () => {
  server = await serveEndingSessions(Number(new URL(database.url).port))
  const url = new URL(database.url)
  url.port = String((server.address() as { port: number }).port)
  const errors: Error[] = []
  const client = openDatabase({
    connectionString: url.href,
    applicationName: 'ended-at-once',
    connectionsMax: 1,
    onError: (error) => errors.push(error),
  })

  await expect(
    client.$transaction((transaction) => transaction.$queryRaw`SELECT 1`),
  ).rejects.toThrow()

  expect(errors.map(({ message }) => message)).toContainEqual(expect.stringContaining('terminat'))
  await client.$disconnect()
})

/** Keeps the end of each handshake back until Postgres was told to end the session, and passes both on in one piece. */
async function serveEndingSessions(port: number): Promise<Server> {
  const proxy = createServer((client) => {
    const postgres = connect({ port, host: '127.0.0.1' })
    let held: Buffer | null = null
    client.on('data', (bytes) => postgres.write(bytes))
    postgres.on('data', (bytes: Buffer) => {
      if (held !== null) {
        client.write(Buffer.concat([held, bytes]))
      } else if (bytes.subarray(-READY.length).equals(READY)) {
        held = bytes
        // A session that the pool opens while the test ends finds the administrator gone, and needs none.
        admin
          .query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ended-at-once'`,
          )
          .catch(() => undefined)
      } else {
        client.write(bytes)
      }
    })
    postgres.on('close', () => client.end())
    client.on('close', () => postgres.destroy())
    for (const socket of [client, postgres]) socket.on('error', () => undefined)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return proxy
}
