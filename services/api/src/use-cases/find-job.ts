import type { Job, ProjectId } from '@trainyard/contracts'
import { DomainError, type JobStore } from '@trainyard/domain'

/** The job, or `job_not_found`: of another project or never there, the answer is the same. */
export async function findJob(
  jobs: Pick<JobStore, 'find'>,
  projectId: ProjectId,
  id: string,
): Promise<Job> {
  const job = isIdLike(id, 'job') ? await jobs.find(projectId, id) : null
  if (job === null) throw new DomainError('job_not_found')
  return job
}

/** What cannot be an id is not looked up: it may hold characters that Postgres has not. */
export function isIdLike(text: string, prefix: string): boolean {
  return text.startsWith(`${prefix}_`) && text.length <= 64 && /^\w+$/.test(text)
}
