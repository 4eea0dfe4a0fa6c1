/** What the predictions of an ended job come from. */
import { z } from 'zod'
import { cellSchema, recordSchema } from './cells.ts'
import { datasetIdSchema, jobIdSchema } from './ids.ts'
import { whichWeightsSchema } from './job.ts'

/** Rows that an explanation looks at; of more, so many are drawn by the job's seed. */
export const EXPLAINED_ROWS_MAX = 2000

const judgedSchema = z.object({
  job_id: jobIdSchema,
  dataset_id: datasetIdSchema.describe('Whose rows these are'),
  which: whichWeightsSchema,
  part: z
    .enum(['validation', 'training'])
    .describe('Training rows where the job had no validation'),
  rows: z.int(),
})

export const readImportanceQuerySchema = z.strictObject({
  which: whichWeightsSchema.optional(),
  repeats: z.coerce.number().int().min(1).max(30).optional().describe('Default 5'),
})

export const importanceSchema = judgedSchema
  .extend({
    object: z.literal('training.job_importance'),
    repeats: z.int(),
    metric: z.enum(['accuracy', 'r2']),
    /** With every column as it is. */
    value: z.number(),
    columns: z
      .array(
        z.object({
          column: z.string(),
          /** By how much the metric falls: mean and standard deviation over the repeats. */
          importance: z.number(),
          std: z.number(),
        }),
      )
      .describe('The most important first'),
  })
  .meta({ id: 'JobImportance' })
export type JobImportance = z.infer<typeof importanceSchema>

export const readDependenceQuerySchema = z.strictObject({
  column: z.string().min(1),
  which: whichWeightsSchema.optional(),
})

export const dependenceSchema = judgedSchema
  .extend({
    object: z.literal('training.job_dependence'),
    column: z.string(),
    outputs: z.array(z.string()).describe('The classes, or the target of a regression'),
    points: z.array(
      z.object({
        value: cellSchema,
        /** Mean over the rows, in the order of `outputs`: probabilities, raw scores of a perceptron or hinge, or the value. */
        means: z.array(z.number()),
      }),
    ),
  })
  .meta({ id: 'JobDependence' })
export type JobDependence = z.infer<typeof dependenceSchema>

export const inputGradientBodySchema = z.strictObject({
  record: recordSchema,
  which: whichWeightsSchema.optional(),
})

export const inputGradientSchema = z
  .object({
    object: z.literal('training.job_input_gradient'),
    job_id: jobIdSchema,
    which: whichWeightsSchema,
    outputs: z.array(
      z.object({
        output: z
          .string()
          .describe('A class, whose logit it is of; or the target, whose value it is of'),
        inputs: z.array(
          z.object({
            column: z.string(),
            input: z
              .string()
              .describe('The value, a level, a part of a date, or that it is missing'),
            encoded: z.number(),
            gradient: z.number().describe('By the encoded input'),
            gradient_per_unit: z
              .number()
              .nullable()
              .describe("By the column's own unit; null where the input is not a scaled number"),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'JobInputGradient' })
export type JobInputGradient = z.infer<typeof inputGradientSchema>
