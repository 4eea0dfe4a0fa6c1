import { z } from 'zod'
import { taskSchema } from './dataset.ts'
import {
  activationSchema,
  augmentationSchema,
  columnPreprocessingSchema,
  initializerSchema,
  numericScalingSchema,
  watchedMetricSchema,
} from './job-spec.ts'

const warmup_epochs = z.int()
const resolvedScheduleSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('constant'), warmup_epochs }),
  z.object({
    type: z.literal('step'),
    every_epochs: z.int(),
    factor: z.number(),
    warmup_epochs,
  }),
  z.object({ type: z.literal('exponential'), factor: z.number(), warmup_epochs }),
  z.object({ type: z.literal('per_step'), factor: z.number(), warmup_epochs }),
  z.object({ type: z.literal('cosine'), warmup_epochs }),
  z.object({ type: z.literal('linear'), warmup_epochs }),
  z.object({ type: z.literal('inverse_time'), decay: z.number(), warmup_epochs }),
  z.object({
    type: z.literal('reduce_on_plateau'),
    factor: z.number(),
    patience: z.int(),
    cooldown: z.int(),
    min_lr: z.number(),
    warmup_epochs,
  }),
])

/** The whole of a job with every default and every "auto" filled in: what a worker trains by, and what a caller is shown. */
export const resolvedConfigSchema = z
  .object({
    task: taskSchema,
    preprocessing: z.object({
      numeric: numericScalingSchema,
      target: z.enum(['none', 'standardize']),
      missing: z.union([
        z.enum(['mean', 'median', 'most_frequent', 'drop_row', 'error']),
        z.object({ constant: z.number() }),
      ]),
      missing_indicators: z.boolean().default(false),
      unseen_category: z.enum(['zero', 'other', 'error']),
      max_levels: z.int(),
      /** What differs for single columns, as it was asked for. */
      columns: z.record(z.string(), columnPreprocessingSchema).default({}),
    }),
    validation: z
      .union([
        z.object({
          fraction: z.number(),
          stratify: z.boolean(),
          /** Rows with the same value here stay together. */
          group_column: z.string().nullable().default(null),
        }),
        z.object({
          folds: z.int(),
          stratify: z.boolean(),
          group_column: z.string().nullable().default(null),
        }),
        /** All rows of another data set; the whole of the job's own trains. */
        z.object({ dataset_id: z.string(), rows: z.int() }),
      ])
      .nullable(),
    /** Drawn before the validation part, and by it alone: the same rows whatever validates. */
    test: z
      .union([
        z.object({
          fraction: z.number(),
          stratify: z.boolean(),
          group_column: z.string().nullable(),
        }),
        z.object({ dataset_id: z.string(), rows: z.int() }),
      ])
      .nullable()
      .default(null),
    model: z.object({
      inputs: z.int(),
      hidden: z.array(
        z.object({
          units: z.int(),
          activation: activationSchema,
          initializer: initializerSchema,
          batch_norm: z.boolean(),
          dropout: z.number(),
        }),
      ),
      input_dropout: z.number(),
      output: z.object({
        units: z.int(),
        activation: z.enum(['softmax', 'sigmoid', 'linear', 'step']),
        initializer: initializerSchema,
      }),
    }),
    training: z.object({
      loss: z.union([
        z.enum(['cross_entropy', 'binary_cross_entropy', 'hinge', 'perceptron', 'mse', 'mae']),
        z.object({ type: z.literal('huber'), delta: z.number() }),
      ]),
      optimizer: z.discriminatedUnion('type', [
        z.object({ type: z.literal('sgd'), learning_rate: z.number() }),
        z.object({
          type: z.literal('momentum'),
          learning_rate: z.number(),
          momentum: z.number(),
          nesterov: z.boolean(),
        }),
        z.object({
          type: z.literal('rmsprop'),
          learning_rate: z.number(),
          rho: z.number(),
          epsilon: z.number(),
        }),
        z.object({ type: z.literal('adagrad'), learning_rate: z.number() }),
        z.object({
          type: z.literal('adam'),
          learning_rate: z.number(),
          beta1: z.number(),
          beta2: z.number(),
          epsilon: z.number(),
          bias_correction: z.boolean(),
        }),
        z.object({
          type: z.literal('adamw'),
          learning_rate: z.number(),
          beta1: z.number(),
          beta2: z.number(),
          epsilon: z.number(),
          weight_decay: z.number(),
        }),
        z.object({ type: z.literal('perceptron'), learning_rate: z.number() }),
      ]),
      lr_schedule: resolvedScheduleSchema.nullable(),
      regularization: z.object({ l1: z.number(), l2: z.number() }).nullable(),
      batch_size: z.int(),
      epochs: z.int(),
      shuffle: z.boolean(),
      early_stopping: z
        .object({ metric: watchedMetricSchema, patience: z.int(), min_delta: z.number() })
        .nullable(),
      gradient_clip: z
        .union([z.object({ norm: z.number() }), z.object({ value: z.number() })])
        .nullable(),
      /** `balanced`, or one weight per class in the order of the classes. */
      class_weight: z.union([z.literal('balanced'), z.array(z.number())]).nullable(),
      /** Whether training rows of small classes are repeated until all classes are as large. */
      oversample: z.boolean().default(false),
      label_smoothing: z.number(),
      augmentation: z.array(augmentationSchema).nullable().default(null),
      image: z
        .object({ height: z.int(), width: z.int(), channels: z.int() })
        .nullable()
        .default(null),
      /** Most threads at once; `auto` is decided by the worker while it trains. No number changes a result. */
      threads: z.union([z.literal('auto'), z.int()]),
    }),
    /** The weights that training starts from; their content cannot change. Null: the initializers'. */
    initial_weights: z
      .object({ model: z.string(), version: z.int(), sha256: z.string() })
      .nullable(),
    limits: z.object({
      max_seconds: z.number().nullable(),
      target: z
        .object({
          metric: watchedMetricSchema,
          goal: z.enum(['minimize', 'maximize']),
          value: z.number(),
        })
        .nullable(),
    }),
    /** How often the whole state of the training is kept, so that a lost worker costs no more; and how many. */
    checkpoint: z.object({ every_seconds: z.number(), keep: z.int() }),
    seed: z.int(),
  })
  .meta({ id: 'ResolvedConfig' })
export type ResolvedConfig = z.infer<typeof resolvedConfigSchema>
