/** Everything the local stack reads from its environment, checked once. The services check their own variables. */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { StartError } from './start-error.ts'

export interface Settings {
  /** 0: any free port. */
  port: number
  host: string
  /** Absolute. */
  home: string
  /** Given: use this database and start none. */
  databaseUrl: string | null
  workerThreads: number
  /** 64 hex digits. Null: the one in the home folder. */
  keyPepper: string | null
  /** The environment as it came: services get all of it, changed where the stack decides. */
  environment: NodeJS.ProcessEnv
}

const PORT_DEFAULT = 3000
const THREADS_MAX = 1024

export function parseSettings(environment: NodeJS.ProcessEnv): Settings {
  return {
    port: parseWholeNumber(environment, 'PORT', 0, 65_535, PORT_DEFAULT),
    host: present(environment.HOST) ?? '127.0.0.1',
    home: resolve(present(environment.TRAINYARD_HOME) ?? '.trainyard'),
    databaseUrl: parseDatabaseUrl(present(environment.DATABASE_URL)),
    workerThreads: parseWholeNumber(
      environment,
      'TRAINYARD_WORKER_THREADS',
      1,
      THREADS_MAX,
      availableParallelism(),
    ),
    keyPepper: parsePepper(present(environment.TRAINYARD_KEY_PEPPER)),
    environment,
  }
}

function parseWholeNumber(
  environment: NodeJS.ProcessEnv,
  name: string,
  min: number,
  max: number,
  otherwise: number,
): number {
  const text = present(environment[name])
  if (text === undefined) return otherwise
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new StartError(`${name} must be a whole number from ${min} to ${max}, not ${text}`)
}

function parseDatabaseUrl(text: string | undefined): string | null {
  if (text === undefined) return null
  if (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text)) return text
  // Not repeated: it may hold a password.
  throw new StartError('DATABASE_URL must look like postgresql://user:password@host:5432/database')
}

function parsePepper(text: string | undefined): string | null {
  if (text === undefined) return null
  if (/^[0-9a-f]{64}$/i.test(text)) return text
  throw new StartError('TRAINYARD_KEY_PEPPER must be 64 hex digits: 32 random bytes')
}

/** Empty means unset, as compose files write it. */
function present(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text
}
