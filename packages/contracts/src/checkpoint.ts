import { z } from 'zod'
import { checkpointIdSchema, jobIdSchema } from './ids.ts'
import { metricsSummarySchema } from './job.ts'
import { timestampSchema } from './text.ts'

const epochSummarySchema = z.object({ epoch: z.int(), metrics: metricsSummarySchema })

/** The whole state of a training between two batches: what a pause, a lost worker or a fork goes on from. */
export const checkpointSchema = z
  .object({
    object: z.literal('training.checkpoint'),
    id: checkpointIdSchema,
    job_id: jobIdSchema,
    step_number: z.int().describe('Batches before it, over all epochs'),
    epoch: z.int().describe('Completed epochs'),
    metrics: metricsSummarySchema.nullable().describe('Of the last completed epoch'),
    best: epochSummarySchema.nullable(),
    seconds: z.number().describe('Of training before it, over all attempts'),
    sha256: z.string(),
    bytes: z.int(),
    created_at: timestampSchema,
  })
  .meta({ id: 'Checkpoint' })
export type Checkpoint = z.infer<typeof checkpointSchema>

export const checkpointParamsSchema = z.object({ id: z.string(), checkpoint_id: z.string() })
