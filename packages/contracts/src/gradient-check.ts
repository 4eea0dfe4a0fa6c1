import { z } from 'zod'
import { datasetIdSchema } from './ids.ts'
import { resolvedConfigSchema } from './resolved-config.ts'
import { nonFiniteSchema } from './trace.ts'

export const GRADIENT_CHECK_ROWS_MAX = 32

/** The body is that of `POST /v1/jobs`. */
export const gradientCheckQuerySchema = z.strictObject({
  /** Rows of the batch, the first that the job would train on. Default 8. */
  rows: z.coerce.number().int().min(1).max(GRADIENT_CHECK_ROWS_MAX).optional(),
})

const numberSchema = z.number().nullable()

export const gradientCheckSchema = z
  .object({
    object: z.literal('gradient_check'),
    dataset_id: datasetIdSchema,
    resolved_config: resolvedConfigSchema,
    rows: z.int(),
    /** Something was checked, and every relative error is within the tolerance. */
    passed: z.boolean(),
    tolerance: z.number(),
    /** |a − n| / max(1e-6, |a| + |n|): a by backpropagation, n by central differences. Null if nothing was checked. */
    max_relative_error: numberSchema,
    checked: z.int(),
    /** Entries within 2e-3 of a kink, where the two need not agree. */
    skipped: z.int(),
    tensors: z.array(
      z.object({
        layer: z.int(),
        tensor: z.enum(['weight', 'bias', 'gamma', 'beta']),
        entries: z.int(),
        checked: z.int(),
        skipped: z.int(),
        max_relative_error: numberSchema,
        /** Where that is: [unit, input] of a weight, [unit] of the others. */
        worst: z
          .object({ index: z.array(z.int()), analytic: numberSchema, numeric: numberSchema })
          .nullable(),
      }),
    ),
    non_finite: nonFiniteSchema,
  })
  .meta({ id: 'GradientCheck' })
export type GradientCheck = z.infer<typeof gradientCheckSchema>
