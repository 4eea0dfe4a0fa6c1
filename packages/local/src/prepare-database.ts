/**
 * Migrates the database and sees to the local key, in a process of its own: Prisma takes 100 MB that the supervisor would
 * keep for as long as the stack runs, and it loads while Postgres is still starting.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { StartError } from './start-error.ts'

export interface PrepareOrder {
  connectionString: string
  pepper: string
  /** The text of the key given out last time. */
  lastApiKey: string | null
}

export type PrepareOutcome = { apiKey: string } | { complaint: string }

export interface DatabasePreparation {
  /** Resolves to the text of the local key. */
  run(order: PrepareOrder): Promise<string>
  stop(): void
}

const SCRIPT = fileURLToPath(new URL('./prepare-database.process.ts', import.meta.url))

/** Starts the process, which loads its modules and then waits for its order. */
export function openDatabasePreparation(): DatabasePreparation {
  const child = fork(SCRIPT, { detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const outcome = new Promise<PrepareOutcome>((resolve, reject) => {
    child.once('message', (message) => resolve(message as PrepareOutcome))
    child.once('error', reject)
    child.once('exit', () => reject(new StartError('preparing the database broke off')))
  })
  // Looked at in `run`; a start that fails before it gets there must not end on this.
  outcome.catch(() => undefined)
  return {
    run: async (order) => {
      child.send(order)
      const result = await outcome
      if ('complaint' in result) throw new StartError(result.complaint)
      return result.apiKey
    },
    stop: () => child.kill('SIGKILL'),
  }
}
