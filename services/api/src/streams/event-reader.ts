import type {
  BatchPredictionEvent,
  BatchPredictionId,
  Event,
  JobId,
  ModelEvent,
  ModelId,
  SweepEvent,
  SweepId,
} from '@trainyard/contracts'

/** Rows taken at a time: with it, what a stream holds for a slow client is bounded. */
export const EVENTS_PER_READ = 100

/** What has a history that can be followed. */
export type StreamedId = JobId | SweepId | ModelId | BatchPredictionId
export type StreamedEvent = Event | SweepEvent | ModelEvent | BatchPredictionEvent
export type ReadEvents = (id: StreamedId, afterSeq: number) => Promise<StreamedEvent[]>

/** Streams of one history are woken together and stand at the same event: they share one query. */
export function makeReadEvents(
  events: (id: StreamedId, afterSeq: number, limit: number) => Promise<StreamedEvent[]>,
): ReadEvents {
  const underWay = new Map<string, Promise<StreamedEvent[]>>()
  return (id, afterSeq) => {
    const key = `${id} ${afterSeq}`
    const shared = underWay.get(key)
    if (shared !== undefined) return shared
    const reading = events(id, afterSeq, EVENTS_PER_READ).finally(() => underWay.delete(key))
    underWay.set(key, reading)
    return reading
  }
}
