import type { Job, ProjectId } from '@trainyard/contracts'
import { isTerminal, type JobStore } from '@trainyard/domain'
import { createBell, type JobWatch } from '../streams/job-watch.ts'
import { findJob } from './find-job.ts'

export type ReadJob = (
  projectId: ProjectId,
  id: string,
  options: { waitSeconds: number; signal: AbortSignal },
) => Promise<Job>

/**
 * The job as it is; with `waitSeconds`, after its next change of status, epoch or attempt, at once when it has ended, and
 * at the latest after that time or when `signal` fires.
 */
export function makeReadJob({
  jobs,
  watch,
}: {
  jobs: Pick<JobStore, 'find'>
  watch: JobWatch
}): ReadJob {
  return async (projectId, id, { waitSeconds, signal }) => {
    const first = await findJob(jobs, projectId, id)
    if (waitSeconds === 0 || isTerminal(first.status)) return first
    const bell = createBell()
    const unwatch = watch.watch(first.id, bell.ring)
    const end = AbortSignal.any([signal, AbortSignal.timeout(waitSeconds * 1000)])
    end.addEventListener('abort', bell.ring)
    // What changed between the first look and the watch is seen by looking again before waiting.
    bell.ring()
    try {
      for (;;) {
        await bell.wait()
        const job = await findJob(jobs, projectId, id)
        if (end.aborted || hasChanged(first, job)) return job
      }
    } finally {
      unwatch()
    }
  }
}

function hasChanged(before: Job, now: Job): boolean {
  return (
    before.status !== now.status || before.epoch !== now.epoch || before.attempt !== now.attempt
  )
}
