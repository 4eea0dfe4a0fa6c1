import type { Event, JobId } from '@trainyard/contracts'
import type { JobStore } from '@trainyard/domain'

/** Rows taken at a time: with it, what a stream holds for a slow client is bounded. */
export const EVENTS_PER_READ = 100

export type ReadEvents = (jobId: JobId, afterSeq: number) => Promise<Event[]>

/** Streams of one job are woken together and stand at the same event: they share one query. */
export function makeReadEvents(jobs: Pick<JobStore, 'events'>): ReadEvents {
  const underWay = new Map<string, Promise<Event[]>>()
  return (jobId, afterSeq) => {
    const key = `${jobId} ${afterSeq}`
    const shared = underWay.get(key)
    if (shared !== undefined) return shared
    const reading = jobs
      .events(jobId, afterSeq, EVENTS_PER_READ)
      .finally(() => underWay.delete(key))
    underWay.set(key, reading)
    return reading
  }
}
