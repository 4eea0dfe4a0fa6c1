/** The next trials of a sweep: which indexes, their values, and the jobs that come of them. */
import { createId, type SweepRound, type TrialParams } from '@trainyard/contracts'
import {
  DomainError,
  type NewTrial,
  type RunningSweep,
  type ScoredTrialRow,
} from '@trainyard/domain'
import { quoteTraining } from '@trainyard/model/quote'
import {
  expectShort,
  narrowSpace,
  pickBest,
  type ResolvedSweep,
  type ScoredTrial,
  shrinkRanges,
  toLoss,
  toTrialSpecs,
  wholeRanges,
} from '@trainyard/sweeps'
import type { Search } from './load-search.ts'

/** Short trials are claimed up to 64 at a time: of those of a slot some train, some are written, and some wait. */
const AHEAD_PER_SLOT = 192
/** Of one round, so that other sweeps have their turn; and of one transaction. */
const CHOSEN_MAX = 256

/** How many more trials may be chosen now. */
export function roomFor(
  { sweep }: Search,
  running: RunningSweep,
  openTrials: number,
  slots: number,
): number {
  const threads = Math.max(1, slots)
  const isAdaptive = sweep.method === 'tpe' || sweep.earlyTermination !== null
  const ahead = isAdaptive
    ? sweep.method === 'tpe'
      ? threads
      : 2 * threads
    : Math.ceil((threads * AHEAD_PER_SLOT) / sweep.repeats)
  const parallel = Math.min(ahead, sweep.maxParallel ?? Number.POSITIVE_INFINITY)
  const left = sweep.maxTrials - running.chosen
  return Math.max(0, Math.min(left, parallel - openTrials, CHOSEN_MAX))
}

/** The round that the next trial opens; null where its round is open already, or the one before has not ended. */
export function nextRound(
  { sweep }: Search,
  running: RunningSweep,
  openTrials: number,
  scored: readonly ScoredTrialRow[],
): SweepRound | null {
  const index = sweep.rounds.findIndex((round) => round.firstTrialIndex === running.chosen)
  const plan = sweep.rounds[index]
  if (plan === undefined || running.rounds.length > index || openTrials > 0) return null
  const opening = {
    round: index + 1,
    first_trial_index: plan.firstTrialIndex,
    trials: plan.trials,
  }
  const before = running.rounds.at(-1)
  if (before === undefined) {
    return { ...opening, from_trials: [], ranges: wholeRanges(sweep.space) }
  }
  const best = pickBest(toScored(sweep, scored), plan.top)
  const space = narrowSpace(sweep.space, before.ranges)
  return {
    ...opening,
    from_trials: best.map(({ trialIndex }) => trialIndex),
    ranges: shrinkRanges({ whole: sweep.space, space }, best, plan.shrink),
  }
}

/** Trials that the sweep may choose before a round has to end. */
export function leftInRound({ sweep }: Search, running: RunningSweep): number {
  if (sweep.rounds.length === 0) return Number.POSITIVE_INFINITY
  const plan = sweep.rounds[running.rounds.length - 1]
  if (plan === undefined) return 0
  return Math.max(0, plan.firstTrialIndex + plan.trials - running.chosen)
}

export function chooseTrials(
  search: Search,
  running: RunningSweep,
  count: number,
  scored: readonly ScoredTrialRow[],
  memoryBytesMax: number,
): NewTrial[] {
  const { sweep } = search
  const isTpe = sweep.method === 'tpe'
  const seen = isTpe ? toScored(sweep, scored) : []
  const round = running.rounds.at(-1) ?? null
  return Array.from({ length: count }, (_, i) => {
    const trialIndex = running.chosen + i
    const params = search.suggest(trialIndex, { seen, ranges: round?.ranges ?? [] })
    const chosen = {
      trialIndex,
      round: round?.round ?? null,
      seenTrials: isTpe ? running.finishedTrials : null,
    }
    if (params === null) {
      const message = 'no draw that the constraints allow was found'
      const refused = { status: 'infeasible', error: { code: 'infeasible', message } } as const
      return { ...chosen, params: {}, refused, jobs: [] }
    }
    return { ...chosen, params, ...toJobs(search, params, memoryBytesMax) }
  })
}

function toJobs(
  { sweep, facts }: Search,
  params: TrialParams,
  memoryBytesMax: number,
): Pick<NewTrial, 'refused' | 'jobs'> {
  const refuse = (message: string) => ({
    refused: { status: 'failed', error: { code: 'invalid_config', message } } as const,
    jobs: [],
  })
  const result = toTrialSpecs(sweep, params)
  if ('faults' in result)
    return refuse(result.faults.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; '))
  try {
    const jobs = result.specs.map((spec, repeat) => {
      const drawSeed = () => spec.seed ?? 0
      const quote = quoteTraining(spec, facts, { memoryBytesMax, drawSeed })
      const { epochs, batch_size: batchSize } = quote.resolved_config.training
      const stepsPerEpoch = Math.ceil(quote.training_rows / batchSize)
      const cost = { epochs, stepsPerEpoch, flopsPerEpoch: quote.flops_per_epoch }
      return {
        id: createId('job'),
        repeat,
        config: spec,
        resolvedConfig: quote.resolved_config,
        parameterCount: quote.parameter_count,
        expectedMs: expectShort(sweep, cost),
      }
    })
    return { refused: null, jobs }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return refuse(error.message)
  }
}

/** Those that have a value, as losses. */
export function toScored(
  sweep: Pick<ResolvedSweep, 'objective'>,
  rows: readonly ScoredTrialRow[],
): ScoredTrial[] {
  return rows.flatMap(({ trialIndex, params, objective }) =>
    objective === null ? [] : [{ trialIndex, params, loss: toLoss(sweep.objective, objective) }],
  )
}
