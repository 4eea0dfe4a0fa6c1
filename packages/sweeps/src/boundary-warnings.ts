import type { Sweep, TrialParams } from '@trainyard/contracts'
import { toJobSpec } from './job-spec-of.ts'
import type { ResolvedSweep } from './resolve-sweep.ts'
import type { NumericDimension } from './space.ts'
import { asWritten, toUnit } from './unit-scale.ts'

/** A best value this close to a bound may have its better beyond it. */
const EDGE = 0.1
/** How much wider, on the side of the bound, is suggested: the first that a job takes. */
const WIDER = [1 / 2, 1 / 4, 1 / 8]

/**
 * Where the best trial lies within 10 % of a bound of what was searched, with a range that is wider on that side. None where
 * the bound is the field's own: there is nothing beyond it.
 */
export function findBoundaryWarnings(
  { space, base, datasetId }: Pick<ResolvedSweep, 'space' | 'base' | 'datasetId'>,
  best: TrialParams,
): Sweep['warnings'] {
  return space.dimensions.flatMap((dimension) => {
    const { name, min, max } = dimension as NumericDimension
    const value = best[name]
    if (dimension.kind === 'categorical' || typeof value !== 'number') return []
    const unit = toUnit(dimension, value)
    if (unit > EDGE && unit < 1 - EDGE) return []
    const bound = unit <= EDGE ? 'min' : 'max'
    const limit = dimension[bound]
    const further = WIDER.map((share) => widen(dimension, bound, share)).find(
      (wider) => 'spec' in toJobSpec(base, datasetId, { ...best, [name]: wider }),
    )
    if (further === undefined) return []
    const [suggested_min, suggested_max] = bound === 'min' ? [further, max] : [min, further]
    const scale = dimension.scale === 'log' ? ' on the log scale' : ''
    const detail =
      `the best ${name}, ${value}, lies within 10 %${scale} of the ${bound === 'min' ? 'lower' : 'upper'} bound ${limit}; ` +
      `search from ${suggested_min} to ${suggested_max}`
    return [{ parameter: name, bound, value, limit, detail, suggested_min, suggested_max }]
  })
}

/** Beyond the bound by a share of the width, by one step at least. */
function widen(
  { min, max, scale, step }: NumericDimension,
  bound: 'min' | 'max',
  share: number,
): number {
  const sign = bound === 'min' ? -1 : 1
  const from = bound === 'min' ? min : max
  const wider =
    scale === 'log' ? from * (max / min) ** (sign * share) : from + sign * share * (max - min)
  if (step === null) return Number(wider.toPrecision(3))
  const steps = Math.max(1, Math.round(Math.abs(wider - from) / step))
  return asWritten(from + sign * steps * step)
}
