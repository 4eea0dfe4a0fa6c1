/** The process as a supervisor sees it: how it starts, refuses to, and ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createApiKeyText } from '@trainyard/domain'
import { hashSecret } from '@trainyard/store'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import {
  insertDataset,
  insertJob,
  openTestStores,
  type TestStores,
} from '../../../test/support/factories.ts'
import { waitFor } from '../../../test/support/wait-for.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const PEPPER = 'ab'.repeat(32)

let database: TestDatabase
let stores: TestStores
let folder: string
let jobId: string
const key = createApiKeyText(crypto.getRandomValues(new Uint8Array(37)))
beforeAll(async () => {
  database = await createTestDatabase()
  stores = openTestStores(database.url)
  folder = await mkdtemp(join(tmpdir(), 'trainyard-api-main-'))
  const secretHash = hashSecret(Uint8Array.fromHex(PEPPER), key.secret)
  const { projectId } = await stores.keys.insert({
    ...{ keyId: key.keyId, projectName: 'default', name: 'test', expiresAt: null },
    secretHash,
  })
  const dataset = await insertDataset(stores, projectId)
  jobId = (await insertJob(stores, projectId, dataset.id)).id
})
afterAll(async () => {
  await stores.close()
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

const GOOD = () => ({
  DATABASE_URL: database.url,
  PORT: '0',
  TRAINYARD_KEY_PEPPER: PEPPER,
  TRAINYARD_SCRATCH_DIR: folder,
})

function start(environment: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [MAIN], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
}

/** Starts the process and waits for its line that says where it listens. */
async function startListening() {
  const child = start(GOOD())
  const { promise: url, resolve, reject } = Promise.withResolvers<string>()
  const lines: string[] = []
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    lines.push(line)
    const found = /listening at (http:\/\/[\d.:]+)/.exec(line)?.[1]
    if (found !== undefined) resolve(found)
  })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  void exited.then(() => reject(new Error(`it ended: ${lines.join('\n')}`)))
  return { child, url: await url, exited, lines }
}

const openStream = (url: string) =>
  fetch(`${url}/v1/jobs/${jobId}/events`, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${key.text}` },
  })

describe('exit 78', () => {
  it('lists every fault of the environment', { timeout: 30_000 }, async () => {
    const child = start({ PORT: 'x', TRAINYARD_KEY_PEPPER: 'short', TRAINYARD_LOG_LEVEL: 'loud' })

    const [said, [code]] = await Promise.all([
      text(child.stderr as NodeJS.ReadableStream),
      once(child, 'exit'),
    ])

    expect(code).toBe(78)
    for (const name of [
      'DATABASE_URL',
      'PORT',
      'TRAINYARD_KEY_PEPPER',
      'TRAINYARD_SCRATCH_DIR',
      'TRAINYARD_LOG_LEVEL',
    ]) {
      expect(said).toContain(name)
    }
  })

  it('does not open to everybody in production', { timeout: 30_000 }, async () => {
    const child = start({ ...GOOD(), NODE_ENV: 'production', TRAINYARD_AUTH: 'off' })

    const [said, [code]] = await Promise.all([
      text(child.stderr as NodeJS.ReadableStream),
      once(child, 'exit'),
    ])

    expect(code).toBe(78)
    expect(said).toContain('TRAINYARD_AUTH')
  })
})

describe('exit 0', () => {
  it.each([
    [
      'a signal, however often within a second',
      (child: ChildProcess) => {
        child.kill('SIGTERM')
        child.kill('SIGINT')
      },
    ],
    ['the end of its supervisor', (child: ChildProcess) => child.disconnect()],
  ])('drains on %s', { timeout: 30_000 }, async (_name, stop) => {
    const { child, url, exited, lines } = await startListening()
    const stream = await openStream(url)

    const startedMs = performance.now()
    stop(child)

    expect((await stream.text()).endsWith('retry: 500\n\n')).toBe(true)
    expect(await exited).toBe(0)
    expect(performance.now() - startedMs).toBeLessThan(4500)
    expect(await readdir(folder)).toEqual([])
    expect(lines.join('\n')).not.toContain(key.secret)
    expect(lines.join('\n')).not.toContain(PEPPER)
  })
})

describe('/metrics', () => {
  it('says how late the event loop of the process is', { timeout: 30_000 }, async () => {
    const { child, url, exited } = await startListening()

    // The lag of a loop that has not turned for 10 ms yet is no number.
    const lag = await waitFor('a lag of the event loop', async () => {
      const page = await (await fetch(`${url}/metrics`)).text()
      return page.match(/^nodejs_eventloop_lag_p99_seconds ([\d.]+)$/m)
    })
    child.kill('SIGTERM')

    expect(Number(lag[1])).toBeGreaterThan(0)
    expect(await exited).toBe(0)
  })
})
