import type { BatchPredictionEvent, Event, ModelEvent, SweepEvent } from '@trainyard/contracts'

/** What rows of all histories have. */
export interface EventFields {
  id: string
  seq: number
  level: string
  type: string
  message: string
  data: unknown
  created_at: Date
}

/** What an event says whoever it is of. */
export function toEventFields<Of extends Event | SweepEvent | ModelEvent | BatchPredictionEvent>(
  row: EventFields,
) {
  return {
    object: 'event' as const,
    id: row.id as Of['id'],
    seq: row.seq,
    created_at: row.created_at.toISOString(),
    level: row.level as Of['level'],
    type: row.type as Of['type'],
    message: row.message,
    data: row.data as Of['data'],
  }
}
