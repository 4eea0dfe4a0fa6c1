/** The seam where Prisma's and Postgres' errors become ours; nobody above the store sees their classes. */
import { DomainError } from '@trainyard/domain'
import pg from 'pg'
import { Prisma } from './generated/client.ts'

/** Prisma codes of a database that does not answer, answers too late, or asks to try again. */
const UNAVAILABLE_PRISMA = ['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034', 'P2037']
/** SQLSTATE classes and codes of the same: connection, shutdown, too many clients, locks, cancelled statements, restarts. */
const UNAVAILABLE_SQLSTATE = /^(08|57|53300|55P03|40001|40P01|25P03)/
const STORAGE_FULL_SQLSTATE = /^(53100|53200|58030)/
/** Kinds of the driver adapter, which Prisma passes on as they are when it is a BEGIN, COMMIT or ROLLBACK that fails. */
const UNAVAILABLE_KIND = /^(ConnectionClosed|DatabaseNotReachable|SocketTimeout)$/
const UNAVAILABLE_MESSAGE =
  /ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|connection (timeout|terminated|error)|terminat|timeout exceeded|not queryable|read timeout|closed the connection|starting up|shutting down|Can't reach/i

/** Runs a store's operation and translates what it throws. */
export async function translateErrors<Result>(operation: () => Promise<Result>): Promise<Result> {
  try {
    return await operation()
  } catch (error) {
    throw toDomainError(error)
  }
}

export function toDomainError(error: unknown): unknown {
  if (error instanceof DomainError) return error
  const sqlState = sqlStateOf(error)
  if (sqlState !== null && STORAGE_FULL_SQLSTATE.test(sqlState)) {
    return new DomainError('storage_full', {}, { cause: error })
  }
  if (
    (sqlState !== null && UNAVAILABLE_SQLSTATE.test(sqlState)) ||
    (error instanceof Prisma.PrismaClientKnownRequestError &&
      UNAVAILABLE_PRISMA.includes(error.code)) ||
    error instanceof Prisma.PrismaClientInitializationError ||
    UNAVAILABLE_KIND.test(kindOf(error)) ||
    (error instanceof Error && UNAVAILABLE_MESSAGE.test(`${error.message} ${codeOf(error)}`))
  ) {
    return new DomainError('unavailable', {}, { cause: error })
  }
  return error
}

/** Of several addresses that all refused, the message says nothing and the code does. */
function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : ''
}

function kindOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause as { kind?: unknown } | undefined) : undefined
  return typeof cause?.kind === 'string' ? cause.kind : ''
}

/** The SQLSTATE that `pg` says itself, or that the driver adapter keeps in the error's metadata or cause; or null. */
function sqlStateOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  if (error instanceof pg.DatabaseError) return error.code ?? null
  if (error instanceof Prisma.PrismaClientKnownRequestError) {
    const meta = error.meta as
      | { code?: unknown; driverAdapterError?: { cause?: { originalCode?: unknown } } }
      | undefined
    const code = meta?.driverAdapterError?.cause?.originalCode ?? meta?.code
    if (typeof code === 'string') return code
  }
  const cause = error.cause as { originalCode?: unknown } | undefined
  return typeof cause?.originalCode === 'string' ? cause.originalCode : null
}
