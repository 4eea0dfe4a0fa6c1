import { setTimeout as delay } from 'node:timers/promises'

const POLL_INTERVAL_MS = 15

/** Asks `condition` until it holds. Resolves to false when it does not within `timeoutMs`. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  { signal, intervalMs = POLL_INTERVAL_MS }: { signal?: AbortSignal; intervalMs?: number } = {},
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    signal?.throwIfAborted()
    if (await condition()) return true
    if (performance.now() >= deadline) return false
    await delay(intervalMs)
  }
}

/** Whether `event` settles within `timeoutMs`. */
export async function isWithin(event: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController()
  const late = delay(timeoutMs, false, { signal: timer.signal }).catch(() => false)
  const result = await Promise.race([event.then(() => true), late])
  timer.abort()
  return result
}
