/** `bin/trainyard.mjs` in a made-up checkout, with a made-up npm: what it does before anything is installed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const BIN = fileURLToPath(new URL('../../packages/local/bin', import.meta.url))
const LOCK = {
  packages: {
    '': { name: 'trainyard' },
    'packages/local': { version: '0.1.0' },
    'node_modules/left': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/@trainyard/local': { resolved: 'packages/local', link: true },
    'node_modules/other-platform': { version: '2.0.0', integrity: 'sha512-b', optional: true },
  },
}

let checkout: string

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'trainyard-entry-test-'))
  cpSync(BIN, join(checkout, 'packages/local/bin'), { recursive: true })
  write('package-lock.json', JSON.stringify(LOCK))
  write(
    'packages/local/src/main.ts',
    `process.stdout.write(JSON.stringify({ args: process.argv.slice(2), colour: process.env.COLOUR,
       cache: process.env.NODE_COMPILE_CACHE, node: process.argv0 }))
     process.exit(Number(process.env.CODE ?? 0))`,
  )
  // Does what npm ci does as far as the entry script can tell.
  write(
    'npm/npm',
    `#!/bin/sh
     if [ "$1" = --version ]; then exit 0; fi
     echo "npm $1" >> ${checkout}/npm.log
     if [ -n "$NPM_FAILS" ]; then exit 7; fi
     mkdir -p node_modules/.bin node_modules/left node_modules/@trainyard/local
     ln -sf ${process.execPath} node_modules/.bin/node
     node -e '
       const fs = require("node:fs"), lock = JSON.parse(fs.readFileSync("package-lock.json", "utf8"))
       delete lock.packages[""]; delete lock.packages["node_modules/other-platform"]
       fs.writeFileSync("node_modules/.package-lock.json", JSON.stringify(lock))'`,
  )
  chmodSync(join(checkout, 'npm/npm'), 0o755)
})

afterEach(() => {
  rmSync(checkout, { recursive: true, force: true })
})

describe('the entry script', { timeout: 30_000 }, () => {
  it('installs when nothing is there, says why, and hands over arguments, environment and exit code', async () => {
    const { code, stdout, stderr } = await run(['start', '--x'], { COLOUR: 'red', CODE: '5' })

    expect(stderr).toContain('trainyard: dependencies are not installed: running npm ci\n')
    expect(code).toBe(5)
    expect(JSON.parse(stdout)).toMatchObject({
      args: ['start', '--x'],
      colour: 'red',
      cache: join(checkout, 'node_modules/.cache/compile'),
    })
  })

  it('installs once, whatever the times of the files say', async () => {
    await run(['help'])
    utimesSync(join(checkout, 'package-lock.json'), new Date(), new Date(Date.now() + 60_000))

    const second = await run(['help'])

    expect(second.stderr).toBe('')
    expect(npmCalls()).toEqual(['npm ci'])
  })

  it('installs again when the lock file names another version', async () => {
    await run(['help'])
    const lock = structuredClone(LOCK)
    lock.packages['node_modules/left'] = { version: '1.0.1', integrity: 'sha512-c' }
    write('package-lock.json', JSON.stringify(lock))

    const { stderr } = await run(['help'])

    expect(stderr).toContain('left is not the version in package-lock.json: running npm ci')
    expect(npmCalls()).toEqual(['npm ci', 'npm ci'])
  })

  it('installs again when a package was deleted', async () => {
    await run(['help'])
    rmSync(join(checkout, 'node_modules/left'), { recursive: true })

    const { stderr } = await run(['help'])

    expect(stderr).toContain('left is missing from node_modules')
  })

  it('ends with one line when npm fails', async () => {
    const { code, stdout, stderr } = await run(['start'], { NPM_FAILS: '1' })

    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/trainyard: npm ci failed with exit code 7\n$/)
  })

  it('finds the pinned Node that npm 10 has left without a link, and links it', async () => {
    await run(['help'])
    rmSync(join(checkout, 'node_modules/.bin/node'))
    const name = `${process.platform}-${process.arch}`
    mkdirSync(join(checkout, `node_modules/node-${name}/bin`), { recursive: true })
    symlinkSync(process.execPath, join(checkout, `node_modules/node-${name}/bin/node`))

    const { code } = await run(['help'])

    expect(code).toBe(0)
    const link = readlinkSync(join(checkout, 'node_modules/.bin/node'))
    expect(link).toBe(`../node-${name}/bin/node`)
  })

  it('takes its own Node where no pinned one fits, if it is new enough', async () => {
    await run(['help'])
    rmSync(join(checkout, 'node_modules/.bin/node'))

    const { code, stdout } = await run(['help'])

    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ args: ['help'] })
  })

  it('takes its own Node when the pinned one is for another platform', async () => {
    await run(['help'])
    rmSync(join(checkout, 'node_modules/.bin/node'))
    symlinkSync('/nowhere/bin/node', join(checkout, 'node_modules/.bin/node'))

    expect((await run(['help'])).code).toBe(0)
  })

  it('passes signals on and ends with the code of what it started', async () => {
    await run(['help'])
    write(
      'packages/local/src/main.ts',
      `process.on('SIGTERM', () => process.exit(9)); setInterval(() => {}, 1000); console.log('up')`,
    )
    const entry = start(['start'])
    await once(entry.stdout ?? entry, 'data')

    entry.kill('SIGTERM')

    expect(await once(entry, 'exit')).toEqual([9, null])
  })

  it('lets go of what it started when it is killed itself', async () => {
    await run(['help'])
    write(
      'packages/local/src/main.ts',
      `process.on('disconnect', () => { console.log('gone'); process.exit() }); console.log('up')`,
    )
    const entry = start(['start'])
    await once(entry.stdout ?? entry, 'data')

    entry.kill('SIGKILL')

    const [chunk] = await once(entry.stdout ?? entry, 'data')
    expect(String(chunk)).toBe('gone\n')
  })
})

function start(args: string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
  const { npm_execpath, NODE_COMPILE_CACHE, ...inherited } = process.env
  return spawn(process.execPath, [join(checkout, 'packages/local/bin/trainyard.mjs'), ...args], {
    env: { ...inherited, ...environment, PATH: `${checkout}/npm:${inherited.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function run(args: string[], environment: NodeJS.ProcessEnv = {}) {
  const child = start(args, environment)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

function write(path: string, content: string): void {
  const file = join(checkout, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

function npmCalls(): string[] {
  const log = join(checkout, 'npm.log')
  return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []
}
