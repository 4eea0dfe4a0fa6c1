/**
 * Writes the SQL of the next migration: what turns the schema of the last commit into `prisma/schema.prisma` as it is.
 * Usage: DATABASE_URL=<any Postgres> node packages/store/new-migration.ts <name>
 */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import pg from 'pg'
import { openSchemaEngine, PRISMA_FOLDER, SCHEMA_PATH } from './src/schema-engine.ts'

const connectionString = process.env.DATABASE_URL
const name = process.argv[2]
if (connectionString === undefined || name === undefined || !/^[a-z0-9_]+$/.test(name)) {
  console.error('usage: DATABASE_URL=<any Postgres> node packages/store/new-migration.ts <name>')
  process.exit(2)
}

const engine = await openSchemaEngine(new pg.Pool({ connectionString }))
const difference = await engine.diff({
  from: schemaOfLastCommit(),
  to: toTarget(await readFile(SCHEMA_PATH, 'utf8')),
  script: true,
  exitCode: null,
  filters: { externalTables: [], externalEnums: [] },
})
const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14)
const folder = `${PRISMA_FOLDER}migrations/${stamp}_${name}`
await mkdir(folder, { recursive: true })
await writeFile(`${folder}/migration.sql`, difference.stdout ?? '')
console.log(`wrote ${folder}/migration.sql`)
process.exit(0)

function schemaOfLastCommit() {
  try {
    return toTarget(
      execFileSync('git', ['show', 'HEAD:./schema.prisma'], {
        cwd: PRISMA_FOLDER,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    )
  } catch {
    // No commit holds a schema yet: this is the first migration.
    return { tag: 'empty' as const }
  }
}

function toTarget(content: string) {
  return { tag: 'schemaDatamodel' as const, files: [{ path: SCHEMA_PATH, content }] }
}
