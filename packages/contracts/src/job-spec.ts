/**
 * A training job as callers write it. Every field of the public contract is here, so that a misspelt one is a 422;
 * which of them the engine can already carry out is decided in `domain/supported.ts`. Nothing has a default here:
 * defaults depend on each other and on the data, and are filled in by `domain/resolve-config.ts`.
 */
import { z } from 'zod'
import { listOf, mapOf } from './bounded.ts'
import { DATASET_COLUMNS_MAX, taskSchema } from './dataset.ts'
import { nameSchema } from './text.ts'

export const LAYERS_MAX = 64
export const UNITS_MAX = 65_536
export const EPOCHS_MAX = 100_000
export const BATCH_SIZE_MAX = 65_536
/** With these two, no update of a finite gradient can leave float32. */
export const LEARNING_RATE_MAX = 1e9
export const EPSILON_MIN = 1e-10
/** A δ beyond it is the parabola everywhere: float32 could not tell. */
export const HUBER_DELTA_MAX = 1e9
/** Of a target. */
export const CLASSES_MAX = 1000
/** Of a text column that takes part in training. */
export const LEVELS_MAX = 10_000
/** The weighted sum of a batch stays in float32. */
export const CLASS_WEIGHT_MAX = 1e9
/** Noise of any more leaves nothing of inputs that float32 holds. */
export const NOISE_STD_MAX = 1e6
/** Beyond it every share is one half. */
export const MIXUP_ALPHA_MAX = 1e6
export const FOLDS_MAX = 20
/** What Postgres has room for. */
export const MODEL_VERSION_MAX = 2 ** 31 - 1
export const SEED_MAX = Number.MAX_SAFE_INTEGER

export const ACTIVATIONS = [
  'linear',
  'step',
  'sigmoid',
  'tanh',
  'relu',
  'leaky_relu',
  'elu',
  'selu',
  'gelu',
  'silu',
  'softplus',
  'softsign',
] as const
export const activationSchema = z.enum(ACTIVATIONS)

export const LOSSES = [
  'cross_entropy',
  'binary_cross_entropy',
  'hinge',
  'mse',
  'mae',
  'huber',
] as const
export const lossSchema = z.enum(LOSSES)

export const initializerSchema = z.union([
  z.enum([
    'auto',
    'zeros',
    'xavier_normal',
    'xavier_uniform',
    'glorot_normal',
    'glorot_uniform',
    'he_normal',
    'he_uniform',
    'lecun_normal',
    'orthogonal',
  ]),
  z.strictObject({ type: z.literal('normal'), std: z.number().positive() }),
  z.strictObject({ type: z.literal('uniform'), limit: z.number().positive() }),
])

const fractionSchema = z.number().min(0).lt(1)
const learningRateSchema = z.number().positive().max(LEARNING_RATE_MAX)
const classWeightSchema = z.number().min(0).max(CLASS_WEIGHT_MAX)
const betaSchema = z.number().min(0).lt(1)
const epsilonSchema = z.number().min(EPSILON_MIN)

export const hiddenLayerSchema = z.strictObject({
  units: z.int().min(1).max(UNITS_MAX),
  activation: activationSchema.optional(),
  initializer: initializerSchema.optional(),
  batch_norm: z.boolean().optional(),
  dropout: fractionSchema.optional(),
})

export type HiddenLayerSpec = z.infer<typeof hiddenLayerSchema>

export const modelSpecSchema = z.strictObject({
  hidden: z.array(hiddenLayerSchema).max(LAYERS_MAX - 1),
  input_dropout: fractionSchema.nullable().optional(),
  output: z
    .union([
      z.literal('auto'),
      z.strictObject({
        activation: z.enum(['softmax', 'sigmoid', 'linear', 'step']).optional(),
        initializer: initializerSchema.optional(),
      }),
    ])
    .optional(),
})

export const optimizerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('sgd'), learning_rate: learningRateSchema.optional() }),
  z.strictObject({
    type: z.literal('momentum'),
    learning_rate: learningRateSchema.optional(),
    momentum: betaSchema.optional(),
    nesterov: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal('rmsprop'),
    learning_rate: learningRateSchema.optional(),
    rho: betaSchema.optional(),
    epsilon: epsilonSchema.optional(),
  }),
  z.strictObject({ type: z.literal('adagrad'), learning_rate: learningRateSchema.optional() }),
  z.strictObject({
    type: z.literal('adam'),
    learning_rate: learningRateSchema.optional(),
    beta1: betaSchema.optional(),
    beta2: betaSchema.optional(),
    epsilon: epsilonSchema.optional(),
    bias_correction: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal('adamw'),
    learning_rate: learningRateSchema.optional(),
    beta1: betaSchema.optional(),
    beta2: betaSchema.optional(),
    epsilon: epsilonSchema.optional(),
    weight_decay: z.number().min(0).optional(),
  }),
  z.strictObject({ type: z.literal('perceptron'), learning_rate: learningRateSchema.optional() }),
])

const warmupEpochsSchema = z.int().min(0).max(EPOCHS_MAX).optional()
const decayFactorSchema = z.number().positive().max(1)

export const lrScheduleSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('constant'), warmup_epochs: warmupEpochsSchema }),
  z.strictObject({
    type: z.literal('step'),
    every_epochs: z.int().min(1).max(EPOCHS_MAX),
    factor: decayFactorSchema,
    warmup_epochs: warmupEpochsSchema,
  }),
  z.strictObject({
    type: z.literal('exponential'),
    factor: decayFactorSchema,
    warmup_epochs: warmupEpochsSchema,
  }),
  z.strictObject({
    type: z.literal('per_step'),
    factor: decayFactorSchema,
    warmup_epochs: warmupEpochsSchema,
  }),
  z.strictObject({ type: z.literal('cosine'), warmup_epochs: warmupEpochsSchema }),
  z.strictObject({ type: z.literal('linear'), warmup_epochs: warmupEpochsSchema }),
  z.strictObject({
    type: z.literal('inverse_time'),
    decay: z.number().positive(),
    warmup_epochs: warmupEpochsSchema,
  }),
  z.strictObject({
    type: z.literal('reduce_on_plateau'),
    factor: decayFactorSchema.optional(),
    patience: z.int().min(1).optional(),
    cooldown: z.int().min(0).optional(),
    min_lr: z.number().min(0).optional(),
    warmup_epochs: warmupEpochsSchema,
  }),
])

export const watchedMetricSchema = z.enum([
  'val_loss',
  'val_accuracy',
  'train_loss',
  'train_accuracy',
])

export const earlyStoppingSchema = z.strictObject({
  metric: watchedMetricSchema.optional(),
  patience: z.int().min(1).max(EPOCHS_MAX).optional(),
  min_delta: z.number().min(0).optional(),
})

/** Huber with a δ of one's own. */
export const huberSchema = z.strictObject({
  type: z.literal('huber'),
  delta: z.number().positive().max(HUBER_DELTA_MAX).optional(),
})

const pixelsSchema = z.int().min(1).max(UNITS_MAX)
const imageSideSchemas = { height: pixelsSchema, width: pixelsSchema }

/** One change of the training rows, drawn anew for every epoch and row; docs/augmentation.md has the formulas. */
export const augmentationSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('gaussian_noise'),
    std: z.number().positive().max(NOISE_STD_MAX),
  }),
  z.strictObject({ type: z.literal('feature_drop'), p: fractionSchema }),
  z.strictObject({ type: z.literal('mixup'), alpha: z.number().positive().max(MIXUP_ALPHA_MAX) }),
  z.strictObject({ type: z.literal('shift'), pixels: pixelsSchema }),
  z.strictObject({ type: z.literal('flip'), axis: z.enum(['horizontal', 'vertical']) }),
  z.strictObject({ type: z.literal('rotate'), degrees: z.number().positive().max(180) }),
  z.strictObject({ type: z.literal('crop'), pixels: pixelsSchema }),
])
export type AugmentationSpec = z.infer<typeof augmentationSchema>

export const trainingSpecSchema = z.strictObject({
  loss: z.union([z.enum(['auto', ...LOSSES]), huberSchema]).optional(),
  optimizer: optimizerSchema.optional(),
  lr_schedule: lrScheduleSchema.nullable().optional(),
  regularization: z
    .strictObject({ l1: z.number().min(0).optional(), l2: z.number().min(0).optional() })
    .nullable()
    .optional(),
  batch_size: z.union([z.literal('full'), z.int().min(1).max(BATCH_SIZE_MAX)]).optional(),
  epochs: z.int().min(1).max(EPOCHS_MAX).optional(),
  shuffle: z.boolean().optional(),
  early_stopping: earlyStoppingSchema.nullable().optional(),
  gradient_clip: z
    .union([
      z.strictObject({ norm: z.number().positive() }),
      z.strictObject({ value: z.number().positive() }),
    ])
    .nullable()
    .optional(),
  class_weight: z
    .union([
      z.literal('balanced'),
      mapOf(z.string(), classWeightSchema, { max: CLASSES_MAX }),
      z.array(classWeightSchema).max(CLASSES_MAX),
    ])
    .nullable()
    .optional(),
  oversample: z
    .boolean()
    .optional()
    .describe('Repeats training rows of small classes until all classes are as large'),
  label_smoothing: fractionSchema.nullable().optional(),
  augmentation: z.array(augmentationSchema).max(8).nullable().optional(),
  image: z
    .strictObject({ ...imageSideSchemas, channels: z.int().min(1).max(UNITS_MAX).optional() })
    .nullable()
    .optional()
    .describe('How the inputs are laid out: row by row, the channels of a pixel side by side'),
  threads: z.union([z.literal('auto'), z.int().min(1).max(64)]).optional(),
})

export const numericScalingSchema = z.enum(['none', 'standardize', 'min_max', 'robust'])

/** What differs from the rest for one column. */
export const columnPreprocessingSchema = z.strictObject({
  numeric: numericScalingSchema.optional(),
  log1p: z.boolean().optional().describe('Scale ln(1 + value); for amounts of many magnitudes'),
  missing: z
    .union([
      z.enum(['mean', 'median', 'most_frequent', 'error']),
      z.strictObject({ constant: z.union([z.number(), z.string()]) }),
    ])
    .optional(),
  encoding: z.enum(['one_hot', 'ordinal']).optional(),
  order: listOf(z.string(), { max: LEVELS_MAX })
    .optional()
    .describe('All levels of an ordinal column from the lowest to the highest; else as listed'),
})

export const preprocessingSpecSchema = z.strictObject({
  numeric: numericScalingSchema.optional(),
  target: z.enum(['auto', 'none', 'standardize']).optional(),
  missing: z
    .union([
      z.enum(['mean', 'median', 'most_frequent', 'drop_row', 'error']),
      z.strictObject({ constant: z.number() }),
    ])
    .optional(),
  missing_indicators: z.boolean().optional(),
  columns: mapOf(z.string(), columnPreprocessingSchema, { max: DATASET_COLUMNS_MAX }).optional(),
  unseen_category: z.enum(['zero', 'other', 'error']).optional(),
  max_levels: z.int().min(1).max(1024).optional(),
})

export const validationSpecSchema = z.union([
  z.strictObject({
    fraction: z.number().gt(0).lt(1).optional(),
    stratify: z.boolean().optional(),
    group_column: z.string().optional(),
  }),
  z.strictObject({ dataset_id: z.string() }),
  z.strictObject({
    folds: z.int().min(2).max(FOLDS_MAX),
    stratify: z.boolean().optional(),
    group_column: z.string().optional(),
  }),
])

/** Rows that neither train nor decide when to stop or which weights are kept. */
export const testSpecSchema = z.union([
  z.strictObject({
    fraction: z.number().gt(0).lt(1).describe('Of all rows, as that of validation is'),
    stratify: z.boolean().optional(),
    group_column: z.string().optional(),
  }),
  z.strictObject({ dataset_id: z.string() }),
])

/** At most 16 pairs, keys of 64 and values of 512 characters. */
export const metadataSchema = mapOf(z.string().min(1).max(64), z.string().max(512), { max: 16 })

export const jobSpecSchema = z
  .strictObject({
    name: nameSchema.nullable().optional(),
    dataset_id: z.string(),
    task: z.enum(['auto', ...taskSchema.options]).optional(),
    preprocessing: preprocessingSpecSchema.optional(),
    validation: validationSpecSchema.nullable().optional(),
    test: testSpecSchema.nullable().optional(),
    model: z.union([z.literal('auto'), modelSpecSchema]).optional(),
    training: trainingSpecSchema.optional(),
    initial_weights: z
      .strictObject({
        model: z.string(),
        version: z.int().min(1).max(MODEL_VERSION_MAX).optional(),
      })
      .nullable()
      .optional(),
    limits: z
      .strictObject({
        max_seconds: z.number().positive().optional(),
        target: z
          .strictObject({
            metric: watchedMetricSchema,
            goal: z.enum(['minimize', 'maximize']),
            value: z.number(),
          })
          .optional(),
      })
      .nullable()
      .optional(),
    checkpoint: z
      .strictObject({
        every_seconds: z.number().min(0.1).optional(),
        keep: z.int().min(1).max(10).optional(),
      })
      .optional(),
    seed: z.int().min(0).max(SEED_MAX).optional(),
    priority: z.int().min(-1000).max(1000).optional(),
    metadata: metadataSchema.optional(),
    webhook: z
      .strictObject({ url: z.url(), events: z.array(z.string()).max(64).optional() })
      .nullable()
      .optional(),
  })
  .meta({ id: 'JobSpec' })
export type JobSpec = z.infer<typeof jobSpecSchema>
