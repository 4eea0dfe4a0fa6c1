/** A sweep and its trials as they are answered. */
import { z } from 'zod'
import {
  datasetIdSchema,
  eventIdSchema,
  jobIdSchema,
  projectIdSchema,
  sweepIdSchema,
} from './ids.ts'
import { JOB_STATUSES, jobStatusSchema, whichWeightsSchema } from './job.ts'
import { watchedMetricSchema } from './job-spec.ts'
import { MEMBERS_MAX, modelNameSchema } from './model.ts'
import { listQuerySchema } from './pagination.ts'
import {
  jsonValueSchema,
  PREVIEW_TRIALS_MAX,
  sweepMethodSchema,
  sweepSpecSchema,
  TRIALS_MAX,
  trialParamsSchema,
} from './sweep-spec.ts'
import { timestampSchema } from './text.ts'

/** A sweep goes through what a job goes through. */
export const SWEEP_STATUSES = JOB_STATUSES
export const sweepStatusSchema = jobStatusSchema
export type SweepStatus = z.infer<typeof sweepStatusSchema>

export const sweepStopReasonSchema = z.enum([
  'trials_completed',
  'target_reached',
  'max_seconds',
  'max_failed',
  'cancelled',
])
export type SweepStopReason = z.infer<typeof sweepStopReasonSchema>

export const TRIAL_STATUSES = [
  'waiting',
  'running',
  'complete',
  'pruned',
  'failed',
  'cancelled',
  'infeasible',
] as const
export const trialStatusSchema = z.enum(TRIAL_STATUSES)
export type TrialStatus = z.infer<typeof trialStatusSchema>

/** The range of one parameter in a round, and why. */
export const roundRangeSchema = z.object({
  parameter: z.string(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  values: z.array(jsonValueSchema).nullable(),
  explanation: z.string(),
})
export type RoundRange = z.infer<typeof roundRangeSchema>

export const sweepRoundSchema = z.object({
  /** From 1. */
  round: z.int(),
  first_trial_index: z.int(),
  trials: z.int(),
  /** The trials that the ranges follow from, best first; none in the first round. */
  from_trials: z.array(z.int()),
  ranges: z.array(roundRangeSchema),
})
export type SweepRound = z.infer<typeof sweepRoundSchema>

export const trialObjectiveSchema = z.object({
  /** Mean over the repeats that have a value. */
  mean: z.number(),
  /** Standard deviation of the sample (n − 1); null below two. */
  std: z.number().nullable(),
  /** Of the mean, 95 % (Student's t); null below two. */
  confidence: z.object({ low: z.number(), high: z.number() }).nullable(),
  values: z.array(z.number()),
})
export type TrialObjective = z.infer<typeof trialObjectiveSchema>

export const trialSchema = z
  .object({
    object: z.literal('sweep.trial'),
    /** The trial's index as text, which is its cursor in a list. */
    id: z.string(),
    sweep_id: sweepIdSchema,
    trial_index: z.int(),
    status: trialStatusSchema,
    params: trialParamsSchema,
    /** One per repeat. */
    job_ids: z.array(jobIdSchema),
    /** Of coarse_to_fine. */
    round: z.int().nullable(),
    /** null until all repeats have ended, and where none has a value. */
    objective: trialObjectiveSchema.nullable(),
    /** Rank by objective among the trials that have one, from 1; equal values share it. */
    rank: z.int().nullable(),
    /** Whether its confidence interval overlaps that of the best trial; null without repeats. */
    ties_with_best: z.boolean().nullable(),
    epochs: z.int(),
    /** Of tpe: how many finished trials the choice had seen. */
    seen_trials: z.int().nullable(),
    /** Place in the order of finishing, from 1. */
    finished_order: z.int().nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  })
  .meta({ id: 'Trial' })
export type Trial = z.infer<typeof trialSchema>

export const sweepSchema = z
  .object({
    object: z.literal('sweep'),
    id: sweepIdSchema,
    project_id: projectIdSchema,
    name: z.string().nullable(),
    status: sweepStatusSchema,
    stop_reason: sweepStopReasonSchema.nullable(),
    dataset_id: datasetIdSchema,
    config: sweepSpecSchema,
    method: sweepMethodSchema,
    seed: z.int(),
    objective: z.object({
      metric: watchedMetricSchema,
      goal: z.enum(['minimize', 'maximize']),
      target: z.number().nullable(),
      at: z.enum(['best', 'last']),
    }),
    max_trials: z.int(),
    repeats: z.int(),
    trials: z.record(trialStatusSchema, z.int()),
    /** Done trials of all. */
    progress: z.number(),
    epochs: z.int(),
    best: trialSchema.nullable(),
    rounds: z.array(sweepRoundSchema),
    /** The best lies close to a bound of what was searched. */
    warnings: z.array(
      z.object({
        parameter: z.string(),
        bound: z.enum(['min', 'max']),
        value: z.number(),
        limit: z.number(),
        detail: z.string(),
        suggested_min: z.number(),
        suggested_max: z.number(),
      }),
    ),
    /** Failed trials by the code of their error. */
    failures: z.record(z.string(), z.int()),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    metadata: z.record(z.string(), z.string()),
    created_at: timestampSchema,
    started_at: timestampSchema.nullable(),
    finished_at: timestampSchema.nullable(),
  })
  .meta({ id: 'Sweep' })
export type Sweep = z.infer<typeof sweepSchema>

export const previewTrialSchema = z.object({
  trial_index: z.int(),
  params: trialParamsSchema,
  parameter_count: z.int().nullable(),
  /** Floating-point operations of all its epochs and repeats; null where the configuration is refused. */
  flops: z.number().nullable(),
  /** On one thread. */
  seconds: z.number().nullable(),
  /** Why the trial will fail, in a configuration that the service refuses. */
  error: z.string().nullable(),
})
export type PreviewTrial = z.infer<typeof previewTrialSchema>

export const sweepPreviewSchema = z
  .object({
    object: z.literal('sweep_preview'),
    /** Of tpe and later rounds of coarse_to_fine only what does not depend on results. */
    trials: z.array(previewTrialSchema),
    has_more: z.boolean(),
    total: z.object({
      trials: z.int(),
      /** Whose configurations are settled before anything has run. */
      settled_trials: z.int(),
      jobs: z.int(),
      flops: z.number(),
      /** Of one thread; divide by the threads of all workers. */
      seconds: z.number(),
      /** The trials of this page stand for the others. */
      extrapolated: z.boolean(),
    }),
    speed: z.object({
      flops_per_second: z.number(),
      basis: z.enum(['measured', 'assumed']),
    }),
    /** How many trials are expected to train on after each decision; null without early termination by rungs. */
    expected_pruning: z
      .array(z.object({ epochs: z.int(), trials_reaching: z.number() }))
      .nullable(),
    expected_epochs: z.number(),
  })
  .meta({ id: 'SweepPreview' })
export type SweepPreview = z.infer<typeof sweepPreviewSchema>

export const previewSweepQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(PREVIEW_TRIALS_MAX).default(PREVIEW_TRIALS_MAX),
  after: z.coerce.number().int().min(0).max(TRIALS_MAX).optional().describe('A trial_index'),
})

export const listSweepsQuerySchema = listQuerySchema.extend({
  status: sweepStatusSchema.optional(),
})

export const listTrialsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.coerce.number().int().min(0).max(TRIALS_MAX).optional().describe('The id of a trial'),
  sort: z.enum(['trial_index', 'objective']).default('trial_index'),
  status: trialStatusSchema.optional(),
})

export const changeSweepBodySchema = z.strictObject({
  max_trials: z.int().min(1).max(TRIALS_MAX).describe('More than before'),
})

export const sweepParamsSchema = z.object({ id: z.string() })
export const trialPathSchema = z.object({ id: z.string(), trial_index: z.string() })

/** The best trial, or the one named, as a version of a model. */
export const promoteSweepBodySchema = z.strictObject({
  name: modelNameSchema,
  trial_index: z.int().min(0).max(TRIALS_MAX).optional(),
  which: whichWeightsSchema.optional(),
})
export type PromoteSweepBody = z.infer<typeof promoteSweepBodySchema>

/** The best trials as one model whose probabilities, or values, are averaged. */
export const ensembleSweepBodySchema = z.strictObject({
  name: modelNameSchema,
  top: z.int().min(2).max(MEMBERS_MAX).default(5),
})
export type EnsembleSweepBody = z.infer<typeof ensembleSweepBodySchema>

export const sweepImportanceSchema = z
  .object({
    object: z.literal('sweep_importance'),
    method: z.literal('fanova'),
    /** Trials that the forest has learnt from. */
    trials: z.int(),
    parameters: z.array(
      z.object({
        parameter: z.string(),
        share: z.number().describe('Of the variance of the objective, explained by this one alone'),
        std: z.number().describe('Over the trees of the forest'),
        slice: z
          .array(z.object({ value: jsonValueSchema, mean: z.number(), std: z.number() }))
          .describe('The objective expected along the parameter, averaged over all others'),
      }),
    ),
    interactions: z.number().describe('Share that no parameter explains alone'),
  })
  .meta({ id: 'SweepImportance' })
export type SweepImportance = z.infer<typeof sweepImportanceSchema>

export const trialReplaySchema = z
  .object({
    object: z.literal('sweep.trial_replay'),
    id: z.string().describe('The index of the trial as text, which is its cursor'),
    trial_index: z.int(),
    seen_trials: z
      .int()
      .nullable()
      .describe('tpe: the first so many in the order of finishing are what the choice had seen'),
    finished_order: z.int().nullable(),
    params: trialParamsSchema.nullable().describe('As recorded; null where there was none to draw'),
    replayed_params: trialParamsSchema.nullable(),
    decisions: z
      .array(
        z.object({
          position: z.int().describe('In the order in which the trials of the sweep were heard'),
          epoch: z.int(),
          value: z.number().nullable().describe('Lower is better; null for what is no number'),
          decision: z.record(z.string(), z.unknown()),
          replayed_decision: z.record(z.string(), z.unknown()).nullable(),
        }),
      )
      .describe('Of early termination, each from what was said before it'),
    identical: z.boolean().describe('All of it came out as it was recorded'),
  })
  .meta({ id: 'TrialReplay' })
export type TrialReplay = z.infer<typeof trialReplaySchema>

export const replaySweepQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.coerce.number().int().min(0).max(TRIALS_MAX).optional().describe('The id of a trial'),
})

export const SWEEP_EVENT_TYPES = [
  'sweep.created',
  'sweep.started',
  'sweep.round_started',
  'sweep.pausing',
  'sweep.paused',
  'sweep.resumed',
  'sweep.extended',
  'sweep.cancelling',
  'sweep.cancelled',
  'sweep.succeeded',
  'sweep.failed',
  'trial.started',
  'trial.epoch_completed',
  'trial.completed',
  'trial.pruned',
  'trial.failed',
  'trial.best',
] as const
export const sweepEventTypeSchema = z.enum(SWEEP_EVENT_TYPES)
export type SweepEventType = z.infer<typeof sweepEventTypeSchema>

export const sweepEventSchema = z
  .object({
    object: z.literal('event'),
    id: eventIdSchema,
    seq: z.int(),
    sweep_id: sweepIdSchema,
    created_at: timestampSchema,
    level: z.enum(['info', 'warn', 'error']),
    type: sweepEventTypeSchema,
    message: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'SweepEvent' })
export type SweepEvent = z.infer<typeof sweepEventSchema>
