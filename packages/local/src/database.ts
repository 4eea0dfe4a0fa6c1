import { type Database, NewerSchemaError, openDatabase } from '@trainyard/store'
import { toStartError } from './start-error.ts'

/** One connection for administration. Its faults outside a query need no report: the next query fails with them. */
export function openKeysDatabase(connectionString: string): Database {
  return openDatabase({
    connectionString,
    applicationName: 'trainyard-local',
    connectionsMax: 1,
    onError: () => undefined,
  })
}

/** What went wrong with the database, in one line that holds no password. */
export function toDatabaseComplaint(error: unknown): string {
  if (error instanceof NewerSchemaError) return error.message
  const known = toStartError(error)
  if (known !== null) return known.message
  const { code, message } = rootOf(error)
  switch (code) {
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'ENOTFOUND':
    case 'EHOSTUNREACH':
    case 'ETIMEDOUT':
      return `the database cannot be reached (${code}): check DATABASE_URL, and that it runs`
    case '28P01':
    case '28000':
      return 'the database refused user or password: check DATABASE_URL'
    case '3D000':
      return 'the database named in DATABASE_URL does not exist: create it first'
    default:
      return `the database could not be prepared: ${message.split('\n')[0] ?? ''}`
  }
}

/** The driver's own error: connection faults come as several in one, and queries wrap them. */
function rootOf(error: unknown): { code: string | undefined; message: string } {
  let current = error
  while (current instanceof Error) {
    const inner: unknown = current instanceof AggregateError ? current.errors[0] : current.cause
    if (!(inner instanceof Error)) break
    current = inner
  }
  if (!(current instanceof Error)) return { code: undefined, message: String(current) }
  return { code: (current as NodeJS.ErrnoException).code, message: current.message }
}
