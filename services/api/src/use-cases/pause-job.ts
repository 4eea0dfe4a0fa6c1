import type { Job, ProjectId } from '@trainyard/contracts'
import { DomainError, type JobStore, type Pulse } from '@trainyard/domain'
import { isIdLike } from './find-job.ts'

export type PauseJob = (projectId: ProjectId, id: string) => Promise<Job>

export function makePauseJob({
  jobs,
  pulse,
}: {
  jobs: Pick<JobStore, 'pause'>
  pulse: Pick<Pulse, 'stopAsked' | 'jobChanged'>
}): PauseJob {
  return async (projectId, id) => {
    const job = isIdLike(id, 'job') ? await jobs.pause(projectId, id) : null
    if (job === null) throw new DomainError('job_not_found')
    if (job.status === 'pausing') pulse.stopAsked(job.id, 'pause')
    pulse.jobChanged(job.id)
    return job
  }
}
