/**
 * The data folder of one stack. One process at a time holds it; a folder that a newer version has written is left alone.
 *
 *   version  lock  pepper  credentials.json  postgres/  postgres.json  logs/  scratch/
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { takeExclusiveLock } from './exclusive-lock.ts'
import { StartError } from './start-error.ts'

export interface Home {
  path: string
  /** Made if absent. */
  folder(...names: string[]): string
  file(name: string): string
  release(): void
}

export const HOME_VERSION = 1
const PEPPER_BYTES = 32
const LOCK_FILE = 'lock'

/** Takes the folder for this process, made first if absent. Null while another process holds it. */
export function openHome(path: string): Home | null {
  mkdirSync(path, { recursive: true, mode: 0o755 })
  // Before the lock: the layout of a newer version, its lock included, is not ours to know.
  refuseNewer(path)
  const lock = takeExclusiveLock(join(path, LOCK_FILE))
  if (lock === null) return null
  try {
    if (!existsSync(join(path, 'version'))) writeWhole(join(path, 'version'), `${HOME_VERSION}\n`)
    return {
      path,
      folder: (...names) => {
        const folder = join(path, ...names)
        mkdirSync(folder, { recursive: true })
        return folder
      },
      file: (name) => join(path, name),
      release: () => lock.release(),
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** Writes a file so that it is there whole or not at all, readable by its owner alone. */
export function writeWhole(path: string, content: string): void {
  const unfinished = `${path}.new`
  rmSync(unfinished, { force: true })
  writeFileSync(unfinished, content, { mode: 0o600, flush: true })
  renameSync(unfinished, path)
}

function refuseNewer(path: string): void {
  const file = join(path, 'version')
  if (!existsSync(file)) return
  const text = readFileSync(file, 'utf8').trim()
  const version = Number(text)
  if (Number.isInteger(version) && version >= 1 && version <= HOME_VERSION) return
  throw new StartError(
    `${path} was written by a newer version of Trainyard (its format is ${text || 'unknown'}, this one reads ` +
      `${HOME_VERSION}): start that version, or choose another folder with TRAINYARD_HOME`,
  )
}

/** 32 random bytes as hex, made at the first call: API keys are hashed under it, so that the database alone gives none away. */
export function readPepper(home: string): string {
  const file = join(home, 'pepper')
  if (!existsSync(file)) writeWhole(file, `${randomBytes(PEPPER_BYTES).toString('hex')}\n`)
  const pepper = readFileSync(file, 'utf8').trim()
  if (/^[0-9a-f]{64}$/.test(pepper)) return pepper
  throw new StartError(`${file} is damaged: restore it, or delete it and make new keys`)
}
