/**
 * Applies `prisma/migrations` as `prisma migrate deploy` does, with Prisma's own engine compiled to WebAssembly: the
 * command-line tool would download a native engine first, which a closed network does not allow. It fills the same
 * `_prisma_migrations` table, so the ordinary tool works on the same database.
 */
import { readdir, readFile } from 'node:fs/promises'
import pg from 'pg'
import { openSchemaEngine, PRISMA_FOLDER } from './schema-engine.ts'

const MIGRATIONS_FOLDER = `${PRISMA_FOLDER}migrations`
/** Spells "TRAI": one migration at a time, whoever starts first. */
const MIGRATION_LOCK_KEY = 0x54524149

/** A database that a newer version of Trainyard has migrated: this version must not touch it. */
export class NewerSchemaError extends Error {
  override readonly name = 'NewerSchemaError'
}

/**
 * Brings the database up to the newest migration. Safe to call from several processes at once. Throws
 * `NewerSchemaError` when the database holds a migration this version does not know.
 */
export async function migrate(connectionString: string): Promise<{ applied: string[] }> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 })
  // A connection that breaks fails the query under way, which says it better.
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK_KEY])
    const known = await migrationNames()
    const done = await appliedMigrations(client)
    const unknown = [...done].filter((name) => !known.includes(name))
    if (unknown.length > 0) {
      throw new NewerSchemaError(
        `the database was migrated by a newer version (${unknown.join(', ')}); start that version, or use another database`,
      )
    }
    // The engine costs 300 ms to load: a start with nothing to apply does without it.
    if (known.every((name) => done.has(name))) return { applied: [] }
    return { applied: await applyMigrations(connectionString, known) }
  } finally {
    await client.end()
  }
}

async function migrationNames(): Promise<string[]> {
  const entries = await readdir(MIGRATIONS_FOLDER, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
}

async function appliedMigrations(client: pg.Client): Promise<Set<string>> {
  const table = await client.query(`SELECT to_regclass('_prisma_migrations') AS name`)
  if (table.rows[0].name === null) return new Set()
  const rows = await client.query<{ migration_name: string }>(
    'SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  )
  return new Set(rows.rows.map((row) => row.migration_name))
}

/**
 * All or nothing: one connection in one transaction, so that a process killed in the middle leaves no half of a migration,
 * nor the record of a failed one that would stop every later start.
 */
async function applyMigrations(connectionString: string, names: string[]): Promise<string[]> {
  const pool = new pg.Pool({
    connectionString,
    max: 1,
    idleTimeoutMillis: 0,
    onConnect: async (client) => {
      await client.query('BEGIN')
    },
  })
  pool.on('error', () => undefined)
  const engine = await openSchemaEngine(pool)
  try {
    const result = await engine.applyMigrations({
      migrationsList: {
        baseDir: MIGRATIONS_FOLDER,
        lockfile: {
          path: 'migration_lock.toml',
          content: await readFile(`${MIGRATIONS_FOLDER}/migration_lock.toml`, 'utf8'),
        },
        shadowDbInitScript: '',
        migrationDirectories: await Promise.all(
          names.map(async (name) => ({
            path: name,
            migrationFile: {
              path: 'migration.sql',
              content: {
                tag: 'ok' as const,
                value: await readFile(`${MIGRATIONS_FOLDER}/${name}/migration.sql`, 'utf8'),
              },
            },
          })),
        ),
      },
      filters: { externalTables: [], externalEnums: [] },
    })
    await pool.query('COMMIT')
    return result.appliedMigrationNames
  } finally {
    engine.free()
    await pool.end()
  }
}
