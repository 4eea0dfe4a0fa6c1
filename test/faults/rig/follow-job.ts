/** A client that follows the live events of a job through every fault, as a browser does: from where it was cut. */
import { setTimeout as delay } from 'node:timers/promises'
import { followEvents } from '../../../packages/local/src/demo/event-stream.ts'

const RETRY_MS = 500
const END = /^job\.(succeeded|failed|cancelled)$/

export interface Follower {
  /** What it has been told so far, in that order. */
  told: readonly { seq: number; type: string }[]
  hasEnded(): boolean
  stop(): void
}

export function followJob(
  { baseUrl, apiKey }: { baseUrl: string; apiKey: string },
  jobId: string,
): Follower {
  const told: { seq: number; type: string }[] = []
  const stopping = new AbortController()
  const { signal } = stopping
  const hasEnded = () => told.some(({ type }) => END.test(type))
  const follow = async () => {
    while (!hasEnded() && !signal.aborted) {
      const url = `${baseUrl}/v1/jobs/${jobId}/events?after=${told.at(-1)?.seq ?? 0}`
      try {
        const events = followEvents(url, { authorization: `Bearer ${apiKey}` }, signal)
        for await (const { id, type } of events) {
          told.push({ seq: Number(id), type })
          if (END.test(type)) return
        }
      } catch {
        // A 503 while Postgres is away, or nobody there while the API starts.
        await delay(RETRY_MS)
      }
    }
  }
  void follow()
  return { told, hasEnded, stop: () => stopping.abort() }
}
