import type { PreviewTrial, ProjectId, SweepPreview, SweepSpec } from '@trainyard/contracts'
import { DomainError, type SweepStore } from '@trainyard/domain'
import { expectPruning, makeSuggest, type ResolvedSweep, settledTrials } from '@trainyard/sweeps'
import type { CheckedSweep, CheckSweep } from './check-sweep.ts'
import { makeTakeTurns } from './take-turns.ts'

/** Where nothing has been trained within a day. */
const FLOPS_PER_SECOND_ASSUMED = 5e9
/** Claiming, preparing and storing one training. */
const OVERHEAD_SECONDS = 0.002

export type PreviewSweep = (
  projectId: ProjectId,
  spec: SweepSpec,
  page: { limit: number; after?: number | undefined },
) => Promise<SweepPreview>

/** The very configurations that would run, and what they would cost. Stores nothing. */
export function makePreviewSweep(deps: {
  sweeps: Pick<SweepStore, 'flopsPerSecond'>
  checkSweep: CheckSweep
}): PreviewSweep {
  return async (projectId, spec, { limit, after }) => {
    const checked = await deps.checkSweep(projectId, spec)
    const { sweep } = checked
    const measured = await deps.sweeps.flopsPerSecond()
    const flopsPerSecond = measured ?? FLOPS_PER_SECOND_ASSUMED
    const settled = settledTrials(sweep)
    const first = after === undefined ? 0 : after + 1
    const count = Math.max(0, Math.min(limit, settled - first))
    const { trials, epochs } = await quoteTrials(checked, { first, count, flopsPerSecond })
    const flops = trials.reduce((sum, trial) => sum + (trial.flops ?? 0), 0)
    const perTrial = trials.length === 0 ? 0 : flops / trials.length
    const isWhole = trials.length === sweep.maxTrials
    const totalFlops = isWhole ? flops : perTrial * sweep.maxTrials
    const jobs = sweep.maxTrials * sweep.repeats
    return {
      object: 'sweep_preview',
      trials,
      has_more: first + count < settled,
      total: {
        trials: sweep.maxTrials,
        settled_trials: settled,
        jobs,
        flops: totalFlops,
        seconds: totalFlops / flopsPerSecond + jobs * OVERHEAD_SECONDS,
        extrapolated: !isWhole,
      },
      speed: {
        flops_per_second: flopsPerSecond,
        basis: measured === null ? 'assumed' : 'measured',
      },
      ...expectEpochs(sweep, epochs),
    }
  }
}

async function quoteTrials(
  { sweep, quote }: CheckedSweep,
  { first, count, flopsPerSecond }: { first: number; count: number; flopsPerSecond: number },
): Promise<{ trials: PreviewTrial[]; epochs: number[] }> {
  const suggest = makeSuggest(sweep)
  const trials: PreviewTrial[] = []
  const epochs: number[] = []
  const takeTurns = makeTakeTurns()
  for (let trialIndex = first; trialIndex < first + count; trialIndex++) {
    await takeTurns()
    trials.push(quoteTrial(trialIndex))
  }
  return { trials, epochs }

  function quoteTrial(trialIndex: number): PreviewTrial {
    const params = suggest(trialIndex)
    const refused = { parameter_count: null, flops: null, seconds: null }
    if (params === null) {
      const error = 'no draw that the constraints allow was found'
      return { trial_index: trialIndex, params: {}, ...refused, error }
    }
    try {
      const { parameter_count, flops_per_epoch, resolved_config } = quote(params)
      epochs.push(resolved_config.training.epochs)
      const flops = flops_per_epoch * resolved_config.training.epochs * sweep.repeats
      const seconds = flops / flopsPerSecond + sweep.repeats * OVERHEAD_SECONDS
      return { trial_index: trialIndex, params, parameter_count, flops, seconds, error: null }
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      return { trial_index: trialIndex, params, ...refused, error: error.message }
    }
  }
}

/** The trials of the page stand for the others: epochs may be searched themselves. */
function expectEpochs(
  { maxTrials, repeats, earlyTermination: rule }: ResolvedSweep,
  epochs: readonly number[],
): Pick<SweepPreview, 'expected_pruning' | 'expected_epochs'> {
  const mean = epochs.reduce((sum, one) => sum + one, 0) / Math.max(1, epochs.length)
  const expected = rule === null ? null : expectPruning(rule, maxTrials, Math.round(mean))
  return {
    expected_pruning: expected?.rungs ?? null,
    expected_epochs: expected?.epochs ?? mean * maxTrials * repeats,
  }
}
