/** Which rows of a data set a job trained on, which validated and which tested. */
import { z } from 'zod'
import { datasetIdSchema, jobIdSchema } from './ids.ts'

export const readSplitQuerySchema = z.strictObject({
  format: z.enum(['json', 'csv']).default('json'),
})

/** Rows count from 0, as `offset` of a data set's rows does, and ascend. */
const rowIndicesSchema = z.array(z.int())

export const jobSplitSchema = z
  .object({
    object: z.literal('training.job_split'),
    job_id: jobIdSchema,
    dataset_id: datasetIdSchema,
    training: rowIndicesSchema.describe('What the weights were trained on; with folds all rows'),
    /** Where the rows of `validation` are of a data set of its own. */
    validation_dataset_id: datasetIdSchema.nullable(),
    validation: rowIndicesSchema,
    /** Where the rows of `test` are of a data set of its own. */
    test_dataset_id: datasetIdSchema.nullable(),
    test: rowIndicesSchema.describe('Neither trained nor validated'),
    folds: z
      .array(rowIndicesSchema)
      .nullable()
      .describe('What validated in each fold, while the rest of `training` trained'),
  })
  .meta({ id: 'JobSplit' })
