import { z } from 'zod'
import { recordsSchema, rowsSchema } from './cells.ts'
import { jobIdSchema } from './ids.ts'
import { whichWeightsSchema } from './job.ts'

export const PREDICTION_ROWS_MAX = 10_000
export const PREDICTION_OUTPUTS = ['label', 'probabilities', 'logits', 'value'] as const

const outputsSchema = z.array(z.enum(PREDICTION_OUTPUTS)).min(1).optional()

/** Records name their columns; rows give the features in data-set order. */
export const predictBodySchema = z.union([
  z.strictObject({
    records: recordsSchema(PREDICTION_ROWS_MAX),
    outputs: outputsSchema,
    which: whichWeightsSchema.optional(),
  }),
  z.strictObject({
    rows: rowsSchema(PREDICTION_ROWS_MAX),
    outputs: outputsSchema,
    which: whichWeightsSchema.optional(),
  }),
])
export type PredictBody = z.infer<typeof predictBodySchema>

export const predictionItemSchema = z.object({
  label: z.string().optional(),
  probabilities: z.record(z.string(), z.number()).optional(),
  logits: z.array(z.number()).optional(),
  value: z.number().optional(),
})
export type PredictionItem = z.infer<typeof predictionItemSchema>

export const predictionSchema = z
  .object({
    object: z.literal('prediction'),
    job_id: jobIdSchema,
    which: whichWeightsSchema,
    predictions: z.array(predictionItemSchema),
  })
  .meta({ id: 'Prediction' })
export type Prediction = z.infer<typeof predictionSchema>
