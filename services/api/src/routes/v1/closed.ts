import type { ServerResponse } from 'node:http'

/** Fires when the connection of an answer is gone, or the answer is out. */
export function closed(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  response.once('close', () => controller.abort())
  return controller.signal
}
