import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findFreePort } from '../../packages/local/src/free-port.ts'
import { waitFor } from './wait-for.ts'

export interface TestRedis {
  url: string
  port: number
  /** To its process, as SIGSTOP freezes it. */
  signal(signal: NodeJS.Signals): void
  kill(): Promise<void>
  /** On the same port and folder: empty, but for what an append-only file has kept. */
  start(settings?: readonly string[]): Promise<void>
  stop(): Promise<void>
}

const IN_MEMORY = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction']

/** A Redis of one test file's own: only that file may empty it. */
export async function startRedis(settings: readonly string[] = IN_MEMORY): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-redis-'))
  const port = await findFreePort('127.0.0.1', 0)
  let server: ChildProcess

  const start = async (given: readonly string[] = settings): Promise<void> => {
    server = spawn(
      'redis-server',
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...given],
      { stdio: 'ignore' },
    )
    const client = new Redis({
      port,
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    })
    client.on('error', () => undefined)
    await waitFor('redis-server answers', async () => {
      await client.connect().catch(() => undefined)
      return (await client.ping().catch(() => '')) === 'PONG'
    })
    client.disconnect()
  }
  const kill = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    server.kill('SIGKILL')
    await exited
  }

  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    signal: (signal) => void server.kill(signal),
    kill,
    start,
    async stop() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export function hasRedisServer(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
