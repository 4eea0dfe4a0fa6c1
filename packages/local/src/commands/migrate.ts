import { parseSettings } from '../settings.ts'
import { StartError } from '../start-error.ts'

export async function migrate(): Promise<number> {
  const { databaseUrl } = parseSettings(process.env)
  if (databaseUrl === null) throw new StartError('migrate needs DATABASE_URL')
  const { migrate: migrateDatabase } = await import('@trainyard/store')
  const { toDatabaseComplaint } = await import('../database.ts')
  try {
    const { applied } = await migrateDatabase(databaseUrl)
    process.stdout.write(
      applied.length === 0
        ? 'nothing to apply\n'
        : applied.map((name) => `applied ${name}\n`).join(''),
    )
    return 0
  } catch (error) {
    throw new StartError(toDatabaseComplaint(error), { cause: error })
  }
}
