/** How good the weights of an ended job are on rows they were not trained on. */
import { z } from 'zod'
import { datasetIdSchema, jobIdSchema } from './ids.ts'
import { whichWeightsSchema } from './job.ts'

export const readEvaluationQuerySchema = z.strictObject({
  which: whichWeightsSchema.optional(),
})

const shareSchema = z.number().min(0).max(1)

const averageSchema = z.object({ precision: shareSchema, recall: shareSchema, f1: shareSchema })

const classReportSchema = averageSchema.extend({
  label: z.string(),
  /** Rows of the class. */
  support: z.int(),
  roc_auc: shareSchema
    .nullable()
    .describe('This class against the rest; null where all rows are of it, or none'),
  pr_auc: shareSchema
    .nullable()
    .describe(
      'Average precision: Σ (Rₙ − Rₙ₋₁) Pₙ over the thresholds; null where no row is of it',
    ),
})

export const classificationReportSchema = z.object({
  task: z.literal('classification'),
  rows: z.int(),
  accuracy: shareSchema,
  balanced_accuracy: shareSchema.describe('Mean recall of the classes that occur'),
  /** Shares are 0 where nothing is of the class, or nothing was taken for it. */
  classes: z.array(classReportSchema),
  macro: averageSchema.describe('Means over all classes'),
  weighted: averageSchema.describe('Means over all classes, each by its rows'),
  confusion: z
    .array(z.array(z.int()))
    .describe(
      'Rows of true class i that were taken for class j, at [i][j]; in the order of `classes`',
    ),
  top_k: z
    .array(z.object({ k: z.int(), accuracy: shareSchema }))
    .describe(
      'How often the true class is among the k best; of equal scores the later class ranks first',
    ),
  roc_auc: shareSchema
    .nullable()
    .describe('Two classes: of the second; more: the mean over the classes that have one'),
  pr_auc: shareSchema.nullable(),
  log_loss: z
    .number()
    .nullable()
    .describe(
      'Mean −ln p of the true class, p at least 2⁻⁵²; null where scores are no probabilities',
    ),
  brier_score: z
    .number()
    .nullable()
    .describe('Two classes: mean (p − y)² of the second; more: summed over the classes'),
  calibration: z
    .object({
      error: shareSchema.describe(
        'Expected calibration error: Σ bin share · |confidence − share right|',
      ),
      bins: z.array(
        z.object({
          from: z.number(),
          to: z.number(),
          rows: z.int(),
          /** Mean probability: of the second of two classes; of more, of the class taken. */
          confidence: z.number(),
          /** Share of rows of the second class, or of those taken rightly. */
          share_right: shareSchema,
        }),
      ),
    })
    .nullable()
    .describe('Ten equal bins (from, to]; empty ones are left out'),
})
export type ClassificationReport = z.infer<typeof classificationReportSchema>

export const regressionReportSchema = z.object({
  task: z.literal('regression'),
  rows: z.int(),
  mse: z.number(),
  rmse: z.number(),
  mae: z.number(),
  median_absolute_error: z.number(),
  max_error: z.number(),
  r2: z.number().nullable().describe('1 − Σ(y − ŷ)² / Σ(y − ȳ)²; null for fewer than two rows'),
  explained_variance: z.number().nullable(),
  residuals: z
    .object({
      mean: z.number(),
      std: z.number(),
      min: z.number(),
      p05: z.number(),
      p25: z.number(),
      p50: z.number(),
      p75: z.number(),
      p95: z.number(),
      max: z.number(),
    })
    .describe('Of y − ŷ, in units of the target'),
})
export type RegressionReport = z.infer<typeof regressionReportSchema>

export const evaluationReportSchema = z.discriminatedUnion('task', [
  classificationReportSchema,
  regressionReportSchema,
])
export type EvaluationReport = z.infer<typeof evaluationReportSchema>

export const jobEvaluationSchema = z
  .object({
    object: z.literal('training.job_evaluation'),
    job_id: jobIdSchema,
    dataset_id: datasetIdSchema,
    which: whichWeightsSchema,
    epoch: z.int(),
    /** Null where the job had no such part. Every row counts once: row weights train, they do not judge. */
    validation: evaluationReportSchema.nullable(),
    test: evaluationReportSchema.nullable(),
  })
  .meta({ id: 'JobEvaluation' })
export type JobEvaluation = z.infer<typeof jobEvaluationSchema>
