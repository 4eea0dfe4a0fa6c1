/** `keys create` and `keys list`: on the database of DATABASE_URL, else on that of the home folder, running or not. */
import { parseArgs } from 'node:util'
import { createKeys, migrate } from '@trainyard/store'
import { openKeysDatabase, toDatabaseComplaint } from '../database.ts'
import { openHome, readPepper } from '../home.ts'
import { createKey, DEFAULT_PROJECT, type Keys } from '../keys.ts'
import { startEmbeddedPostgres } from '../postgres/embedded-postgres.ts'
import { readPostgresAccess, toConnectionString } from '../postgres/initialise.ts'
import { sayToPerson } from '../say.ts'
import { parseSettings, type Settings } from '../settings.ts'
import { StartError } from '../start-error.ts'
import { listenForStop } from '../stop-signals.ts'

const EXPIRES_DAYS_DEFAULT = 90
const EXPIRES_DAYS_MAX = 36_500
const DAY_MS = 86_400_000
const POSTGRES_STOP_TIMEOUT_MS = 5000

export async function keys([action, ...args]: string[]): Promise<number> {
  const settings = parseSettings(process.env)
  switch (action) {
    case 'create': {
      const options = parseCreateOptions(args)
      await withDatabase(settings, (store) => create(store, settings, options))
      return 0
    }
    case 'list':
      await withDatabase(settings, list)
      return 0
    default:
      throw new StartError('usage: keys create --name <name> [--project <project>] | keys list')
  }
}

interface CreateOptions {
  name: string
  projectName: string
  expiresAt: Date | null
}

function parseCreateOptions(args: string[]): CreateOptions {
  const { values } = parse(args)
  const name = values.name?.trim() ?? ''
  const projectName = values.project?.trim() ?? DEFAULT_PROJECT
  if (name === '') throw new StartError('keys create needs --name')
  if (projectName === '') throw new StartError('--project must not be empty')
  const days = Number(values['expires-days'] ?? EXPIRES_DAYS_DEFAULT)
  if (!Number.isInteger(days) || days < 0 || days > EXPIRES_DAYS_MAX) {
    throw new StartError(
      `--expires-days must be a whole number up to ${EXPIRES_DAYS_MAX}; 0 is never`,
    )
  }
  return { name, projectName, expiresAt: days === 0 ? null : new Date(Date.now() + days * DAY_MS) }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        name: { type: 'string' },
        project: { type: 'string' },
        'expires-days': { type: 'string' },
      },
    })
  } catch (error) {
    throw new StartError(`keys create: ${(error as Error).message}`)
  }
}

async function create(store: Keys, settings: Settings, options: CreateOptions): Promise<void> {
  const pepper = settings.keyPepper ?? readPepper(settings.home)
  const text = await createKey(store, pepper, options)
  const end =
    options.expiresAt === null ? 'never expires' : `expires ${options.expiresAt.toISOString()}`
  sayToPerson(
    `key ${options.name} of project ${options.projectName}, ${end}; it is shown this once`,
  )
  process.stdout.write(`${text}\n`)
}

async function list(store: Keys): Promise<void> {
  for (const key of await store.list()) {
    const state = key.revokedAt !== null ? 'revoked' : stateByTime(key.expiresAt)
    process.stdout.write(`${key.id}  ${key.projectName}  ${key.name}  ${state}\n`)
  }
}

function stateByTime(expiresAt: Date | null): string {
  if (expiresAt === null) return 'never expires'
  const isOver = expiresAt.getTime() <= Date.now()
  return `${isOver ? 'expired' : 'expires'} ${expiresAt.toISOString()}`
}

async function withDatabase(
  settings: Settings,
  work: (store: Keys) => Promise<void>,
): Promise<void> {
  const { connectionString, close } = await openConnection(settings)
  try {
    await migrate(connectionString)
    const database = openKeysDatabase(connectionString)
    await work(createKeys(database)).finally(() => database.$disconnect())
  } catch (error) {
    throw new StartError(toDatabaseComplaint(error), { cause: error })
  } finally {
    await close()
  }
}

async function openConnection(
  settings: Settings,
): Promise<{ connectionString: string; close: () => Promise<void> }> {
  if (settings.databaseUrl !== null) {
    return { connectionString: settings.databaseUrl, close: async () => undefined }
  }
  const home = openHome(settings.home)
  if (home === null) {
    // A stack is running here, and its Postgres with it.
    const connectionString = toConnectionString(readPostgresAccess(settings.home))
    return { connectionString, close: async () => undefined }
  }
  const postgres = await startEmbeddedPostgres(home, sayToPerson, listenForStop().first)
  return {
    connectionString: postgres.connectionString,
    close: async () => {
      await postgres.stop(POSTGRES_STOP_TIMEOUT_MS)
      home.release()
    },
  }
}
