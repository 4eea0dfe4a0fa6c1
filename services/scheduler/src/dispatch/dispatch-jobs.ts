import { failpoint } from '@trainyard/lifecycle'
import type { SchedulerDeps } from '../deps.ts'
import { makeFairShares } from './fair-shares.ts'

/** Keeps at most twice as many jobs with the workers as they have slots: the choice among projects stays here, in SQL. */
const WINDOW_PER_SLOT = 2

/**
 * One round: picks fairly and hands over. A crash between the two steps repeats an add under the same id. With no worker
 * in sight nothing is handed over, and jobs wait in their rows.
 */
export function makeDispatchJobs({
  dispatch,
  workers,
  producer,
  log,
}: Pick<SchedulerDeps, 'dispatch' | 'workers' | 'producer' | 'log'>): () => Promise<void> {
  const shares = makeFairShares()
  return async () => {
    const slots = await workers.slots()
    if (slots === 0) return
    const behind = shares.behind(await dispatch.threadTimes(shares.atMs()))
    const jobs = await dispatch.pick(WINDOW_PER_SLOT * slots, behind)
    if (jobs.length === 0) return
    failpoint('dispatch.picked')
    // Marked first: a worker may claim and finish a job before this process hears that the queue has taken it.
    await dispatch.markDispatched(jobs)
    failpoint('dispatch.marked')
    await producer.add(jobs)
    failpoint('dispatch.added')
    log.debug({ jobs: jobs.map((job) => job.jobId) }, 'dispatched')
  }
}
