/** `credentials.json`: where the stack answers and the key to it, for the CLI, the examples and the dashboard. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeWhole } from './home.ts'

export interface Credentials {
  base_url: string
  api_key: string
}

const FILE = 'credentials.json'

export function writeCredentials(home: string, credentials: Credentials): void {
  writeWhole(join(home, FILE), `${JSON.stringify(credentials, null, 2)}\n`)
}

/** The key of the last start, not checked, or null: then a new one is made. */
export function readApiKey(home: string): string | null {
  try {
    const credentials = JSON.parse(readFileSync(join(home, FILE), 'utf8')) as Partial<Credentials>
    return typeof credentials.api_key === 'string' ? credentials.api_key : null
  } catch (error) {
    // Neither there nor readable as JSON: as good as none. What the system refuses is another matter.
    const { code } = error as NodeJS.ErrnoException
    if (code !== undefined && code !== 'ENOENT') throw error
    return null
  }
}
