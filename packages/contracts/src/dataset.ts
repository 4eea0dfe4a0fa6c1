import { z } from 'zod'
import { listOf, mapOf } from './bounded.ts'
import { cellSchema, rowsSchema } from './cells.ts'
import { batchPredictionIdSchema, datasetIdSchema, projectIdSchema } from './ids.ts'
import { listQuerySchema } from './pagination.ts'
import { nameSchema, timestampSchema } from './text.ts'

export const DATASET_COLUMNS_MAX = 16_384
export const DATASET_BYTES_MAX = 1024 ** 3
/** Rows a generator makes at the most. */
export const GENERATED_ROWS_MAX = 1_000_000

/** `date` is never inferred: whoever wants year, month, weekday and hour as inputs says so. */
export const COLUMN_TYPES = ['number', 'category', 'boolean', 'date'] as const
export const COLUMN_ROLES = ['feature', 'target', 'weight', 'group', 'id', 'ignored'] as const
/** Two inputs, one bit out: by default the four rows of the truth table. */
export const LOGIC_GATES = ['xor', 'and', 'or'] as const
/** Points in the plane by class. */
export const POINT_CLOUDS = ['circles', 'moons', 'spiral', 'gauss', 'blobs'] as const
/** A number as a function of one number or two: y = 2x + 1, y = sin x, y = x1 + x2. */
export const CURVES = ['linear', 'sine', 'plane'] as const
export const SHIPPED_DATASETS = ['iris', 'wine', 'digits'] as const

/** Formats of files that become data sets. */
export const TABLE_FORMATS = [
  'csv',
  'tsv',
  'ndjson',
  'json',
  'parquet',
  'npy',
  'npz',
  'idx',
  'arff',
] as const
export type TableFormat = (typeof TABLE_FORMATS)[number]

export const columnTypeSchema = z.enum(COLUMN_TYPES)
export type ColumnType = z.infer<typeof columnTypeSchema>

export const columnSchema = z.object({
  name: z.string(),
  type: columnTypeSchema,
  role: z.enum(COLUMN_ROLES),
  missing: z.int(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  mean: z.number().nullable(),
  std: z.number().nullable(),
  /** The distinct texts of a category column, or the classes of a target, sorted by code point; null for numbers. */
  levels: z.array(z.string()).nullable(),
})
export type Column = z.infer<typeof columnSchema>

export const taskSchema = z.enum(['classification', 'regression'])
export type Task = z.infer<typeof taskSchema>

/** What the profile of a table can warn of. */
export const PROFILE_WARNING_CODES = [
  'many_levels',
  'constant_column',
  'id_like_column',
  'looks_like_number',
  'rounded_numbers',
  'missing_values',
  'leakage_suspect',
  'class_imbalance',
  'scale_spread',
  'duplicate_rows',
  'conflicting_labels',
  'validation_overlap',
] as const

/** What a data set can be warned of; `docs/datasets.md` says when each is. */
export const DATASET_WARNING_CODES = [
  'target_assumed',
  'header_looks_like_data',
  'empty_column',
  'missing_words',
  'mixed_types',
  'looks_like_date',
  'too_many_levels',
  ...PROFILE_WARNING_CODES,
] as const
export type DatasetWarningCode = (typeof DATASET_WARNING_CODES)[number]

export const datasetWarningSchema = z.object({
  code: z.enum(DATASET_WARNING_CODES),
  /** null when it is about the whole table. */
  column: z.string().nullable(),
  /** The figure, and the one from which on there is a warning; null where nothing was measured. */
  evidence: z.object({ value: z.number(), threshold: z.number() }).nullable(),
  detail: z.string(),
  remedy: z.string(),
})
export type DatasetWarning = z.infer<typeof datasetWarningSchema>

/** What a data set was computed from. */
export const datasetLineageSchema = z.object({
  batch_prediction_id: batchPredictionIdSchema,
  model: z.string(),
  version: z.int(),
  /** Of the weights. */
  model_sha256: z.string(),
  dataset_id: datasetIdSchema,
  dataset_sha256: z.string(),
})
export type DatasetLineage = z.infer<typeof datasetLineageSchema>

export const datasetSchema = z
  .object({
    object: z.literal('dataset'),
    id: datasetIdSchema,
    project_id: projectIdSchema,
    name: z.string(),
    status: z.enum(['ready']),
    rows: z.int(),
    columns: z.array(columnSchema),
    target: z.string(),
    task: taskSchema,
    sha256: z.string(),
    bytes: z.int(),
    warnings: z.array(datasetWarningSchema),
    /** null for data that came in. */
    lineage: datasetLineageSchema.nullable(),
    created_at: timestampSchema,
  })
  .meta({ id: 'Dataset' })
export type Dataset = z.infer<typeof datasetSchema>

/** An upload is shown while it comes in once it is larger than this; less is over at once. */
export const INGESTING_BYTES_MIN = 8 * 1024 ** 2

export const INGEST_PHASES = ['receiving', 'reading'] as const
export type IngestPhase = (typeof INGEST_PHASES)[number]

/** A data set to be: its file is on the way, or is being read. */
export const ingestingDatasetSchema = z
  .object({
    object: z.literal('dataset'),
    id: datasetIdSchema,
    project_id: projectIdSchema,
    /** Null where it follows from the file. */
    name: z.string().nullable(),
    status: z.literal('ingesting'),
    progress: z.object({
      phase: z.enum(INGEST_PHASES),
      /** Packed ones as they are. */
      bytes_received: z.int(),
      /** By Content-Length; null without. */
      bytes_total: z.int().nullable(),
    }),
    created_at: timestampSchema,
  })
  .meta({ id: 'IngestingDataset' })
export type IngestingDataset = z.infer<typeof ingestingDatasetSchema>

export const listDatasetsQuerySchema = listQuerySchema.extend({
  status: z
    .enum(['ready', 'ingesting'])
    .default('ready')
    .describe('`ingesting`: large uploads under way, the newest hundred, in one page'),
})

export const datasetParamsSchema = z.object({ id: z.string() })

const columnNameSchema = z.string().min(1).max(128)
const typesSchema = mapOf(columnNameSchema, columnTypeSchema, { max: DATASET_COLUMNS_MAX })

/** `PATCH /v1/datasets/{id}`: what was inferred, said otherwise. Fields left out stay as they are. */
export const changeDatasetBodySchema = z
  .strictObject({
    name: nameSchema.optional(),
    target: columnNameSchema.optional(),
    types: typesSchema.optional(),
    roles: mapOf(columnNameSchema, z.enum(COLUMN_ROLES).exclude(['target']), {
      max: DATASET_COLUMNS_MAX,
    })
      .optional()
      .describe(
        'By column name. A weight counts a row, a group keeps rows on one side of the split, an id takes no part',
      ),
  })
  .refine((body) => Object.keys(body).length > 0, 'must change something')
export type ChangeDatasetBody = z.infer<typeof changeDatasetBodySchema>

const inlineDatasetSchema = z.strictObject({
  name: nameSchema.optional(),
  columns: listOf(columnNameSchema, { min: 2, max: DATASET_COLUMNS_MAX }),
  rows: rowsSchema(GENERATED_ROWS_MAX),
  target: columnNameSchema.optional(),
  types: typesSchema.optional(),
})

const generatedRowsSchema = z.int().min(4).max(GENERATED_ROWS_MAX)
const noiseSchema = z
  .number()
  .min(0)
  .max(1)
  .describe(
    'Standard deviation of Gaussian noise: on both coordinates of a point, on the value of a curve; 0 is exact',
  )
const generatorSeedSchema = z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(1)

const generatedDatasetSchema = z.strictObject({
  name: nameSchema.optional(),
  builtin: z.discriminatedUnion('generator', [
    z.strictObject({
      generator: z.enum(LOGIC_GATES),
      rows: generatedRowsSchema
        .default(4)
        .describe('4 is the truth table; more go round its corners'),
      noise: noiseSchema.default(0),
      seed: generatorSeedSchema,
    }),
    z.strictObject({
      generator: z.enum([...POINT_CLOUDS, ...CURVES]),
      rows: generatedRowsSchema.default(500),
      noise: noiseSchema.default(0.1),
      seed: generatorSeedSchema,
    }),
    z.strictObject({ generator: z.enum(SHIPPED_DATASETS) }),
  ]),
})

/** `POST /v1/datasets` with `application/json`: rows in the body, or the name of a built-in one. */
export const createDatasetBodySchema = z.union([inlineDatasetSchema, generatedDatasetSchema])
export type CreateDatasetBody = z.infer<typeof createDatasetBodySchema>
export type InlineDataset = z.infer<typeof inlineDatasetSchema>
export type GeneratedDataset = z.infer<typeof generatedDatasetSchema>

/** Query of `POST /v1/datasets` with a CSV body. */
export const uploadDatasetQuerySchema = z.strictObject({
  name: nameSchema.optional(),
  target: columnNameSchema.optional(),
  separator: z.string().length(1).optional(),
  header: z
    .stringbool()
    .optional()
    .describe('Whether the first line holds names. Default: unless it is a row like the others'),
  types: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown
      } catch {
        context.addIssue({
          code: 'custom',
          message: 'must be a JSON object of column name to type',
        })
        return z.NEVER
      }
    })
    .pipe(typesSchema)
    .optional(),
  ignore: z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    )
    .optional(),
})
export type UploadDatasetQuery = z.infer<typeof uploadDatasetQuerySchema>

export const datasetRowsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  offset: z.coerce.number().int().min(0).default(0),
})

export const datasetRowsSchema = z.object({
  object: z.literal('dataset.rows'),
  columns: z.array(z.string()),
  rows: z.array(z.array(cellSchema)),
  offset: z.int(),
  total: z.int(),
})
export type DatasetRows = z.infer<typeof datasetRowsSchema>
