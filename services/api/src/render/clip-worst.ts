import type { Sweep } from '@trainyard/contracts'

/** Of the results, best first, so many decide on the scale. */
const SHOWN_SHARE = 0.9
/** Clipped is only what would take most of the picture for itself. */
const STRETCH_MAX = 3

/**
 * Where an axis of objectives ends: at the worst, or, where a few that are far worse would press all others together, at the
 * 90 % quantile. `clip` puts what is worse on that end.
 */
export function clipWorst(
  objectives: readonly number[],
  goal: Sweep['objective']['goal'],
): { clip: (objective: number) => number; clipped: number } {
  const sign = goal === 'minimize' ? 1 : -1
  const losses = objectives.map((value) => sign * value).toSorted((a, b) => a - b)
  const [best = 0, worst = 0] = [losses[0], losses.at(-1)]
  const limit = losses[Math.max(0, Math.ceil(SHOWN_SHARE * losses.length) - 1)] ?? worst
  if (worst - best <= STRETCH_MAX * (limit - best) || limit === best) {
    return { clip: (objective) => objective, clipped: 0 }
  }
  return {
    clip: (objective) => sign * Math.min(limit, sign * objective),
    clipped: losses.filter((loss) => loss > limit).length,
  }
}
