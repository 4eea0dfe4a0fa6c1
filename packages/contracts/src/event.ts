import { z } from 'zod'
import { eventIdSchema, jobIdSchema } from './ids.ts'
import { timestampSchema } from './text.ts'

export const JOB_EVENT_TYPES = [
  'job.created',
  'job.started',
  'job.epoch_completed',
  'job.fold_completed',
  'job.checkpoint_created',
  'job.retrying',
  'job.pausing',
  'job.paused',
  'job.resumed',
  'job.cancelling',
  'job.cancelled',
  'job.failed',
  'job.succeeded',
] as const
export const jobEventTypeSchema = z.enum(JOB_EVENT_TYPES)
export type JobEventType = z.infer<typeof jobEventTypeSchema>

export const eventSchema = z
  .object({
    object: z.literal('event'),
    id: eventIdSchema,
    /** Counts up by one within the job; the id of the event in a stream. */
    seq: z.int(),
    job_id: jobIdSchema,
    created_at: timestampSchema,
    level: z.enum(['info', 'warn', 'error']),
    type: jobEventTypeSchema,
    message: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' })
export type Event = z.infer<typeof eventSchema>

export const listEventsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  /** A `seq` or an event id: events after it. */
  after: z.string().optional(),
})
