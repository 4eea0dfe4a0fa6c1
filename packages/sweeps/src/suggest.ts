import type { RoundRange, TrialParams } from '@trainyard/contracts'
import { drawParams } from './draw-params.ts'
import type { ResolvedSweep } from './resolve-sweep.ts'
import { narrowSpace, type ScoredTrial } from './strategies/coarse-to-fine.ts'
import { listGrid } from './strategies/grid.ts'
import { suggestTpe } from './strategies/tpe.ts'

/**
 * The values of trial `trialIndex`; null where the constraints leave none. `seen` is used by tpe alone, `ranges` (those of
 * the trial's round) by coarse_to_fine.
 */
export function makeSuggest(
  sweep: ResolvedSweep,
): (
  trialIndex: number,
  known?: { seen?: readonly ScoredTrial[]; ranges?: readonly RoundRange[] },
) => TrialParams | null {
  const { seed, constraints, initialPoints } = sweep
  const grid = sweep.method === 'grid' ? listGrid(sweep) : []
  return (trialIndex, { seen = [], ranges = [] } = {}) => {
    if (sweep.method === 'grid') return grid[trialIndex] ?? null
    const given = initialPoints[trialIndex]
    const draw = { seed, trialIndex, space: sweep.space, constraints }
    if (given !== undefined) return drawParams({ ...draw, given })
    if (sweep.method === 'tpe') return suggestTpe({ ...draw, seen })
    return drawParams({ ...draw, space: narrowSpace(sweep.space, ranges) })
  }
}

/** Trials whose values do not depend on any result: the first so many. */
export function settledTrials(sweep: ResolvedSweep): number {
  switch (sweep.method) {
    case 'random':
    case 'grid':
      return sweep.maxTrials
    case 'coarse_to_fine':
      return sweep.rounds[0]?.trials ?? 0
    case 'tpe':
      return Math.min(sweep.maxTrials, Math.max(1, sweep.initialPoints.length))
  }
}
