import {
  type JobSpec,
  type MetricsSummary,
  SEED_MAX,
  type Sweep,
  type TrialParams,
} from '@trainyard/contracts'
import { createRandom } from '@trainyard/engine/random'
import { type JobSpecFault, toJobSpec } from './job-spec-of.ts'
import type { ResolvedSweep } from './resolve-sweep.ts'

/** Seeds drawn are short enough to be typed again. */
const DRAWN_SEEDS = 2 ** 31
/** Below the speed of any machine this was run on: what is short here is short there. */
const FLOPS_PER_SECOND_ASSUMED = 30e9
/** What networks of a few units cost beside their arithmetic. */
const STEP_MS = 0.001
const EPOCH_MS = 0.02
/** Claiming, preparing and storing, of one among many. */
const OVERHEAD_MS = 1
const SHORT_MS_MAX = 50

/**
 * The specifications of a trial's trainings, one per repeat. All trials share the seeds, and with them the split and the
 * draws of the initial weights: what differs between trials is what the parameters do.
 */
export function toTrialSpecs(
  sweep: ResolvedSweep,
  params: TrialParams,
): { specs: JobSpec[] } | { faults: JobSpecFault[] } {
  const result = toJobSpec(sweep.base, sweep.datasetId, params)
  if ('faults' in result) return result
  const { spec } = result
  const random = createRandom(BigInt(sweep.seed), 'trial seeds')
  const specs = Array.from({ length: sweep.repeats }, (_, repeat) => ({
    ...spec,
    seed: spec.seed === undefined ? random.below(repeat, DRAWN_SEEDS) : countOn(spec.seed, repeat),
  }))
  return { specs }
}

/** After the largest seed comes 0. */
function countOn(seed: number, repeat: number): number {
  const left = SEED_MAX - seed
  return repeat <= left ? seed + repeat : repeat - left - 1
}

/** What a training has reached, as it is; null where it has nothing to show. */
export function objectiveOf(
  objective: Sweep['objective'],
  job: {
    status: string
    best: { metrics: MetricsSummary } | null
    final: { metrics: MetricsSummary } | null
  },
): number | null {
  if (job.status !== 'succeeded') return null
  const end = objective.at === 'best' ? job.best : job.final
  return end?.metrics[objective.metric] ?? null
}

/** Lower is better. */
export function toLoss(objective: Pick<Sweep['objective'], 'goal'>, value: number): number {
  return objective.goal === 'minimize' ? value : -value
}

/** The value that was made a loss, as the goal has it. */
export function fromLoss(objective: Pick<Sweep['objective'], 'goal'>, loss: number): number {
  return toLoss(objective, loss)
}

export interface TrainingCost {
  epochs: number
  stepsPerEpoch: number
  flopsPerEpoch: number
}

/** How long a training is expected to take, if that is so short that many are handed over at a time; else null. Never measured: a sweep does not depend on who runs it. */
export function expectShort(
  sweep: ResolvedSweep,
  { epochs, stepsPerEpoch, flopsPerEpoch }: TrainingCost,
): number | null {
  const { validation, limits } = sweep.base
  const hasFolds = validation != null && 'folds' in validation
  if (hasFolds || limits?.max_seconds !== undefined || sweep.earlyTermination !== null) return null
  const epochMs =
    EPOCH_MS + stepsPerEpoch * STEP_MS + (flopsPerEpoch / FLOPS_PER_SECOND_ASSUMED) * 1000
  const ms = OVERHEAD_MS + epochs * epochMs
  return ms < SHORT_MS_MAX ? ms : null
}
