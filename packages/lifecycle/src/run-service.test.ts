import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../../test/support/wait-for.ts'

const SERVICE = fileURLToPath(new URL('service.fixture.ts', import.meta.url))
/** Signals within this count as one. */
const REPEAT_MS = 1000

const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

describe('the end', () => {
  it('closes in reverse order and exits with 0 at SIGTERM', async () => {
    const service = await start()

    service.kill('SIGTERM')

    expect(await service.exitCode).toBe(0)
    expect(service.closed()).toEqual(['c', 'b', 'a'])
  })

  it('closes everything else when one closer throws, tells which, and exits with 1', async () => {
    const service = await start({ CLOSERS: 'a,b!,c' })

    service.kill('SIGINT')

    expect(await service.exitCode).toBe(1)
    expect(service.closed()).toEqual(['c', 'a'])
    expect(service.logged('closing has failed')).toMatchObject({
      closer: 'b!',
      err: { message: 'b! does not close' },
    })
  })

  it('comes when the channel to the supervisor ends', async () => {
    const service = await start({}, { hasSupervisor: true })

    service.child.disconnect()

    expect(await service.exitCode).toBe(0)
    expect(service.closed()).toEqual(['c', 'b', 'a'])
  })

  it('comes at the deadline when a closer does not end, and the log names what is open', async () => {
    const service = await start({ CLOSERS: 'a,b~,c', DRAIN_SECONDS: '0.2' })

    service.kill('SIGTERM')

    expect(await service.exitCode).toBe(0)
    expect(service.closed()).toEqual(['c'])
    expect(service.logged('not closed in time')).toMatchObject({ open: ['b~', 'a'] })
  })

  it.each(['throw_later', 'reject_later'])(
    'comes at once with 1 after an unhandled error (%s)',
    async (then) => {
      const service = await start({ THEN: then })

      expect(await service.exitCode).toBe(1)
      expect(service.logged('unhandled error')).toMatchObject({ level: 60 })
    },
  )
})

describe('a second signal', () => {
  it('counts as the first one within a second', async () => {
    const service = await start({ CLOSERS: 'a,b?' })
    service.kill('SIGTERM')
    await service.said('closing b?')

    service.kill('SIGINT')
    await service.said('heard SIGINT')
    service.go()

    expect(await service.exitCode).toBe(0)
    expect(service.closed()).toEqual(['b?', 'a'])
  })

  it('ends the process at once with 1 when it comes later', async () => {
    const service = await start({ CLOSERS: 'a,b?' })
    const firstMs = performance.now()

    // Those within a second change nothing.
    await waitFor('the exit', () => {
      service.kill('SIGTERM')
      return service.child.exitCode !== null
    })

    expect(await service.exitCode).toBe(1)
    expect(performance.now() - firstMs).toBeGreaterThan(REPEAT_MS)
    expect(service.closed()).toEqual([])
  })

  it('is not what the end of the supervisor counts as', async () => {
    const service = await start({ CLOSERS: 'a,b?' }, { hasSupervisor: true })
    service.kill('SIGTERM')
    await service.said('later')

    service.child.disconnect()
    await service.said('heard disconnect')
    service.go()

    expect(await service.exitCode).toBe(0)
    expect(service.closed()).toEqual(['b?', 'a'])
  })
})

describe('the start', () => {
  it('exits with 78 and every fault when the environment is not usable, and opens nothing', async () => {
    const service = spawnService({ DRAIN_SECONDS: 'soon', THEN: 'wait', TOKEN: 'x' })

    expect(await service.exitCode).toBe(78)
    expect(service.output()).not.toContain('opened')
    for (const name of ['DRAIN_SECONDS', 'THEN', 'TOKEN']) {
      expect(service.errors()).toContain(`at ${name}`)
    }
  })

  it('exits with 1 when it fails, after closing what was opened', async () => {
    const service = spawnService({ CLOSERS: 'a,b', THEN: 'throw' })

    expect(await service.exitCode).toBe(1)
    expect(service.closed()).toEqual(['b', 'a'])
    expect(service.logged('could not start')).toMatchObject({ err: { message: 'no such host' } })
  })

  it('that goes on while it is told to stop leaves nothing open', async () => {
    const service = spawnService({ CLOSERS: 'a,b', THEN: 'open_while_stopping' })
    await service.said('opening')

    service.kill('SIGTERM')

    expect(await service.exitCode).toBe(0)
    expect(service.closed()).toEqual(['b', 'a', 'late'])
  })

  it('may fail because it is stopped without cutting off the closers', async () => {
    const service = spawnService({ CLOSERS: 'a,b?', THEN: 'throw_while_stopping' })
    await service.said('opening')

    service.kill('SIGTERM')
    await service.said('later')
    await service.said('could not start')
    service.go()

    expect(await service.exitCode).toBe(0)
    expect(service.closed()).toEqual(['b?', 'a'])
  })
})

async function start(
  environment: Record<string, string> = {},
  options: { hasSupervisor?: boolean } = {},
) {
  const service = spawnService(environment, options)
  await service.said('"msg":"started"')
  return service
}

function spawnService(
  environment: Record<string, string>,
  { hasSupervisor = false }: { hasSupervisor?: boolean } = {},
) {
  const child = spawn(process.execPath, [SERVICE], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: hasSupervisor ? ['pipe', 'pipe', 'pipe', 'ipc'] : ['pipe', 'pipe', 'pipe'],
  })
  children.push(child)
  let output = ''
  let errors = ''
  child.stdout?.on('data', (text: Buffer) => {
    output += text
  })
  child.stderr?.on('data', (text: Buffer) => {
    errors += text
  })
  const lines = () => output.split('\n')
  // The last lines may still be in the pipe at `exit`, and `close` does not come after a disconnect.
  const ends = [child.stdout, child.stderr].map((stream) => stream && once(stream, 'end'))
  const exited = Promise.all([once(child, 'exit'), ...ends]).then(([[code]]) => code as number)
  return {
    child,
    exitCode: exited,
    output: () => output,
    errors: () => errors,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    /** Lets a closer that waits for a line go on. */
    go: () => child.stdin?.write('go\n'),
    said: (text: string) =>
      waitFor(`the service says "${text}", not only: ${errors}`, () => output.includes(text)),
    closed: () =>
      lines()
        .filter((line) => line.startsWith('closed '))
        .map((line) => line.slice('closed '.length)),
    logged(message: string): unknown {
      const line = lines().find((text) => text.includes(`"msg":"${message}"`))
      return line === undefined ? undefined : JSON.parse(line)
    },
  }
}
