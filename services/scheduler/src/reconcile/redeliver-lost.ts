import { failpoint } from '@trainyard/lifecycle'
import type { SchedulerDeps } from '../deps.ts'

/** Deliveries that the queue has lost (flushed, restarted empty, evicted) are made again under the next generation. */
export const makeRedeliverLost =
  ({ dispatch, producer, log }: Pick<SchedulerDeps, 'dispatch' | 'producer' | 'log'>) =>
  async (): Promise<boolean> => {
    const waiting = await dispatch.undelivered()
    if (waiting.length === 0) return false
    const lost = await producer.findLost(waiting)
    if (lost.length === 0) return false
    failpoint('redeliver.found_lost')
    await dispatch.redispatch(lost)
    failpoint('redeliver.redispatched')
    log.warn({ jobs: lost.map((job) => job.jobId) }, 'deliveries were lost and are made again')
    return true
  }
