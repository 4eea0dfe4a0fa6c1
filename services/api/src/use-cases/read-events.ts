import type { List, ProjectId } from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'

/** What has events of its own: a job, or a sweep. */
export interface EventSource<Id extends string, Item extends { id: string; seq: number }> {
  /** Throws when there is none of that id in the project. */
  find(projectId: ProjectId, id: string): Promise<{ id: Id; hasEnded: boolean }>
  /** Events with seq > `afterSeq` in order. */
  events(id: Id, afterSeq: number, limit: number): Promise<Item[]>
  eventSeq(id: Id, eventId: string): Promise<number | null>
}

export type ListEvents<Item> = (
  projectId: ProjectId,
  id: string,
  page: { limit: number; after?: string | undefined },
) => Promise<List<Item>>

export function makeListEvents<Id extends string, Item extends { id: string; seq: number }>(
  source: EventSource<Id, Item>,
): ListEvents<Item> {
  return async (projectId, given, { limit, after }) => {
    const { id } = await source.find(projectId, given)
    const afterSeq = after === undefined ? 0 : await toSeq(source, id, after)
    const events = await source.events(id, afterSeq, limit + 1)
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
export type StartStream<Id> = (
  projectId: ProjectId,
  id: string,
  after: string | undefined,
) => Promise<{ id: Id; afterSeq: number } | null>

export function makeStartStream<Id extends string, Item extends { id: string; seq: number }>(
  source: EventSource<Id, Item>,
): StartStream<Id> {
  return async (projectId, given, after) => {
    // The state first: when it had ended by then, its last event is among the rows read next.
    const { id, hasEnded } = await source.find(projectId, given)
    const afterSeq = after === undefined ? 0 : await toSeq(source, id, after)
    if (hasEnded && (await source.events(id, afterSeq, 1)).length === 0) return null
    return { id, afterSeq }
  }
}

/** The seq of a cursor, which is a seq or an event id of the same source. */
async function toSeq<Id extends string, Item extends { id: string; seq: number }>(
  source: EventSource<Id, Item>,
  id: Id,
  cursor: string,
): Promise<number> {
  if (cursor === '0') return 0
  if (/^[1-9]\d{0,8}$/.test(cursor)) {
    const seq = Number(cursor)
    if ((await source.events(id, seq - 1, 1))[0]?.seq === seq) return seq
  }
  if (/^evt_\w{1,60}$/.test(cursor)) {
    const seq = await source.eventSeq(id, cursor)
    if (seq !== null) return seq
  }
  throw new DomainError('invalid_cursor', {
    detail: 'There is no such event; start again without a cursor.',
  })
}
