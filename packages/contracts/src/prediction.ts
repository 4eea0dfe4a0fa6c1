import { z } from 'zod'
import { recordsSchema, rowsSchema } from './cells.ts'
import { jobIdSchema } from './ids.ts'
import { whichWeightsSchema } from './job.ts'
import { MODEL_VERSION_MAX } from './job-spec.ts'

export const PREDICTION_ROWS_MAX = 10_000
export const PREDICTION_OUTPUTS = ['label', 'probabilities', 'logits', 'value'] as const

export const outputsSchema = z.array(z.enum(PREDICTION_OUTPUTS)).min(1).optional()

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

const versionSchema = {
  /** Left out, like `alias`: the version that `champion` names, else the latest. */
  version: z.int().min(1).max(MODEL_VERSION_MAX).optional(),
  alias: z.string().optional(),
}

export const modelPredictBodySchema = z.union([
  z.strictObject({
    records: recordsSchema(PREDICTION_ROWS_MAX),
    outputs: outputsSchema,
    ...versionSchema,
  }),
  z.strictObject({
    rows: rowsSchema(PREDICTION_ROWS_MAX),
    outputs: outputsSchema,
    ...versionSchema,
  }),
])
export type ModelPredictBody = z.infer<typeof modelPredictBodySchema>

/** With a CSV: what the body says in JSON. */
export const modelPredictQuerySchema = z.strictObject({
  version: z.coerce.number().int().min(1).max(MODEL_VERSION_MAX).optional(),
  alias: z.string().optional(),
})

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

export const modelPredictionSchema = z
  .object({
    object: z.literal('prediction'),
    model: z.string(),
    version: z.int(),
    predictions: z.array(predictionItemSchema),
  })
  .meta({ id: 'ModelPrediction' })
export type ModelPrediction = z.infer<typeof modelPredictionSchema>
