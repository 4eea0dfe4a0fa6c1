import { z } from 'zod'
import { columnSchema, datasetWarningSchema } from './dataset.ts'
import { datasetIdSchema } from './ids.ts'

/** How strongly a column and the target go together: 0 not at all, 1 (Pearson also −1) entirely. */
const associationSchema = z.object({
  /** Two numbers; a number and classes, or levels and a number; levels and classes. */
  measure: z.enum(['pearson', 'correlation_ratio', 'cramers_v']),
  value: z.number(),
})
const profileColumnSchema = columnSchema.omit({ levels: true }).extend({
  missing_share: z.number(),
  /** Of the rows examined, up to 21 of all rows; null where a text column has too many levels to be read. */
  distinct: z.int().nullable(),
  /** Whether all its numbers are whole; null for what is no number. */
  is_whole: z.boolean().nullable(),
  /** By linear interpolation between neighbours; of numbers alone, like the histogram. */
  quantiles: z
    .object({
      p05: z.number(),
      p25: z.number(),
      p50: z.number(),
      p75: z.number(),
      p95: z.number(),
    })
    .nullable(),
  /** Bins of equal width from the least to the largest value; the last one holds its upper edge. */
  histogram: z.object({ from: z.number(), to: z.number(), counts: z.array(z.int()) }).nullable(),
  /** The most frequent levels of a category or boolean. */
  top_levels: z.array(z.object({ level: z.string(), count: z.int() })).nullable(),
  /** null for the target itself, for a column that is no feature, and where it is not defined. */
  association: associationSchema.nullable(),
  /**
   * How well this column tells the target without the others. `auc`: area under the ROC curve, of the better direction,
   * of a number for two classes. `rule`: the share of the errors of always saying the largest class that is spared by
   * saying each level's (or each of 64 bins') largest class, every row judged by the other rows. `correlation`: the
   * absolute association, for regression.
   */
  predicts_alone: z
    .object({ measure: z.enum(['auc', 'rule', 'correlation']), value: z.number() })
    .nullable(),
})
export type ProfileColumn = z.infer<typeof profileColumnSchema>

export const datasetProfileSchema = z
  .object({
    object: z.literal('dataset.profile'),
    dataset_id: datasetIdSchema,
    rows: z.int(),
    /** Chosen at random beyond 32,768, about so many; the figures of columns come from these. Counts of missing cells and of duplicates come from all rows. */
    rows_examined: z.int(),
    columns: z.array(profileColumnSchema),
    /** Of the rows examined; null for regression. */
    classes: z.array(z.object({ name: z.string(), count: z.int(), share: z.number() })).nullable(),
    duplicates: z.object({
      /** Rows that equal an earlier one in all features and the target. */
      rows: z.int(),
      /** Rows that share all features with a row of another class; null for regression. */
      conflicting_rows: z.int().nullable(),
      /** Share of validation rows that, in a random split at the default fraction, have a twin among the training rows. */
      validation_overlap: z.number(),
    }),
    /** The largest standard deviation of a feature by the smallest. */
    scale_spread: z.number().nullable(),
    /** Those of the data set itself. */
    warnings: z.array(datasetWarningSchema),
  })
  .meta({ id: 'DatasetProfile' })
export type DatasetProfile = z.infer<typeof datasetProfileSchema>

/** What is kept of a profile; the rest stands in the data set. */
export type StoredProfile = Omit<DatasetProfile, 'object' | 'dataset_id' | 'rows' | 'warnings'>
