import { setTimeout as delay } from 'node:timers/promises'

const POLL_INTERVAL_MS = 10
const DEADLINE_MS = 20_000

/** Asks until `condition` gives something other than false, null or undefined; throws with `what` after the deadline. */
export async function waitFor<Result>(
  what: string,
  condition: () => Result | Promise<Result>,
  deadlineMs = DEADLINE_MS,
): Promise<NonNullable<Exclude<Result, false>>> {
  const givenUpAt = performance.now() + deadlineMs
  for (;;) {
    const result = await condition()
    if (result !== false && result !== null && result !== undefined) {
      return result as NonNullable<Exclude<Result, false>>
    }
    if (performance.now() > givenUpAt) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await delay(POLL_INTERVAL_MS)
  }
}
