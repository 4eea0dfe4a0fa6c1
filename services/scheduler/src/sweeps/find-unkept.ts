import type { ScoredTrialRow, UnkeptTrials } from '@trainyard/domain'
import { pickBest, type ResolvedSweep } from '@trainyard/sweeps'
import { toScored } from './choose-trials.ts'

/**
 * What the sweep's `gc` does not keep of the trials that settle now, and of those that they displace from the best. The best
 * are a total order, so that whatever the order of finishing the same is kept in the end. Pure.
 */
export function findUnkept(
  sweep: Pick<ResolvedSweep, 'objective' | 'gc'>,
  before: readonly ScoredTrialRow[],
  settled: readonly ScoredTrialRow[],
): UnkeptTrials {
  const { bestTrials, everyBest, everyLast } = sweep.gc
  const indexes = settled.map(({ trialIndex }) => trialIndex)
  const last = everyLast ? [] : indexes
  if (everyBest || indexes.length === 0) return { best: [], last }
  const bestBefore = pickBest(toScored(sweep, before), bestTrials)
  const best = pickBest([...bestBefore, ...toScored(sweep, settled)], bestTrials)
  const kept = new Set(best.map(({ trialIndex }) => trialIndex))
  const candidates = [...indexes, ...bestBefore.map(({ trialIndex }) => trialIndex)]
  return { best: candidates.filter((index) => !kept.has(index)), last }
}
