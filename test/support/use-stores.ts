import { afterAll, beforeAll } from 'vitest'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { openTestStores, type TestStores } from './factories.ts'

/** The stores on a database of the test file's own; they are there from the first `beforeAll` on. */
export function useTestStores(): TestStores {
  const stores = {} as TestStores
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
    Object.assign(stores, openTestStores(database.url))
  })
  afterAll(async () => {
    await stores.close()
    await database.drop()
  })
  return stores
}
