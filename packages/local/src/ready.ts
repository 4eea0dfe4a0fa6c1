import { get } from 'node:http'
import { waitUntil } from './deadline.ts'

const ANSWER_TIMEOUT_MS = 1000
const POLL_INTERVAL_MS = 25

/** Asks the API until it says that it can do its work. Resolves to false when it does not within `timeoutMs`. */
export function waitUntilReady(
  baseUrl: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  return waitUntil(() => isReady(`${baseUrl}/readyz`), timeoutMs, {
    signal,
    intervalMs: POLL_INTERVAL_MS,
  })
}

/** Not `fetch`, which the supervisor would load for this alone. */
function isReady(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: ANSWER_TIMEOUT_MS, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    // Nobody listens yet, or the answer is slow: the caller asks again.
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}
