/** `npm run demo`: everything a newcomer would do by hand, on a stack of its own that is gone afterwards. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sayToPerson } from '../say.ts'
import { parseSettings } from '../settings.ts'
import { startStack } from '../stack.ts'
import { StartError } from '../start-error.ts'
import { listenForStop } from '../stop-signals.ts'
import { createApiClient } from './api-client.ts'
import { createTerminal } from './terminal.ts'
import { trainDigits } from './train-digits.ts'

const HOME_PREFIX = 'trainyard-demo-'
const EXIT_INTERRUPTED = 130

/** Resolves to the exit code: 0 when the model is as good as promised. */
export async function demo(): Promise<number> {
  const startedAt = performance.now()
  const wishes = listenForStop()
  const terminal = createTerminal(process.stdout, process.env)
  const broken = new AbortController()
  const signal = AbortSignal.any([wishes.first, broken.signal])
  const home = mkdtempSync(join(tmpdir(), HOME_PREFIX))
  // Started by root, the database runs as another user, who has to get in; each secret in it has its own mode.
  chmodSync(home, 0o755)
  try {
    terminal.write('\nStarting Trainyard: Postgres, api, scheduler, worker…\n')
    const stack = await startStack({
      settings: parseSettings(toOwnStack(process.env, home)),
      wishes,
      say: sayToPerson,
      onFailure: (error) => broken.abort(error),
    })
    try {
      terminal.write(`Ready on ${stack.baseUrl} after ${secondsSince(startedAt)} s.\n\n`)
      const api = createApiClient(stack.baseUrl, stack.apiKey, signal)
      const result = await trainDigits(api, terminal, signal)
      await stack.stop()
      terminal.write(
        `Validation accuracy ${result.accuracy.toFixed(4)}, ${result.right} of ${result.shown} held-out digits right, ` +
          `${secondsSince(startedAt)} s in all.\n\nNext: npm start\n`,
      )
    } finally {
      await stack.stop()
    }
    return 0
  } catch (error) {
    if (wishes.first.aborted) return EXIT_INTERRUPTED
    if (broken.signal.aborted) throw broken.signal.reason
    if (error instanceof StartError) throw new StartError(`the demo failed: ${error.message}`)
    throw error
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** Nothing of the demo may reach a database, a queue or a home that is in use. */
function toOwnStack(environment: NodeJS.ProcessEnv, home: string): NodeJS.ProcessEnv {
  const { DATABASE_URL, REDIS_URL, HOST, TRAINYARD_KEY_PEPPER, ...rest } = environment
  return { ...rest, PORT: '0', TRAINYARD_HOME: home }
}

function secondsSince(startedAt: number): string {
  return ((performance.now() - startedAt) / 1000).toFixed(1)
}
