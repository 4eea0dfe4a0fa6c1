import type { Job, ProjectId } from '@trainyard/contracts'
import { DomainError, type JobStore, type Pulse } from '@trainyard/domain'
import { isIdLike } from './find-job.ts'

export type ResumeJob = (projectId: ProjectId, id: string) => Promise<Job>

export function makeResumeJob({
  jobs,
  pulse,
}: {
  jobs: Pick<JobStore, 'resume'>
  pulse: Pick<Pulse, 'jobQueued' | 'jobChanged'>
}): ResumeJob {
  return async (projectId, id) => {
    const job = isIdLike(id, 'job') ? await jobs.resume(projectId, id) : null
    if (job === null) throw new DomainError('job_not_found')
    pulse.jobQueued()
    pulse.jobChanged(job.id)
    return job
  }
}
