/** Weights as JSON, format `trainyard/1`: everything needed to predict, in numbers a person can read. */
import { z } from 'zod'
import { matrixSchema, numbersSchema } from './cells.ts'
import { columnTypeSchema, taskSchema } from './dataset.ts'
import { activationSchema, UNITS_MAX } from './job-spec.ts'

export const architectureSchema = z.object({
  inputs: z.int(),
  hidden: z.array(
    z.object({
      units: z.int(),
      activation: activationSchema,
      /** Of the layer's z, before the activation. Absent in documents from before there was any. */
      batch_norm: z.boolean().default(false),
    }),
  ),
  outputs: z.int(),
  output_activation: z.enum(['softmax', 'sigmoid', 'linear', 'step']),
  task: taskSchema,
  /** The classes in the order of the outputs (one sigmoid or step output: it speaks for the second); null for regression. */
  classes: z.array(z.string()).nullable(),
  /** Name and unit of what is predicted. */
  target: z.string(),
})
export type Architecture = z.infer<typeof architectureSchema>

/** Whether one more input, the last of the column, is 1 where the value is missing and 0 elsewhere. */
const indicator = z.boolean().default(false)

/** How one column of a record becomes inputs: fitted on the training rows, the same for training and prediction. */
export const columnTransformSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('numeric'),
    column: z.string(),
    type: columnTypeSchema.extract(['number', 'boolean']),
    /** Stands in for a missing value, in the column's own unit; null: a missing value is an error. */
    missing: z.number().nullable(),
    /** Whether ln(1 + value) is scaled instead of the value. */
    log1p: z.boolean().default(false),
    /** input = (value − center) / scale */
    center: z.number(),
    scale: z.number(),
    indicator,
  }),
  z.strictObject({
    kind: z.literal('one_hot'),
    column: z.string(),
    /** One input each. */
    levels: z.array(z.string()),
    /** Levels that no training row had: their inputs were never trained, so they count as unseen. */
    untrained: z.array(z.string()).default([]),
    /** Whether one more input, behind those of the levels, stands for every other level. */
    other: z.boolean().default(false),
    unseen: z.enum(['zero', 'other', 'error']),
    /** The level that stands in for a missing value; null: a missing value is all zeros; `"error"` is said by `missing_error`. */
    missing: z.string().nullable(),
    missing_error: z.boolean(),
    indicator,
  }),
  z.strictObject({
    kind: z.literal('ordinal'),
    column: z.string(),
    /** In their order: the value of a level is its index. */
    levels: z.array(z.string()),
    /** The index that stands in for a missing or unseen level; null: a missing value is an error. */
    missing: z.number().nullable(),
    unseen: z.enum(['missing', 'error']),
    /** input = (index − center) / scale */
    center: z.number(),
    scale: z.number(),
    indicator,
  }),
  /**
   * Seven inputs of a date as it is written, whatever its time zone: the scaled year, then sine and cosine of month
   * (of 12), of weekday (of 7, from Monday) and of hour (of 24, minutes and seconds counted).
   */
  z.object({
    kind: z.literal('date'),
    column: z.string(),
    /** Milliseconds since 1970 that stand in for a missing date; null: a missing date is all zeros; `"error"` is said by `missing_error`. */
    missing: z.number().nullable(),
    missing_error: z.boolean(),
    /** first input = (year − center) / scale */
    center: z.number(),
    scale: z.number(),
    indicator,
  }),
])
export type ColumnTransform = z.infer<typeof columnTransformSchema>

export const preprocessingSchema = z.strictObject({
  columns: z.array(columnTransformSchema),
  /** Regression: prediction = output · scale + center. */
  target: z.strictObject({ center: z.number(), scale: z.number() }).nullable(),
})
export type Preprocessing = z.infer<typeof preprocessingSchema>

const unitsSchema = numbersSchema(UNITS_MAX)

/** Of one layer; the last four where it has batch normalization, and only there. */
export const layerDocumentSchema = z.object({
  weight: matrixSchema(UNITS_MAX),
  bias: unitsSchema,
  gamma: unitsSchema.optional(),
  beta: unitsSchema.optional(),
  running_mean: unitsSchema.optional(),
  running_var: unitsSchema.optional(),
})
export type LayerDocument = z.infer<typeof layerDocumentSchema>

export const weightsDocumentSchema = z
  .object({
    format: z.literal('trainyard/1'),
    architecture: architectureSchema,
    /** null: the weights came without it, and take encoded inputs. */
    preprocessing: preprocessingSchema.nullable(),
    /**
     * `weight` is [out][in] (z = W x + b); the last entry is the output layer. Where there is batch normalization, the
     * other four: y = gamma · (z − running_mean) / √(running_var + 1e-5) + beta, and the activation is of y.
     */
    layers: z.array(layerDocumentSchema),
  })
  .meta({ id: 'Weights' })
export type WeightsDocument = z.infer<typeof weightsDocumentSchema>

/** Several networks whose probabilities, or values, are averaged. */
export const ensembleDocumentSchema = z
  .object({
    format: z.literal('trainyard-ensemble/1'),
    members: z.array(weightsDocumentSchema),
  })
  .meta({ id: 'EnsembleWeights' })

/** Files that weights are written to. */
export const EXPORT_FORMATS = [
  'json',
  'safetensors',
  'npz',
  'onnx',
  'tfjs',
  'esm',
  'bundle',
] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

export const exportQuerySchema = z.strictObject({
  format: z.enum(EXPORT_FORMATS).default('json'),
  naming: z
    .enum(['trainyard', 'torch'])
    .optional()
    .describe("Of safetensors: ours, or the names of a PyTorch nn.Sequential's state_dict"),
  inputs: z
    .enum(['named', 'matrix'])
    .optional()
    .describe(
      'Of ONNX: one tensor a column, or one matrix of all; left out, a matrix where all are numbers',
    ),
  fold_batch_norm: z
    .stringbool()
    .optional()
    .describe('Of ONNX: weights take up the batch normalization after them'),
})
export type ExportQuery = z.infer<typeof exportQuerySchema>
