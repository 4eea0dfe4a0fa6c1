/** A whole stack as separate processes on a database, and a queue, of its own: what tests may kill. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findFreePort } from '../../packages/local/src/free-port.ts'
import { createKey } from '../../packages/local/src/keys.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { openTestStores, type TestStores } from './factories.ts'
import type { TestQueue } from './queues.ts'
import { startRedis, type TestRedis } from './redis.ts'
import { waitFor } from './wait-for.ts'

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url))
const START_MS = 60_000
const STOP_MS = 10_000

export type ServiceName = 'api' | 'scheduler' | 'worker'

export interface TestProcess {
  service: ServiceName
  pid: number
  /** Resolves at the end to the exit code, null after a kill. */
  exited: Promise<number | null>
  /** Sends the signal and waits for the end; resolves to the exit code, null after a kill. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

export interface TestStack {
  baseUrl: string
  apiKey: string
  databaseUrl: string
  stores: TestStores
  /** Null when the queue is on Postgres. */
  redis: TestRedis | null
  /** One more process of the service, with more in its environment than the others have. */
  start(service: ServiceName, environment?: Record<string, string>): Promise<TestProcess>
  /** The first process of the service. */
  process(service: ServiceName): TestProcess
  /** A key of another project. */
  createKey(projectName: string): Promise<string>
  /** What the service has logged so far. */
  log(service: ServiceName): Promise<string>
  stop(): Promise<void>
}

export async function startStack(options: {
  queue: TestQueue
  threads?: number
  environment?: Record<string, string>
  /** Dropped at the end. Default: a new one of the test run's Postgres. */
  database?: TestDatabase
  /** Stopped at the end. Default: a new one when the queue is on Redis. */
  redis?: TestRedis
  /** What the services connect to instead: proxies in front of the servers. */
  through?: { databaseUrl: string; redisUrl: string | null }
}): Promise<TestStack> {
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-stack-'))
  const database = options.database ?? (await createTestDatabase())
  const redis = options.queue === 'redis' ? (options.redis ?? (await startRedis())) : null
  const { databaseUrl, redisUrl } = options.through ?? {
    databaseUrl: database.url,
    redisUrl: redis?.url ?? null,
  }
  // What is proxied is to be broken.
  const onError = options.through === undefined ? console.error : () => undefined
  const stores = openTestStores(database.url, { onError })
  const pepper = randomBytes(32).toString('hex')
  const port = await findFreePort('127.0.0.1', 0)
  const baseUrl = `http://127.0.0.1:${port}`
  const makeKey = (projectName: string) =>
    createKey(stores.keys, pepper, { name: 'test', projectName, expiresAt: null })
  const apiKey = await makeKey('default')
  const running = new Set<ChildProcess>()

  const start = async (
    service: ServiceName,
    environment: Record<string, string> = {},
  ): Promise<TestProcess> => {
    const child = spawn(process.execPath, [`services/${service}/src/main.ts`], {
      cwd: CHECKOUT,
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: join(CHECKOUT, 'node_modules/.cache/node-compile-cache'),
        DATABASE_URL: databaseUrl,
        ...(redisUrl === null ? {} : { REDIS_URL: redisUrl }),
        HOST: '127.0.0.1',
        PORT: String(port),
        TRAINYARD_KEY_PEPPER: pepper,
        TRAINYARD_SCRATCH_DIR: join(folder, `${service}-${running.size}`),
        TRAINYARD_WORKER_THREADS: String(options.threads ?? 2),
        ...options.environment,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.add(child)
    const log = createWriteStream(join(folder, `${service}.log`), { flags: 'a' })
    let isStarted = false
    child.stdout.on('data', (text: Buffer) => {
      log.write(text)
      isStarted ||= text.includes('"msg":"started"')
    })
    child.stderr.on('data', (text: Buffer) => log.write(text))
    const exited = new Promise<number | null>((resolve) => {
      child.once('exit', (code) => {
        running.delete(child)
        resolve(code)
      })
    })
    const hasEnded = () => child.exitCode !== null || child.signalCode !== null
    await waitFor(`${service} has started`, () => isStarted || hasEnded(), START_MS)
    // One that is armed may come to its place before it has said that it started.
    const isEndedAsArmed = 'TRAINYARD_FAILPOINTS' in environment && child.signalCode === 'SIGKILL'
    if (!isStarted && !isEndedAsArmed) {
      const text = await readFile(join(folder, `${service}.log`), 'utf8')
      throw new Error(`${service} has ended with ${child.exitCode ?? child.signalCode}: ${text}`)
    }
    return {
      service,
      pid: child.pid ?? 0,
      exited,
      async end(signal) {
        child.kill(signal)
        return await exited
      },
    }
  }

  const starts = [start('api'), start('scheduler'), start('worker')] as const
  const [api, scheduler, worker] = await Promise.all(starts).catch(async (error: unknown) => {
    // The others are waited for first: one that has not been spawned yet could not be killed.
    await Promise.allSettled(starts)
    for (const child of running) child.kill('SIGKILL')
    throw error
  })
  const first = { api, scheduler, worker }

  return {
    baseUrl,
    apiKey,
    databaseUrl: database.url,
    stores,
    redis,
    start,
    process: (service) => first[service],
    createKey: makeKey,
    log: (service) => readFile(join(folder, `${service}.log`), 'utf8'),
    async stop() {
      const children = [...running]
      const exits = children.map((child) => new Promise((resolve) => child.once('exit', resolve)))
      for (const child of children) child.kill('SIGTERM')
      const killing = setTimeout(() => {
        for (const child of children) child.kill('SIGKILL')
      }, STOP_MS)
      await Promise.all(exits)
      clearTimeout(killing)
      await stores.close()
      await redis?.stop()
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
