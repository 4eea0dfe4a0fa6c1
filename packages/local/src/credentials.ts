/** `credentials.json`: where the stack answers and the key to it, for the CLI, the examples and the dashboard. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseApiKeyText } from '@trainyard/domain'
import { writeWhole } from './home.ts'

export interface Credentials {
  base_url: string
  api_key: string
}

const FILE = 'credentials.json'

export function writeCredentials(home: string, credentials: Credentials): void {
  writeWhole(join(home, FILE), `${JSON.stringify(credentials, null, 2)}\n`)
}

/** The key of the last start, or null when there is none that can be one: then a new key is made. */
export function readApiKey(home: string): string | null {
  try {
    const { api_key: text } = JSON.parse(readFileSync(join(home, FILE), 'utf8')) as Credentials
    return parseApiKeyText(text) === null ? null : text
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== undefined && code !== 'ENOENT') throw error
    return null
  }
}
