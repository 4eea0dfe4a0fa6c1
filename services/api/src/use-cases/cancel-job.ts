import type { CancelMode, Job, ProjectId } from '@trainyard/contracts'
import { DomainError, type JobStore, type Pulse } from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import { isIdLike } from './find-job.ts'

export type CancelJob = (projectId: ProjectId, id: string, mode: CancelMode) => Promise<Job>

/** By `force` the job has ended when this answers; its worker, which can write nothing more, is told to let go of it. */
export function makeCancelJob({
  jobs,
  pulse,
}: {
  jobs: Pick<JobStore, 'cancel'>
  pulse: Pick<Pulse, 'stopAsked' | 'jobChanged'>
}): CancelJob {
  return async (projectId, id, mode) => {
    const job = isIdLike(id, 'job') ? await jobs.cancel(projectId, id, mode) : null
    if (job === null) throw new DomainError('job_not_found')
    failpoint('api.cancel_after_commit')
    if (mode === 'force') pulse.stopAsked(job.id, 'force')
    else if (job.status === 'cancelling') pulse.stopAsked(job.id, 'cancel')
    pulse.jobChanged(job.id)
    return job
  }
}
