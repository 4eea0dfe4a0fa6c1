import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openKeysDatabase } from '../database.ts'
import { waitUntil } from '../deadline.ts'
import { type Home, openHome } from '../home.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts'
import { isAlive, readPostmaster } from './postmaster-pid.ts'

const STOP_MS = 5000
const TIMEOUT = { timeout: 60_000 }

let home: Home
let opened: EmbeddedPostgres[]
let said: string[]

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-postgres-test-'))
  home = openHome(folder) as Home
  opened = []
  said = []
})

afterEach(async () => {
  await Promise.all(opened.map((postgres) => postgres.stop(STOP_MS)))
  home.release()
  rmSync(home.path, { recursive: true, force: true })
})

describe('startEmbeddedPostgres', TIMEOUT, () => {
  it('serves the password in a file of its owner alone, and refuses any other', async () => {
    const { connectionString } = await start()

    expect(await select(connectionString)).toBe(1)
    expect(statSync(home.file('postgres.json')).mode & 0o777).toBe(0o600)
    const wrong = new URL(connectionString)
    wrong.password = 'wrong'
    await expect(select(wrong.href)).rejects.toThrow()
  })

  it('keeps rows and port over a stop and a start', async () => {
    const first = await start()
    await execute(first.connectionString, 'CREATE TABLE kept AS SELECT 7 AS value')
    await first.stop(STOP_MS)

    const second = await start()

    expect(second.connectionString).toBe(first.connectionString)
    expect(await select(second.connectionString, 'SELECT value FROM kept')).toBe(7)
  })

  it('leaves no process and no pid file after a stop', async () => {
    const postgres = await start()
    const pid = postmasterPid()

    await postgres.stop(STOP_MS)

    expect(isAlive(pid)).toBe(false)
    expect(readPostmaster(dataFolder())).toBeNull()
  })

  it('uses the one that a killed stack has left running', async () => {
    const abandoned = await start()
    const pid = postmasterPid()

    const adopted = await start()

    expect(postmasterPid()).toBe(pid)
    expect(adopted.connectionString).toBe(abandoned.connectionString)
    expect(await select(adopted.connectionString)).toBe(1)
  })

  it('starts again on its port, with its rows, when it is killed', async () => {
    const { connectionString } = await start()
    await execute(connectionString, 'CREATE TABLE kept AS SELECT 7 AS value')
    const pid = postmasterPid()

    process.kill(pid, 'SIGKILL')

    const isBack = await waitUntil(() => {
      const postmaster = readPostmaster(dataFolder())
      return postmaster !== null && postmaster.pid !== pid && postmaster.isReady
    }, 20_000)
    expect(isBack).toBe(true)
    expect(await select(connectionString, 'SELECT value FROM kept')).toBe(7)
    expect(said[0]).toContain('the database stopped and is started again')
  })

  it('starts over a pid file whose number now belongs to another program', async () => {
    const first = await start()
    const file = join(dataFolder(), 'postmaster.pid')
    const lines = readFileSync(file, 'utf8').split('\n')
    await first.stop(STOP_MS)
    writeFileSync(file, [String(process.pid), ...lines.slice(1)].join('\n'))

    const second = await start()

    expect(await select(second.connectionString)).toBe(1)
  })

  it('says which version wrote data that it cannot open', async () => {
    const first = await start()
    await first.stop(STOP_MS)
    writeFileSync(join(dataFolder(), 'PG_VERSION'), '99\n')

    await expect(start()).rejects.toThrow(/holds data of Postgres 99, and this version brings 18/)
  })
})

async function start(): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres(
    home,
    (line) => said.push(line),
    new AbortController().signal,
  )
  opened.push(postgres)
  return postgres
}

function dataFolder(): string {
  return home.file('postgres')
}

function postmasterPid(): number {
  return readPostmaster(dataFolder())?.pid ?? 0
}

async function select(connectionString: string, sql = 'SELECT 1 AS value'): Promise<unknown> {
  const database = openKeysDatabase(connectionString)
  try {
    const rows = await database.$queryRawUnsafe<{ value: unknown }[]>(sql)
    return rows[0]?.value
  } finally {
    await database.$disconnect()
  }
}

async function execute(connectionString: string, sql: string): Promise<void> {
  const database = openKeysDatabase(connectionString)
  await database.$executeRawUnsafe(sql).finally(() => database.$disconnect())
}
