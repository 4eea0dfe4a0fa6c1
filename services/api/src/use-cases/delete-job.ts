import type { ProjectId } from '@trainyard/contracts'
import { DomainError, type JobStore } from '@trainyard/domain'
import { isIdLike } from './find-job.ts'

export type DeleteJob = (
  projectId: ProjectId,
  id: string,
  options: { purge: boolean },
) => Promise<void>

export function makeDeleteJob({ jobs }: { jobs: Pick<JobStore, 'delete'> }): DeleteJob {
  return async (projectId, id, options) => {
    const isDeleted = isIdLike(id, 'job') && (await jobs.delete(projectId, id, options))
    if (!isDeleted) throw new DomainError('job_not_found')
  }
}
