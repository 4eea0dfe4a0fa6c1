/** A whole data set predicted by one version of a model, away from the request; what comes out is a data set. */
import { z } from 'zod'
import { batchPredictionIdSchema, datasetIdSchema, eventIdSchema, projectIdSchema } from './ids.ts'
import { MODEL_VERSION_MAX } from './job-spec.ts'
import { listQuerySchema } from './pagination.ts'
import { outputsSchema, PREDICTION_OUTPUTS } from './prediction.ts'
import { nameSchema, timestampSchema } from './text.ts'

/** Cells that the model reads, and cells of the result: each lies in memory as a whole. */
export const BATCH_CELLS_MAX = 50_000_000
/** Of the result. */
export const BATCH_COLUMNS_MAX = 1024

export const BATCH_PREDICTION_STATUSES = [
  'queued',
  'running',
  'cancelling',
  'succeeded',
  'failed',
  'cancelled',
] as const
export const batchPredictionStatusSchema = z.enum(BATCH_PREDICTION_STATUSES)
export type BatchPredictionStatus = z.infer<typeof batchPredictionStatusSchema>

export const createBatchPredictionBodySchema = z.strictObject({
  model: z.string().describe('Name of the model'),
  version: z
    .int()
    .min(1)
    .max(MODEL_VERSION_MAX)
    .optional()
    .describe('Left out, like alias: the version that `champion` names, else the latest'),
  alias: z.string().optional(),
  dataset_id: z.string(),
  outputs: outputsSchema.describe(
    'Beside the label, or the value, which are always there. Left out: probabilities where the model has them, else logits',
  ),
  name: nameSchema.optional().describe('Of the result too'),
})
export type CreateBatchPredictionBody = z.infer<typeof createBatchPredictionBodySchema>

/** `worker_lost` is ours and was retried before; `invalid_data` is about rows and never retried. */
export const batchPredictionErrorSchema = z.object({
  code: z.enum(['invalid_data', 'out_of_memory', 'worker_lost', 'internal']),
  message: z.string(),
})
export type BatchPredictionError = z.infer<typeof batchPredictionErrorSchema>

export const batchPredictionSchema = z
  .object({
    object: z.literal('batch_prediction'),
    id: batchPredictionIdSchema,
    project_id: projectIdSchema,
    name: z.string().nullable(),
    status: batchPredictionStatusSchema,
    model: z.string(),
    version: z.int(),
    /** Of the weights. */
    model_sha256: z.string(),
    dataset_id: datasetIdSchema,
    dataset_sha256: z.string(),
    outputs: z.array(z.enum(PREDICTION_OUTPUTS)),
    rows: z.int(),
    rows_done: z.int(),
    /** Counts the workers that have begun it. */
    attempt: z.int(),
    /** null until it has succeeded. */
    result_dataset_id: datasetIdSchema.nullable(),
    error: batchPredictionErrorSchema.nullable(),
    created_at: timestampSchema,
    started_at: timestampSchema.nullable(),
    finished_at: timestampSchema.nullable(),
  })
  .meta({ id: 'BatchPrediction' })
export type BatchPrediction = z.infer<typeof batchPredictionSchema>

export const batchPredictionParamsSchema = z.object({ id: z.string() })

export const listBatchPredictionsQuerySchema = listQuerySchema.extend({
  status: batchPredictionStatusSchema.optional(),
})

export const BATCH_PREDICTION_EVENT_TYPES = [
  'batch_prediction.created',
  'batch_prediction.started',
  'batch_prediction.progressed',
  'batch_prediction.retrying',
  'batch_prediction.cancelling',
  'batch_prediction.cancelled',
  'batch_prediction.failed',
  'batch_prediction.succeeded',
] as const
export type BatchPredictionEventType = (typeof BATCH_PREDICTION_EVENT_TYPES)[number]

export const batchPredictionEventSchema = z
  .object({
    object: z.literal('event'),
    id: eventIdSchema,
    /** Counts up by one within the batch prediction; the id of the event in a stream. */
    seq: z.int(),
    batch_prediction_id: batchPredictionIdSchema,
    created_at: timestampSchema,
    level: z.enum(['info', 'warn', 'error']),
    type: z.enum(BATCH_PREDICTION_EVENT_TYPES),
    message: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'BatchPredictionEvent' })
export type BatchPredictionEvent = z.infer<typeof batchPredictionEventSchema>
