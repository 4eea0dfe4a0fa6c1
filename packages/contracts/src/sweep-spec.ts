/**
 * A sweep: many trainings of one base specification, each with other values of some of its fields. What is here says how
 * a sweep is written; whether it makes sense (paths, ranges, conditions) is checked by `packages/sweeps`.
 */
import { z } from 'zod'
import { mapOf } from './bounded.ts'
import {
  EPOCHS_MAX,
  jobSpecSchema,
  metadataSchema,
  SEED_MAX,
  watchedMetricSchema,
} from './job-spec.ts'
import { nameSchema } from './text.ts'

/** What a field of a specification may be. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | JsonValue[]
  | { [key: string]: JsonValue }

/** A body is JSON by the time it is looked at; what lies deeper is checked where the value is put. */
export const jsonValueSchema = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.unknown()),
  z.record(z.string(), z.unknown()),
]) as unknown as z.ZodType<JsonValue>

export const TRIALS_MAX = 10_000
export const REPEATS_MAX = 100
export const SWEPT_PARAMETERS_MAX = 64
/** Of all parameters together: each is tried before a sweep is accepted. */
export const LISTED_VALUES_MAX = 2000
export const PREVIEW_TRIALS_MAX = 1000

export const SWEEP_METHODS = ['random', 'grid', 'coarse_to_fine', 'tpe'] as const
export const sweepMethodSchema = z.enum(SWEEP_METHODS)
export type SweepMethod = z.infer<typeof sweepMethodSchema>

export const DISTRIBUTIONS = [
  'constant',
  'categorical',
  'uniform',
  'log_uniform',
  'q_uniform',
  'int_uniform',
  'int_log_uniform',
  'normal',
  'log_normal',
] as const

/** All that holds has to hold; a condition on a parameter that is itself left out does not. */
export const whenConditionSchema = z.strictObject({
  in: z.array(jsonValueSchema).min(1).max(1000).optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  min_layers: z.int().min(0).optional(),
  max_layers: z.int().min(0).optional(),
})
export type WhenCondition = z.infer<typeof whenConditionSchema>

export const sweptParameterSchema = z.strictObject({
  distribution: z
    .enum([...DISTRIBUTIONS, 'log_uniform_values'])
    .optional()
    .describe(
      'Left out: categorical with values, constant with value, int_uniform between whole numbers, else uniform',
    ),
  value: jsonValueSchema.optional(),
  values: z.array(jsonValueSchema).min(1).max(1000).optional(),
  probabilities: z.array(z.number().min(0)).max(1000).optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  q: z.number().positive().optional().describe('q_uniform: the step'),
  mu: z.number().optional(),
  sigma: z.number().positive().optional(),
  count: z.int().min(1).max(TRIALS_MAX).optional().describe('grid: points of a continuous range'),
  when: mapOf(z.string(), whenConditionSchema, { max: SWEPT_PARAMETERS_MAX })
    .optional()
    .describe('Present only where the parameters named here are as they say'),
})
export type SweptParameter = z.infer<typeof sweptParameterSchema>

/** Values by the dotted path of the field they stand for. */
export const trialParamsSchema = z.record(z.string(), jsonValueSchema)
export type TrialParams = z.infer<typeof trialParamsSchema>

export const objectiveSchema = z.strictObject({
  metric: watchedMetricSchema.optional(),
  goal: z.enum(['minimize', 'maximize']).optional(),
  target: z.number().optional().describe('The sweep ends as soon as a trial reaches it'),
  at: z
    .enum(['best', 'last'])
    .optional()
    .describe('best: of the epoch whose weights are kept as best'),
})

const rungEpochsSchema = z.int().min(1).max(EPOCHS_MAX)
const reductionSchema = z.int().min(2).max(10).optional()

export const earlyTerminationSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('median'),
    startup_trials: z.int().min(1).max(TRIALS_MAX).optional(),
    warmup_epochs: z.int().min(0).max(EPOCHS_MAX).optional(),
    interval_epochs: rungEpochsSchema.optional(),
    min_trials: z.int().min(1).max(TRIALS_MAX).optional(),
  }),
  z.strictObject({
    type: z.literal('asha'),
    min_epochs: rungEpochsSchema.optional(),
    max_epochs: rungEpochsSchema.optional(),
    reduction: reductionSchema,
  }),
  z.strictObject({
    type: z.literal('hyperband'),
    min_epochs: rungEpochsSchema.optional(),
    max_epochs: rungEpochsSchema.optional(),
    reduction: reductionSchema,
  }),
])
export type EarlyTerminationSpec = z.infer<typeof earlyTerminationSchema>

export const roundSpecSchema = z.strictObject({
  trials: z.int().min(1).max(TRIALS_MAX),
  shrink: z.number().gt(0).lt(1).optional().describe('Width kept of each range; 0.3'),
  top: z.int().min(1).max(TRIALS_MAX).optional().describe('Best trials the new ranges enclose; 5'),
})

/** What is stored of trials that have ended, as Determined names it; one of each kind is there to be kept. */
export const gcSpecSchema = z.strictObject({
  save_experiment_best: z
    .int()
    .min(0)
    .max(TRIALS_MAX)
    .optional()
    .describe('The best weights of so many of the best trials are kept in any case; 0'),
  save_trial_best: z
    .int()
    .min(0)
    .max(1)
    .optional()
    .describe('Whether those of every trial are kept; 1'),
  save_trial_latest: z
    .int()
    .min(0)
    .max(1)
    .optional()
    .describe('Whether the last weights and the checkpoints of every trial are kept; 1'),
})
export type GcSpec = z.infer<typeof gcSpecSchema>

export const sweepSpecSchema = z
  .strictObject({
    name: nameSchema.nullable().optional(),
    dataset_id: z.string().optional().describe('May stand in base instead, or in both if equal'),
    base: z.strictObject({ ...jobSpecSchema.shape, dataset_id: z.string().optional() }),
    method: sweepMethodSchema.optional(),
    seed: z.int().min(0).max(SEED_MAX).optional(),
    objective: objectiveSchema.optional(),
    parameters: mapOf(z.string(), sweptParameterSchema, { max: SWEPT_PARAMETERS_MAX }),
    constraints: z.array(z.string().min(1).max(1000)).max(32).optional(),
    initial_points: z.array(trialParamsSchema).max(100).optional(),
    repeats: z.int().min(1).max(REPEATS_MAX).optional(),
    max_trials: z.int().min(1).max(TRIALS_MAX).optional(),
    max_parallel: z.int().min(1).max(TRIALS_MAX).optional(),
    max_failed: z.int().min(0).max(TRIALS_MAX).optional(),
    max_seconds: z.number().positive().optional(),
    early_termination: earlyTerminationSchema.nullable().optional(),
    rounds: z.array(roundSpecSchema).min(1).max(10).optional(),
    gc: gcSpecSchema.optional().describe('Left out: all weights and checkpoints are kept'),
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'SweepSpec' })
export type SweepSpec = z.infer<typeof sweepSpecSchema>
