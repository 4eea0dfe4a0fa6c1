import { setImmediate } from 'node:timers/promises'

/** Computed at a stretch before other requests are looked at. */
const TURN_MS = 10

/** Awaited between two pieces of work, it lets other requests in now and then: by the clock, as one draw may take a thousand. */
export function makeTakeTurns(): () => Promise<void> {
  let sinceMs = performance.now()
  return async () => {
    if (performance.now() - sinceMs < TURN_MS) return
    await setImmediate()
    sinceMs = performance.now()
  }
}
