import { once } from 'node:events'
import { createKeys, migrate } from '@trainyard/store'
import { openKeysDatabase, toDatabaseComplaint } from './database.ts'
import { ensureLocalKey } from './keys.ts'
import type { PrepareOrder, PrepareOutcome } from './prepare-database.ts'

const [order] = (await once(process, 'message')) as [PrepareOrder]
const outcome = await prepare(order).catch(
  (error: unknown): PrepareOutcome => ({ complaint: toDatabaseComplaint(error) }),
)
process.send?.(outcome, () => process.exit())

async function prepare({ connectionString, pepper, lastApiKey }: PrepareOrder) {
  await migrate(connectionString)
  const database = openKeysDatabase(connectionString)
  const apiKey = await ensureLocalKey(createKeys(database), pepper, lastApiKey)
  return { apiKey }
}
