/**
 * A lock between processes that its holder cannot leave behind: it is the kernel's lock on an SQLite file, and goes when
 * the process does, by whatever end. Files that hold a pid need a guess about pids that were used again.
 */
import { DatabaseSync } from 'node:sqlite'
import { StartError } from './start-error.ts'

export interface ExclusiveLock {
  release(): void
}

const SQLITE_BUSY = 5
const SQLITE_READONLY = 8
const SQLITE_CANTOPEN = 14

/** Null when another process holds the lock for longer than `waitMs`. */
export function takeExclusiveLock(path: string, waitMs = 0): ExclusiveLock | null {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: waitMs })
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    switch (primaryCode(error)) {
      case SQLITE_BUSY:
        return null
      case SQLITE_READONLY:
      case SQLITE_CANTOPEN:
        throw new StartError(`no permission to write ${path}: start as the owner of its folder`)
      default:
        throw error
    }
  }
  return { release: () => database.close() }
}

/** SQLite's result code without the details in its upper bits. */
function primaryCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined
  return typeof code === 'number' ? code & 0xff : undefined
}
