import { sayToPerson } from '../say.ts'
import { parseSettings } from '../settings.ts'
import { startStack } from '../stack.ts'
import type { StartError } from '../start-error.ts'
import { listenForStop } from '../stop-signals.ts'

/** Runs the stack until somebody stops it. Resolves to the exit code. */
export async function start(): Promise<number> {
  const wishes = listenForStop()
  const settings = parseSettings(process.env)
  const { promise: failed, reject: fail } = Promise.withResolvers<never>()
  failed.catch(() => undefined)
  const stopped = new Promise<void>((resolve) => {
    wishes.first.addEventListener('abort', () => resolve(), { once: true })
  })
  try {
    const stack = await startStack({
      settings,
      wishes,
      say: sayToPerson,
      onFailure: (error: StartError) => fail(error),
    })
    process.stdout.write(toWelcome(stack.baseUrl, stack.apiKey))
    try {
      await Promise.race([stopped, failed])
    } finally {
      if (wishes.first.aborted) sayToPerson('stopping; a second Ctrl-C forces')
      await stack.stop()
    }
  } catch (error) {
    // Stopped while it was coming up: that is what was asked for.
    if (!wishes.first.aborted || error !== wishes.first.reason) throw error
  }
  return wishes.second.aborted ? EXIT_FORCED : 0
}

const EXIT_FORCED = 130

function toWelcome(baseUrl: string, apiKey: string): string {
  return `
trainyard ready on ${baseUrl}

  key   ${apiKey}
  docs  ${baseUrl}/docs
  try   curl ${baseUrl}/v1/datasets -H 'Authorization: Bearer ${apiKey}' \\
          -H 'Content-Type: application/json' -d '{"builtin":{"generator":"iris"}}'

Ctrl-C stops it.
`
}
