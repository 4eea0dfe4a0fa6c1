/** Models: weights under a name, in numbered versions; imported, or registered from a job. */
import { z } from 'zod'
import { jobIdSchema, modelIdSchema } from './ids.ts'
import { whichWeightsSchema } from './job.ts'
import { activationSchema, LAYERS_MAX, UNITS_MAX } from './job-spec.ts'
import { timestampSchema } from './text.ts'
import {
  architectureSchema,
  layerDocumentSchema,
  preprocessingSchema,
  weightsDocumentSchema,
} from './weights.ts'

/** It stands in paths. */
export const modelNameSchema = z
  .string()
  .max(128)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    'must begin with a letter or digit and hold only letters, digits, ".", "_" and "-"',
  )

/** An architecture as a caller writes it: what follows from the rest may be left out. */
export const architectureInputSchema = z.strictObject({
  inputs: z.int().min(1),
  hidden: z
    .array(
      z.strictObject({
        units: z.int().min(1).max(UNITS_MAX),
        activation: activationSchema,
        batch_norm: z.boolean().optional(),
      }),
    )
    .max(LAYERS_MAX - 1),
  outputs: z.int().min(1).max(UNITS_MAX),
  /** Left out: sigmoid for one output of a classification, softmax for more, linear for a regression. */
  output_activation: architectureSchema.shape.output_activation.optional(),
  task: architectureSchema.shape.task,
  classes: z.array(z.string()).nullable().optional(),
  target: z.string().optional(),
})
export type ArchitectureInput = z.infer<typeof architectureInputSchema>

export const importModelBodySchema = z.strictObject({
  name: modelNameSchema,
  weights: z.strictObject({
    format: weightsDocumentSchema.shape.format,
    architecture: architectureInputSchema.optional(),
    preprocessing: preprocessingSchema.nullable().optional(),
    layers: z.array(z.strictObject(layerDocumentSchema.shape)).min(1).max(LAYERS_MAX),
  }),
  /** Rules over the one inside `weights`; one of them must be there. */
  architecture: architectureInputSchema.optional(),
})
export type ImportModelBody = z.infer<typeof importModelBodySchema>

export const registerModelBodySchema = z.strictObject({
  name: modelNameSchema,
  job_id: z.string(),
  which: whichWeightsSchema.optional(),
})
export type RegisterModelBody = z.infer<typeof registerModelBodySchema>

export const createModelBodySchema = z.union([importModelBodySchema, registerModelBodySchema])

/** Where the weights come from. */
export const modelSourceSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('import') }),
  z.object({
    type: z.literal('job'),
    job_id: jobIdSchema,
    which: whichWeightsSchema,
    epoch: z.int(),
  }),
])
export type ModelSource = z.infer<typeof modelSourceSchema>

export const modelVersionSchema = z
  .object({
    object: z.literal('model_version'),
    model: z.string(),
    version: z.int(),
    architecture: architectureSchema,
    /** Null: the weights came without it. */
    preprocessing: preprocessingSchema.nullable(),
    parameter_count: z.int(),
    sha256: z.string(),
    bytes: z.int(),
    source: modelSourceSchema,
    created_at: timestampSchema,
  })
  .meta({ id: 'ModelVersion' })
export type ModelVersion = z.infer<typeof modelVersionSchema>

/** Versions that the object of a model names; older ones are read by their number. */
export const MODEL_VERSIONS_SHOWN = 20

export const modelSchema = z
  .object({
    object: z.literal('model'),
    id: modelIdSchema,
    name: z.string(),
    latest_version: z.int(),
    /** Newest first. */
    versions: z.array(modelVersionSchema.pick({ version: true, sha256: true, created_at: true })),
    created_at: timestampSchema,
  })
  .meta({ id: 'Model' })
export type Model = z.infer<typeof modelSchema>

export const modelParamsSchema = z.object({ name: z.string() })
export const modelVersionParamsSchema = z.object({ name: z.string(), version: z.string() })
