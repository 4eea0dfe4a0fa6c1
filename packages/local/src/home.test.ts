import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openHome, readPepper, writeWhole } from './home.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trainyard-home-test-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('openHome', () => {
  it('gives the folder to one holder until that lets go', () => {
    const first = openHome(folder)

    expect(first).not.toBeNull()
    expect(openHome(folder)).toBeNull()
    first?.release()
    const second = openHome(folder)
    expect(second).not.toBeNull()
    second?.release()
  })

  it.each(['2\n', '10', 'banana', ''])('leaves a folder of version %j alone', (version) => {
    writeFileSync(join(folder, 'version'), version)

    expect(() => openHome(folder)).toThrow(/was written by a newer version/)
    expect(readFileSync(join(folder, 'version'), 'utf8')).toBe(version)
  })
})

describe('readPepper', () => {
  it('makes 32 random bytes once, for the owner alone', () => {
    const pepper = readPepper(folder)

    expect(pepper).toMatch(/^[0-9a-f]{64}$/)
    expect(readPepper(folder)).toBe(pepper)
    expect(statSync(join(folder, 'pepper')).mode & 0o777).toBe(0o600)
  })

  it('refuses a damaged one, under which no key would open any more', () => {
    writeFileSync(join(folder, 'pepper'), 'short')

    expect(() => readPepper(folder)).toThrow(/is damaged/)
  })
})

describe('writeWhole', () => {
  it('replaces a file and its mode', () => {
    const file = join(folder, 'file')
    writeFileSync(file, 'old', { mode: 0o644 })

    writeWhole(file, 'new')

    expect(readFileSync(file, 'utf8')).toBe('new')
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })
})
