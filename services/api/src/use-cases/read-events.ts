import type { Event, Job, List, ProjectId } from '@trainyard/contracts'
import { DomainError, isTerminal, type JobStore } from '@trainyard/domain'
import { findJob } from './find-job.ts'

export type ListEvents = (
  projectId: ProjectId,
  id: string,
  page: { limit: number; after?: string | undefined },
) => Promise<List<Event>>

export function makeListEvents({ jobs }: { jobs: JobReads }): ListEvents {
  return async (projectId, id, { limit, after }) => {
    const job = await findJob(jobs, projectId, id)
    const afterSeq = after === undefined ? 0 : await toSeq(jobs, job, after)
    const events = await jobs.events(job.id, afterSeq, limit + 1)
    const data = events.slice(0, limit)
    return {
      object: 'list',
      data,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
      has_more: events.length > limit,
    }
  }
}

/** Where a stream starts, or null when it has nothing more to say. */
export type StartStream = (
  projectId: ProjectId,
  id: string,
  after: string | undefined,
) => Promise<{ jobId: Job['id']; afterSeq: number } | null>

export function makeStartStream({ jobs }: { jobs: JobReads }): StartStream {
  return async (projectId, id, after) => {
    // The job first: when it had ended by then, its last event is among the rows read next.
    const job = await findJob(jobs, projectId, id)
    const hasEnded = isTerminal(job.status)
    const afterSeq = after === undefined ? 0 : await toSeq(jobs, job, after)
    if (hasEnded && (await jobs.events(job.id, afterSeq, 1)).length === 0) return null
    return { jobId: job.id, afterSeq }
  }
}

type JobReads = Pick<JobStore, 'find' | 'events' | 'eventSeq'>

/** The seq of a cursor, which is a seq or an event id of this job. */
async function toSeq(jobs: JobReads, job: Job, cursor: string): Promise<number> {
  if (cursor === '0') return 0
  if (/^[1-9]\d{0,8}$/.test(cursor)) {
    const seq = Number(cursor)
    if ((await jobs.events(job.id, seq - 1, 1))[0]?.seq === seq) return seq
  }
  if (/^evt_\w{1,60}$/.test(cursor)) {
    const seq = await jobs.eventSeq(job.id, cursor)
    if (seq !== null) return seq
  }
  throw new DomainError('invalid_cursor', {
    detail: 'The job has no such event; start again without a cursor.',
  })
}
