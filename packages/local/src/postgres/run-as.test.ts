import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { choosePostgresUser } from './run-as.ts'

const isRoot = process.getuid?.() === 0
let folder: string
let program: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trainyard-run-as-test-'))
  program = join(folder, 'test')
  copyFileSync('/usr/bin/test', program)
  chmodSync(program, 0o755)
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('choosePostgresUser', () => {
  it.skipIf(isRoot)('stays a user who is not root', () => {
    const user = choosePostgresUser(program, folder, join(folder, 'data'))

    expect(user.command(program, ['-e', '/'])).toEqual({
      file: program,
      args: ['-e', '/'],
      options: {},
    })
  })

  it.runIf(isRoot)('drops root where every user may enter', () => {
    chmodSync(folder, 0o755)
    const user = choosePostgresUser(program, folder, join(folder, 'data'))

    const { file, options } = user.command(program, [])

    expect(file).toBe(program)
    expect(options.uid).toBeGreaterThan(0)
  })

  it.runIf(isRoot)('lets another user into a folder that is closed to all but root', () => {
    chmodSync(folder, 0o700)
    const secret = join(folder, 'secret')
    writeFileSync(secret, '', { mode: 0o600 })
    const user = choosePostgresUser(program, folder, join(folder, 'data'))

    // -O: the file belongs to the effective user. -r asks as access(2) does.
    expect(run(user.command(program, ['-r', secret]))).toBe(0)
    expect(run(user.command(program, ['-O', secret]))).toBe(1)
    user.own(secret)
    expect(run(user.command(program, ['-O', secret]))).toBe(0)
  })

  it.runIf(isRoot)('works as the owner of data that is there', () => {
    chmodSync(folder, 0o755)
    spawnSync('chown', ['4242:4343', folder])

    const user = choosePostgresUser(program, tmpdir(), folder)

    expect(user.command(program, []).options).toEqual({ uid: 4242, gid: 4343 })
    writeFileSync(join(folder, 'file'), '')
    user.own(join(folder, 'file'))
    expect(statSync(join(folder, 'file')).uid).toBe(4242)
  })
})

function run({ file, args, options }: { file: string; args: string[]; options: object }) {
  return spawnSync(file, args, options).status
}
