import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../../packages/local/src/deadline.ts'
import {
  allGone,
  clearAway,
  createHome,
  kill,
  processesOf,
  type RunningStack,
  serviceProcess,
  start,
  supervisorProcess,
} from './running-stack.ts'

/** The promise is 4 s on a machine of its own; tests share theirs, and look for what is broken, not for what is slow. */
const READY_MS = 10_000
const DRAIN_MS = 5000
const TIMEOUT = { timeout: 120_000 }

let home: string
let stacks: { stack: RunningStack; home: string }[]

beforeEach(() => {
  home = createHome()
  stacks = []
})

afterEach(async () => {
  for (const { stack, home: folder } of stacks) await clearAway(stack, folder)
})

// Processes are looked up in /proc.
describe.skipIf(process.platform !== 'linux')('npm start', TIMEOUT, () => {
  it('is ready in time, and keeps data sets and the key over a restart', async () => {
    const first = open()
    const { baseUrl, apiKey } = await first.ready()
    const created = await post(`${baseUrl}/v1/datasets`, apiKey, { builtin: { generator: 'xor' } })
    expect(created.status).toBe(201)
    const dataset = (await created.json()) as { id: string }
    first.process.kill('SIGINT')
    expect(await first.exit).toBe(0)

    const startedAt = performance.now()
    const second = open()
    const again = await second.ready()

    expect(performance.now() - startedAt).toBeLessThan(READY_MS)
    expect(again.apiKey).toBe(apiKey)
    expect((await get(`${again.baseUrl}/v1/datasets/${dataset.id}`, apiKey)).status).toBe(200)
  })

  it('writes the credentials for their owner alone', async () => {
    const { baseUrl, apiKey } = await open().ready()

    const file = join(home, 'credentials.json')
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ base_url: baseUrl, api_key: apiKey })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(home, 'pepper')).mode & 0o777).toBe(0o600)
  })

  it('drains on one Ctrl-C to the whole group within 5 s and leaves no process', async () => {
    const stack = open()
    await stack.ready()
    const pids = processesOf(stack, home)
    expect(pids.length).toBeGreaterThan(5)

    const stoppedAt = performance.now()
    process.kill(-(stack.process.pid ?? 0), 'SIGINT')

    expect(await stack.exit).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(DRAIN_MS)
    expect(await allGone(pids, 0)).toBe(true)
    expect(existsSync(join(home, 'postgres/postmaster.pid'))).toBe(false)
  })

  it('stops when it is told to while it comes up', async () => {
    const stack = open()
    await waitUntil(() => existsSync(join(home, 'lock')), 30_000)

    stack.process.kill('SIGTERM')

    expect(await stack.exit).toBe(0)
    expect(stack.output()).toBe('')
    expect(existsSync(join(home, 'postgres/postmaster.pid'))).toBe(false)
  })

  it('starts a service again that was killed, and stays ready', async () => {
    const stack = open()
    const { baseUrl } = await stack.ready()
    const killed = serviceProcess(stack, home, 'api')

    kill(killed)

    const isBack = await waitUntil(() => isReady(baseUrl), 30_000)
    expect(isBack).toBe(true)
    expect(serviceProcess(stack, home, 'api')).not.toBe(killed)
    expect(stack.errors()).toMatch(
      /api stopped \(SIGKILL\) and is started again; its log is .*api\.log/,
    )
  })

  it('recovers after every process was killed at once', async () => {
    const first = open()
    const { apiKey } = await first.ready()
    const pids = processesOf(first, home)
    for (const pid of pids) kill(pid)
    expect(await allGone(pids, 10_000)).toBe(true)
    expect(existsSync(join(home, 'postgres/postmaster.pid'))).toBe(true)

    const again = await open().ready()

    expect(again.apiKey).toBe(apiKey)
    expect((await get(`${again.baseUrl}/v1/datasets`, apiKey)).status).toBe(200)
  })

  it('leaves no service behind when the supervisor is killed, and takes its Postgres over', async () => {
    const first = open()
    const { apiKey } = await first.ready()
    const services = ['api', 'scheduler', 'worker'].map((name) => serviceProcess(first, home, name))
    const postgres = readFileSync(join(home, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]

    kill(supervisorProcess(first, home))

    expect(await allGone(services, DRAIN_MS)).toBe(true)
    const again = await open().ready()
    expect(again.apiKey).toBe(apiKey)
    const adopted = readFileSync(join(home, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]
    expect(adopted).toBe(postgres)
  })

  it('runs beside another stack with its own home and port', async () => {
    const otherHome = createHome()
    const one = open()
    const other = open(otherHome)

    const [first, second] = await Promise.all([one.ready(), other.ready()])

    expect(first.baseUrl).not.toBe(second.baseUrl)
    expect((await get(`${first.baseUrl}/v1/datasets`, first.apiKey)).status).toBe(200)
    expect((await get(`${second.baseUrl}/v1/datasets`, second.apiKey)).status).toBe(200)
    expect((await get(`${second.baseUrl}/v1/datasets`, first.apiKey)).status).toBe(401)
  })
})

describe('npm start says in one line why it does not start', TIMEOUT, () => {
  it('when another stack uses the home', async () => {
    const first = open()
    await first.ready()

    const second = open()

    expect(await second.exit).toBe(1)
    expect(second.errors()).toBe(
      `trainyard: another stack is using ${home}: stop it, or choose another folder with TRAINYARD_HOME\n`,
    )
  })

  it('when the port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await waitUntil(() => server.listening, 5000)
    const { port } = server.address() as { port: number }

    const stack = open(home, { PORT: String(port) })

    expect(await stack.exit).toBe(1)
    server.close()
    expect(stack.errors()).toBe(
      `trainyard: port ${port} is already in use: stop what listens there, or choose another with PORT=…\n`,
    )
    expect(existsSync(join(home, 'postgres'))).toBe(false)
  })

  it('when a newer version has written the home', async () => {
    writeFileSync(join(home, 'version'), '2\n')

    const stack = open()

    expect(await stack.exit).toBe(1)
    expect(stack.errors()).toMatch(
      /^trainyard: \S+ was written by a newer version of Trainyard .*\n$/,
    )
  })

  it('when a variable is not what it should be', async () => {
    const stack = open(home, { TRAINYARD_WORKER_THREADS: 'many' })

    expect(await stack.exit).toBe(1)
    expect(stack.errors()).toBe(
      'trainyard: TRAINYARD_WORKER_THREADS must be a whole number from 1 to 1024, not many\n',
    )
  })

  it('when a service refuses its configuration', async () => {
    const stack = open(home, { TRAINYARD_LOG_LEVEL: 'loud' })

    expect(await stack.exit).toBe(1)
    expect(stack.errors()).toMatch(
      /^trainyard: \w+ refused its configuration: .*TRAINYARD_LOG_LEVEL.*\n$/,
    )
    expect(existsSync(join(home, 'postgres/postmaster.pid'))).toBe(false)
  })

  it('when the database of DATABASE_URL is not there', async () => {
    const stack = open(home, { DATABASE_URL: 'postgresql://nobody:secret@127.0.0.1:1/none' })

    expect(await stack.exit).toBe(1)
    expect(stack.errors()).toBe(
      'trainyard: the database cannot be reached (ECONNREFUSED): check DATABASE_URL, and that it runs\n',
    )
  })
})

function open(folder = home, environment: NodeJS.ProcessEnv = {}): RunningStack {
  const stack = start(folder, environment)
  stacks.push({ stack, home: folder })
  return stack
}

function get(url: string, apiKey: string): Promise<Response> {
  return fetch(url, { headers: { Authorization: `Bearer ${apiKey}` } })
}

function post(url: string, apiKey: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
}

async function isReady(baseUrl: string): Promise<boolean> {
  // Until it listens again, asking fails.
  return fetch(`${baseUrl}/readyz`).then(
    (response) => response.ok,
    () => false,
  )
}
