import { z } from 'zod'
import { datasetIdSchema, jobIdSchema, projectIdSchema, sweepIdSchema } from './ids.ts'
import { jobSpecSchema } from './job-spec.ts'
import { listQuerySchema } from './pagination.ts'
import { resolvedConfigSchema } from './resolved-config.ts'
import { timestampSchema } from './text.ts'
import { exportQuerySchema } from './weights.ts'

export const JOB_STATUSES = [
  'queued',
  'running',
  'pausing',
  'paused',
  'cancelling',
  'succeeded',
  'failed',
  'cancelled',
] as const
export const jobStatusSchema = z.enum(JOB_STATUSES)
export type JobStatus = z.infer<typeof jobStatusSchema>

export const stopReasonSchema = z.enum([
  'epochs_completed',
  'early_stopping',
  'target_reached',
  'max_seconds',
  'pruned',
  'cancelled',
])
export type StopReason = z.infer<typeof stopReasonSchema>

/** Why a job failed: `worker_lost` is ours and was retried before, the others are about the job and never retried. */
export const JOB_ERROR_CODES = [
  'diverged',
  'invalid_data',
  'out_of_memory',
  'checkpoint_lost',
  'batch_timeout',
  'worker_lost',
  'internal',
] as const

export const jobErrorSchema = z.object({
  code: z.enum(JOB_ERROR_CODES),
  message: z.string(),
  hint: z.string().nullable(),
  param: z.string().nullable(),
  at: z
    .object({
      epoch: z.int(),
      batch: z.int(),
      layer: z.int().nullable(),
      row: z.int().nullable(),
    })
    .nullable(),
})
export type JobError = z.infer<typeof jobErrorSchema>

export const epochMetricsSchema = z
  .object({
    epoch: z.int(),
    step: z.int(),
    train_loss: z.number().nullable(),
    train_penalty: z.number().nullable(),
    train_accuracy: z.number().nullable(),
    val_loss: z.number().nullable(),
    val_accuracy: z.number().nullable(),
    learning_rate: z.number(),
    gradient_norm: z.number().nullable(),
    examples_per_second: z.number(),
    duration_ms: z.number(),
    /** Values that JSON cannot hold stand as null above and are named here. */
    non_finite: z.record(z.string(), z.enum(['nan', 'inf', '-inf'])).optional(),
  })
  .meta({ id: 'EpochMetrics' })
export type EpochMetrics = z.infer<typeof epochMetricsSchema>

/** What is measured of an epoch, in the order of tables and files; the columns of the database have these names too. */
export const METRIC_NAMES = [
  'epoch',
  'step',
  'train_loss',
  'train_penalty',
  'train_accuracy',
  'val_loss',
  'val_accuracy',
  'learning_rate',
  'gradient_norm',
  'examples_per_second',
  'duration_ms',
] as const satisfies (keyof EpochMetrics)[]

export const metricsSummarySchema = z.object({
  train_loss: z.number().nullable(),
  train_accuracy: z.number().nullable(),
  val_loss: z.number().nullable(),
  val_accuracy: z.number().nullable(),
})
export type MetricsSummary = z.infer<typeof metricsSummarySchema>

/** One fold of k-fold validation: it validated while the others trained. */
export const foldSchema = z.object({
  /** From 1. */
  fold: z.int(),
  training_rows: z.int(),
  validation_rows: z.int(),
  epochs: z.int(),
  best_epoch: z.int(),
  /** Of the best epoch. */
  metrics: metricsSummarySchema,
})
export type Fold = z.infer<typeof foldSchema>

export const crossValidationSchema = z.object({
  /** Those that are done. */
  folds: z.array(foldSchema),
  mean: metricsSummarySchema,
  /** Standard deviation of the sample (n − 1). */
  std: metricsSummarySchema,
  /** Mean best epoch, for which the final model trains on all rows; null before the last fold is done. */
  epochs: z.int().nullable(),
})
export type CrossValidation = z.infer<typeof crossValidationSchema>

export const weightsInfoSchema = z.object({
  epoch: z.int(),
  sha256: z.string(),
  bytes: z.int().nullable().describe('null once the gc of its sweep has removed them'),
})
export type WeightsInfo = z.infer<typeof weightsInfoSchema>

export const BASELINE_NAMES = [
  'majority_class',
  'mean',
  'linear_model',
  'nearest_neighbors',
] as const

/** What a simpler model reaches on the same split and inputs. */
export const baselineSchema = z.object({
  name: z.enum(BASELINE_NAMES),
  metric: z.enum(['val_accuracy', 'val_loss']),
  value: z.number(),
  /** By how much the job's best weights are better, in the metric's unit; negative when they are worse. */
  margin: z.number(),
  /** Rows it learnt from, and was judged by: of a large table a choice drawn by the seed. */
  training_rows: z.int(),
  validation_rows: z.int(),
  /** The same as a sentence: "beats a linear model by 3.1 points". */
  detail: z.string(),
})
export type Baseline = z.infer<typeof baselineSchema>

/** What the best weights reach on rows that training never looked at. */
export const testResultSchema = z.object({
  rows: z.int(),
  /** Of these weights. */
  epoch: z.int(),
  metrics: z.object({ test_loss: z.number().nullable(), test_accuracy: z.number().nullable() }),
})
export type TestResult = z.infer<typeof testResultSchema>

/** All that the bits of a job's weights follow from: equal manifests mean equal weights. */
export const manifestSchema = z
  .object({
    sha256: z.string().describe('SHA-256 of the other fields as JSON without spaces, keys sorted'),
    config_sha256: z
      .string()
      .describe('SHA-256 of resolved_config as JSON without spaces, keys sorted at every depth'),
    dataset_sha256: z.string(),
    seed: z.int(),
    engine_version: z.string().describe('Of the worker that trained'),
    fused: z
      .boolean()
      .describe(
        'Whether a multiply-add was rounded once; weights of both kinds differ in last bits',
      ),
  })
  .meta({ id: 'Manifest' })
export type Manifest = z.infer<typeof manifestSchema>

/** How a job came from another: anew with changes, the same again, the same to compare, or on from a checkpoint. */
export const JOB_ORIGINS = ['clone', 'retry', 'verify', 'fork'] as const
export const jobOriginSchema = z.enum(JOB_ORIGINS)
export type JobOrigin = z.infer<typeof jobOriginSchema>

/** Of what is compared, what was not the same to the bit. */
export const VERIFIED_PARTS = ['weights.best', 'weights.last', 'metrics', 'engine'] as const

/** What training a job again has shown. */
export const verificationSchema = z.object({
  /** The job that trains again. */
  job_id: z.string(),
  outcome: z
    .enum(['pending', 'identical', 'different', 'unfinished'])
    .describe('unfinished: the second training failed or was cancelled'),
  differences: z
    .array(z.enum(VERIFIED_PARTS))
    .describe('Empty when identical; engine: another version of it, or another rounding'),
  verified_at: timestampSchema.nullable(),
})
export type Verification = z.infer<typeof verificationSchema>

export const jobSchema = z
  .object({
    object: z.literal('training.job'),
    id: jobIdSchema,
    project_id: projectIdSchema,
    name: z.string().nullable(),
    status: jobStatusSchema,
    stop_reason: stopReasonSchema.nullable(),
    dataset_id: datasetIdSchema,
    config: jobSpecSchema,
    resolved_config: resolvedConfigSchema,
    seed: z.int(),
    parameter_count: z.int(),
    engine_version: z.string(),
    attempt: z.int(),
    progress: z.number(),
    epoch: z.int(),
    best: z.object({ epoch: z.int(), metrics: metricsSummarySchema }).nullable(),
    final: z.object({ epoch: z.int(), metrics: metricsSummarySchema }).nullable(),
    /** Of a job with `validation.folds`; its epochs, best and final are those of the final model. */
    cross_validation: crossValidationSchema.nullable(),
    parent_job_id: jobIdSchema.nullable(),
    origin: jobOriginSchema.nullable().describe('How it came from its parent'),
    verification: verificationSchema.nullable().describe('What the latest verify has found'),
    manifest: manifestSchema.nullable().describe('null until training has ended'),
    weights: z.object({ best: weightsInfoSchema, last: weightsInfoSchema }).nullable(),
    /** null until the job has succeeded, and without a validation part. */
    baselines: z.array(baselineSchema).nullable(),
    /** null until the job has succeeded, and without a test part. */
    test: testResultSchema.nullable(),
    queue: z.object({ position: z.int() }).nullable(),
    error: jobErrorSchema.nullable(),
    /** Of a trial; null for a job of its own. */
    sweep_id: sweepIdSchema.nullable(),
    trial_index: z.int().nullable(),
    priority: z.int(),
    metadata: z.record(z.string(), z.string()),
    created_at: timestampSchema,
    started_at: timestampSchema.nullable(),
    finished_at: timestampSchema.nullable(),
    estimated_finish_at: timestampSchema.nullable(),
  })
  .meta({ id: 'Job' })
export type Job = z.infer<typeof jobSchema>

/** What `POST /v1/jobs?dry_run=true` answers: everything a submission would resolve to, nothing stored. */
export const jobQuoteSchema = z
  .object({
    object: z.literal('training.job_quote'),
    dataset_id: datasetIdSchema,
    resolved_config: resolvedConfigSchema,
    parameter_count: z.int(),
    flops_per_epoch: z.number(),
    memory_bytes: z.number(),
    training_rows: z.int(),
    validation_rows: z.int(),
    test_rows: z.int(),
  })
  .meta({ id: 'JobQuote' })
export type JobQuote = z.infer<typeof jobQuoteSchema>

export const jobParamsSchema = z.object({ id: z.string() })

export const createJobQuerySchema = z.strictObject({ dry_run: z.stringbool().optional() })

export const WAIT_SECONDS_MAX = 60
export const readJobQuerySchema = z.strictObject({
  wait: z.coerce.number().min(0).max(WAIT_SECONDS_MAX).optional(),
})

export const listJobsQuerySchema = listQuerySchema.extend({
  status: jobStatusSchema.optional(),
})

/** Of a command that takes no settings: one that is sent shall not be passed over in silence. */
export const emptyBodySchema = z
  .strictObject({})
  .nullish()
  .describe('Takes no fields; may be left out')
export const emptyQuerySchema = z.strictObject({})

/** The body may be left out. */
export const cancelJobBodySchema = z
  .strictObject({
    mode: z
      .enum(['graceful', 'force'])
      .optional()
      .describe('graceful stops at the next batch and keeps the weights; force ends the job now'),
  })
  .nullish()
export type CancelMode = NonNullable<NonNullable<z.infer<typeof cancelJobBodySchema>>['mode']>

/** A JSON merge patch (RFC 7396) of a specification; what comes out is checked as any. */
const specPatchSchema = z
  .record(z.string(), z.unknown())
  .describe('A JSON merge patch (RFC 7396) of config: null removes a field, lists are replaced')

/** The body may be left out: the same again. */
export const cloneJobBodySchema = specPatchSchema.nullish()

/** The body may be left out: on from the newest checkpoint, with the settings it was taken with. */
export const forkJobBodySchema = z
  .strictObject({
    checkpoint: z.string().optional().describe('Its id; default the newest'),
    patch: specPatchSchema.optional(),
  })
  .nullish()
export type ForkJobBody = NonNullable<z.infer<typeof forkJobBodySchema>>

export const deleteJobQuerySchema = z.strictObject({
  purge: z.stringbool().optional().describe('Removes rows and weights for good'),
})

export const METRIC_POINTS_DEFAULT = 1000
export const METRIC_POINTS_MAX = 10_000
export const readMetricsQuerySchema = z.strictObject({
  format: z.enum(['json', 'csv']).default('json'),
  max_points: z.coerce.number().int().min(3).max(METRIC_POINTS_MAX).default(METRIC_POINTS_DEFAULT),
})

export const metricsListSchema = z.object({
  object: z.literal('list'),
  data: z.array(epochMetricsSchema),
  has_more: z.literal(false),
  /** Epochs recorded; more than `data` holds when the history was thinned to `max_points`. */
  total_epochs: z.int(),
})
export type MetricsList = z.infer<typeof metricsListSchema>

export const curvesQuerySchema = z.strictObject({
  theme: z.enum(['light', 'dark']).default('light'),
})

export const whichWeightsSchema = z.enum(['best', 'last'])
export type WhichWeights = z.infer<typeof whichWeightsSchema>
export const readWeightsQuerySchema = exportQuerySchema.extend({
  which: whichWeightsSchema.optional().describe('Default best; of a checkpoint last'),
  checkpoint: z.string().optional().describe('The id of a checkpoint of the job'),
})
