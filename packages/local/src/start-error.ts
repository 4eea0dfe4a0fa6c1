/** What went wrong, in one line that says what to do. The terminal shows the line alone, without a stack. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

/** `error` as one line for a person, or null when it is none that a person can act on (then it is our bug). */
export function toStartError(error: unknown): StartError | null {
  if (error instanceof StartError) return error
  if (!(error instanceof Error)) return null
  const { code, path } = error as NodeJS.ErrnoException
  const where = path === undefined ? '' : ` (${path})`
  switch (code) {
    case 'ENOSPC':
    case 'storage_full':
      return diskFull(where)
    case 'EDQUOT':
      return new StartError(`the disk quota is used up${where}: free some space and start again`)
    case 'EACCES':
    case 'EPERM':
      return new StartError(
        `no permission${where}: start as the owner, or choose another folder with TRAINYARD_HOME`,
      )
    case 'EROFS':
      return new StartError(`the file system is read-only${where}: choose another TRAINYARD_HOME`)
    case 'ENOTDIR':
    case 'ELOOP':
      return new StartError(`not a folder${where}: choose another folder with TRAINYARD_HOME`)
    default:
      return isDiskFullText(error.message) ? diskFull(where) : null
  }
}

export function diskFull(where = ''): StartError {
  return new StartError(`the disk is full${where}: free some space and start again`)
}

/** Programs that only report in words: Postgres, initdb, SQLite, and the database's own SQLSTATE 53100. */
export function isDiskFullText(text: string): boolean {
  return /no space left on device|disk full|database or disk is full|53100/i.test(text)
}
