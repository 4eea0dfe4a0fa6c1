/**
 * Remembers that a database was prepared, so that the next start need not load Prisma to find that there is nothing to do.
 * The stamp lies in the data folder: where the database is gone, so is the stamp. It holds for these migrations, this key
 * and this pepper; with any other, the database is looked at again.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CHECKOUT } from './checkout.ts'
import { writeWhole } from './home.ts'

export interface Prepared {
  apiKey: string
  pepper: string
}

const FILE = 'trainyard-prepared'

export function isPrepared(dataFolder: string, prepared: Prepared): boolean {
  try {
    return readFileSync(join(dataFolder, FILE), 'utf8') === toStamp(prepared)
  } catch {
    // Whatever keeps it from being read, looking at the database is right.
    return false
  }
}

export function stampPrepared(dataFolder: string, prepared: Prepared): void {
  writeWhole(join(dataFolder, FILE), toStamp(prepared))
}

function toStamp({ apiKey, pepper }: Prepared): string {
  const migrations = readdirSync(`${CHECKOUT}prisma/migrations`).toSorted()
  return createHash('sha256')
    .update(JSON.stringify([migrations, apiKey, pepper]))
    .digest('hex')
}
