import type { Job, ProjectId } from '@trainyard/contracts'
import { DomainError, type JobStore, type Pulse } from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import { isIdLike } from './find-job.ts'

export type CancelJob = (projectId: ProjectId, id: string) => Promise<Job>

export function makeCancelJob({
  jobs,
  pulse,
}: {
  jobs: Pick<JobStore, 'cancel'>
  pulse: Pick<Pulse, 'cancelAsked' | 'jobChanged'>
}): CancelJob {
  return async (projectId, id) => {
    const job = isIdLike(id, 'job') ? await jobs.cancel(projectId, id) : null
    if (job === null) throw new DomainError('job_not_found')
    failpoint('api.cancel_after_commit')
    if (job.status === 'cancelling') pulse.cancelAsked(job.id)
    pulse.jobChanged(job.id)
    return job
  }
}
