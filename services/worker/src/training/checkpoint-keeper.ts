/**
 * Asks a training for a checkpoint every so many seconds and carries its bytes to the store, one at a time: where that takes
 * longer, checkpoints come less often.
 */
import type { ResolvedConfig } from '@trainyard/contracts'
import type { CheckpointStore, JobCheckpoint, Lease } from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import type { Logger } from 'pino'
import { untilStored } from './store-result.ts'
import type { TakenCheckpoint } from './thread-protocol.ts'

/** 24.8 days. Node takes a longer one for a millisecond. */
const TIMER_MS_MAX = 2 ** 31 - 1

export interface CheckpointKeeper {
  add(taken: TakenCheckpoint): void
  /** The one before is stored, or will not be: the time to the next begins. */
  proceed(): void
  /** Holds that of the end back until all reports are done: the next of them would drop its bytes. */
  addEnd(taken: TakenCheckpoint): void
  /** No more are asked for. Resolves once the last one was handed on. */
  stop(): Promise<void>
  /** Stores that of the end, after all reports and as soon as Postgres lets it: null when there is none, or it is forsaken. */
  putEnd(isForsaken: (waitedMs: number) => boolean): Promise<JobCheckpoint | null>
}

export function startKeeper(
  lease: Lease,
  { every_seconds: everySeconds, keep }: ResolvedConfig['checkpoint'],
  { checkpoints, log }: { checkpoints: CheckpointStore; log: Logger },
  hooks: { takeCheckpoint: () => void; onPut: (checkpoint: JobCheckpoint) => void },
): CheckpointKeeper {
  const everyMs = Math.min(everySeconds * 1000, TIMER_MS_MAX)
  let stopped = false
  let timer = setTimeout(hooks.takeCheckpoint, everyMs)
  let underWay: Promise<void> = Promise.resolve()
  let end: TakenCheckpoint | null = null

  const proceed = () => {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(hooks.takeCheckpoint, everyMs)
  }

  const put = async ({ bytes, ...taken }: TakenCheckpoint): Promise<JobCheckpoint> => {
    await checkpoints.put(lease, { sha256: taken.sha256, bytes })
    failpoint('worker.checkpoint_put')
    return { ...taken, bytes: bytes.byteLength, keep }
  }
  /** What is lost with the worker is only more. */
  const giveUp = (error: unknown): null => {
    log.warn({ err: error, job: lease.jobId }, 'a checkpoint could not be stored')
    return null
  }

  return {
    add(taken) {
      underWay = put(taken)
        .catch(giveUp)
        .then((checkpoint) => {
          if (checkpoint === null) proceed()
          else hooks.onPut(checkpoint)
        })
    },
    addEnd(taken) {
      end = taken
    },
    proceed,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await underWay
    },
    async putEnd(isForsaken) {
      const taken = end
      if (taken === null) return null
      return await untilStored({ log, job: lease.jobId, isForsaken }, async (waitedMs) =>
        isForsaken(waitedMs) ? null : await put(taken),
      ).catch(giveUp)
    },
  }
}
