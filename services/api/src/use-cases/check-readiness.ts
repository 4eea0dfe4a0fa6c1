import type { Readiness } from '@trainyard/contracts'
import { inTime } from '../quick-store.ts'

const ANSWER_MS = 1500

export function makeCheckReadiness(deps: {
  pingDatabase: () => Promise<void>
  isQueueHealthy: () => boolean
  isDraining: () => boolean
  version: string
}): () => Promise<Readiness> {
  return async () => {
    const postgres = await inTime(deps.pingDatabase(), ANSWER_MS).then(
      () => 'ok' as const,
      // Why it is down is in the log of whoever needed it; here only that it is.
      () => 'down' as const,
    )
    const isReady = postgres === 'ok' && !deps.isDraining()
    return {
      status: isReady ? 'ready' : 'not_ready',
      postgres,
      queue: deps.isQueueHealthy() ? 'ok' : 'down',
      version: deps.version,
    }
  }
}
