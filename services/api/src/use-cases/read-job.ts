import type { Job, ProjectId } from '@trainyard/contracts'
import { isTerminal, type JobStore } from '@trainyard/domain'
import type { JobWatch } from '../streams/job-watch.ts'
import { findJob } from './find-job.ts'
import { waitForChange } from './wait-for-change.ts'

export type ReadJob = (
  projectId: ProjectId,
  id: string,
  options: { waitSeconds: number; signal: AbortSignal },
) => Promise<Job>

/** The job as it is; with `waitSeconds`, after its next change of status, epoch or attempt. */
export function makeReadJob({
  jobs,
  watch,
}: {
  jobs: Pick<JobStore, 'find'>
  watch: JobWatch
}): ReadJob {
  return (projectId, id, options) =>
    waitForChange(watch, {
      ...options,
      read: () => findJob(jobs, projectId, id),
      hasEnded: ({ status }) => isTerminal(status),
      hasChanged: (before, now) =>
        before.status !== now.status ||
        before.epoch !== now.epoch ||
        before.attempt !== now.attempt,
    })
}
