/** Models: weights under a name, in numbered versions; imported, registered from a job, or an ensemble of others. */
import { z } from 'zod'
import { recordSchema } from './cells.ts'
import { columnTypeSchema, taskSchema } from './dataset.ts'
import {
  checkpointIdSchema,
  datasetIdSchema,
  eventIdSchema,
  jobIdSchema,
  modelIdSchema,
} from './ids.ts'
import { manifestSchema, whichWeightsSchema } from './job.ts'
import { activationSchema, LAYERS_MAX, MODEL_VERSION_MAX, UNITS_MAX } from './job-spec.ts'
import { resolvedConfigSchema } from './resolved-config.ts'
import { timestampSchema } from './text.ts'
import {
  architectureSchema,
  ensembleDocumentSchema,
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

/** The newest version, whatever the aliases say. */
export const LATEST = 'latest'

/** It stands in paths where a version's number may stand, so it cannot be one. */
export const aliasSchema = z
  .string()
  .max(64)
  .regex(
    /^[A-Za-z][A-Za-z0-9._-]*$/,
    'must begin with a letter and hold only letters, digits, ".", "_" and "-"',
  )
  .refine((alias) => alias !== LATEST, `"${LATEST}" always means the newest version`)

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

const importedNetworkSchema = z.strictObject({
  format: weightsDocumentSchema.shape.format,
  architecture: architectureInputSchema.optional(),
  preprocessing: preprocessingSchema.nullable().optional(),
  layers: z.array(z.strictObject(layerDocumentSchema.shape)).min(1).max(LAYERS_MAX),
})
export type ImportedNetworkDocument = z.infer<typeof importedNetworkSchema>

export const MEMBERS_MAX = 64

export const importModelBodySchema = z.strictObject({
  name: modelNameSchema,
  weights: z.discriminatedUnion('format', [
    importedNetworkSchema,
    z.strictObject({
      format: ensembleDocumentSchema.shape.format,
      members: z.array(importedNetworkSchema).min(2).max(MEMBERS_MAX),
    }),
  ]),
  /** Of one network, and rules over the one inside `weights`; one of them must be there. */
  architecture: architectureInputSchema.optional(),
})
export type ImportModelBody = z.infer<typeof importModelBodySchema>

/** Weights of a job: those it ended with, or what a checkpoint of it holds, also while it runs. */
const jobWeightsSchema = z.strictObject({
  job_id: z.string(),
  /** One that the job keeps. */
  checkpoint: z.string().optional(),
  /** Default: `best`, with a checkpoint `last`, the weights at its step. */
  which: whichWeightsSchema.optional(),
})
export type JobWeightsChoice = z.infer<typeof jobWeightsSchema>

export const registerModelBodySchema = z.strictObject({
  name: modelNameSchema,
  ...jobWeightsSchema.shape,
})
export type RegisterModelBody = z.infer<typeof registerModelBodySchema>

/** One network of an ensemble: of a job, or of a model's version (an ensemble's members join one by one). */
export const memberChoiceSchema = z.union([
  jobWeightsSchema,
  z.strictObject({ model: z.string(), version: z.int().min(1).max(MODEL_VERSION_MAX).optional() }),
])
export type MemberChoice = z.infer<typeof memberChoiceSchema>

/** Several networks as one model: probabilities, or values, are averaged. */
export const ensembleBodySchema = z.strictObject({
  name: modelNameSchema,
  members: z.array(memberChoiceSchema).min(2).max(MEMBERS_MAX),
})
export type EnsembleBody = z.infer<typeof ensembleBodySchema>

export const createModelBodySchema = z.union([
  importModelBodySchema,
  registerModelBodySchema,
  ensembleBodySchema,
])

/** Files that weights are read from; JSON is a body of its own. */
export const IMPORT_FORMATS = ['json', 'safetensors', 'onnx'] as const

/** Of an import whose body is a file. */
export const importFileQuerySchema = z.strictObject({
  name: modelNameSchema.optional().describe('Of the model; required with a file'),
  architecture: z
    .string()
    .optional()
    .describe('JSON, as in a JSON body; left out where the file says it, as our own do'),
})

/** Where the weights come from. */
export const modelSourceSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('import'), format: z.enum(IMPORT_FORMATS).default('json') }),
  z.object({
    type: z.literal('job'),
    job_id: jobIdSchema,
    which: whichWeightsSchema,
    epoch: z.int(),
    /** Null: the weights that the job ended with. */
    checkpoint: checkpointIdSchema.nullable().default(null),
  }),
  z.object({ type: z.literal('ensemble') }),
])
export type ModelSource = z.infer<typeof modelSourceSchema>

/** What the weights of a job follow from, kept with the version: the job itself may be deleted. */
export const lineageSchema = z.object({
  job_id: jobIdSchema,
  dataset_id: datasetIdSchema,
  /** null where the data set is gone and the job has no manifest. */
  dataset_sha256: z.string().nullable(),
  config: resolvedConfigSchema,
  engine_version: z.string(),
  manifest: manifestSchema.nullable(),
  /** The version that training began with. */
  parent: z.object({ model: z.string(), version: z.int(), sha256: z.string() }).nullable(),
})
export type Lineage = z.infer<typeof lineageSchema>

/** What a model takes and gives. */
export const modelSignatureSchema = z
  .object({
    inputs: z.array(
      z.object({
        name: z.string(),
        type: columnTypeSchema,
        /** Whether a missing value is refused; else the fitted rule stands in for it. */
        required: z.boolean(),
        /** Smallest and largest value of the data set, null where they are not known. */
        min: z.number().nullable(),
        max: z.number().nullable(),
        /** Of a category: those that are known; others follow the fitted rule. */
        levels: z.array(z.string()).nullable(),
      }),
    ),
    output: z.object({
      name: z.string(),
      task: taskSchema,
      /** In the order of the probabilities. */
      classes: z.array(z.string()).nullable(),
    }),
  })
  .meta({ id: 'ModelSignature' })
export type ModelSignature = z.infer<typeof modelSignatureSchema>

export const modelMemberSchema = z
  .object({
    architecture: architectureSchema,
    preprocessing: preprocessingSchema.nullable(),
    parameter_count: z.int(),
    source: modelSourceSchema,
    lineage: lineageSchema.nullable(),
  })
  .meta({ id: 'ModelMember' })
export type ModelMember = z.infer<typeof modelMemberSchema>

export const modelVersionSchema = z
  .object({
    object: z.literal('model_version'),
    model: z.string(),
    version: z.int(),
    kind: z.enum(['network', 'ensemble']),
    /** Null: an ensemble, each of whose members has its own. */
    architecture: architectureSchema.nullable(),
    /** Null: an ensemble, or the weights came without it and take encoded inputs. */
    preprocessing: preprocessingSchema.nullable(),
    /** Of an ensemble, else null. */
    members: z.array(modelMemberSchema).nullable(),
    parameter_count: z.int(),
    /** Of the stored weights; members follow one another. */
    sha256: z.string(),
    bytes: z.int(),
    source: modelSourceSchema,
    /** Null for what no job of this service has trained. */
    lineage: lineageSchema.nullable(),
    /** Null for versions from before there were signatures. */
    signature: modelSignatureSchema.nullable(),
    /** Body of a prediction that the model answers, with values as they are usual. */
    example: z.object({ records: z.array(recordSchema) }).nullable(),
    /** Those that name this version now. */
    aliases: z.array(z.string()),
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
    /** Newest that is not deleted. */
    latest_version: z.int(),
    /** The version that each names. */
    aliases: z.record(z.string(), z.int()),
    /** Newest first. */
    versions: z.array(modelVersionSchema.pick({ version: true, sha256: true, created_at: true })),
    created_at: timestampSchema,
  })
  .meta({ id: 'Model' })
export type Model = z.infer<typeof modelSchema>

export const modelParamsSchema = z.object({ name: z.string() })
export const modelVersionParamsSchema = z.object({
  name: z.string(),
  version: z.string().describe('A number, an alias, or "latest"'),
})
export const modelAliasParamsSchema = z.object({ name: z.string(), alias: z.string() })

export const moveAliasBodySchema = z.strictObject({
  version: z.int().min(1).max(MODEL_VERSION_MAX),
})

export const modelAliasSchema = z
  .object({
    object: z.literal('model_alias'),
    model: z.string(),
    alias: z.string(),
    version: z.int(),
    /** The version it named before; null for a new alias. */
    previous_version: z.int().nullable(),
  })
  .meta({ id: 'ModelAlias' })
export type ModelAlias = z.infer<typeof modelAliasSchema>

export const deleteModelQuerySchema = z.strictObject({
  purge: z.stringbool().optional().describe('Removes rows and weights for good'),
})

export const MODEL_EVENT_TYPES = [
  'model.version_created',
  'model.version_deleted',
  'model.alias_moved',
  'model.alias_deleted',
  'model.deleted',
] as const

export const modelEventSchema = z
  .object({
    object: z.literal('event'),
    id: eventIdSchema,
    /** Counts up by one within the model. */
    seq: z.int(),
    model: z.string(),
    created_at: timestampSchema,
    level: z.literal('info'),
    type: z.enum(MODEL_EVENT_TYPES),
    message: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'ModelEvent' })
export type ModelEvent = z.infer<typeof modelEventSchema>
