import type { Sweep, TrialParams } from '@trainyard/contracts'
import type { NumericDimension, Space } from './space.ts'
import { toUnit } from './unit-scale.ts'

/** A best value this close to a bound may have its better beyond it. */
const EDGE = 0.1

/** Where the best trial lies within 10 % of a bound of what was searched, with a range that is wider on that side. */
export function findBoundaryWarnings(space: Space, best: TrialParams): Sweep['warnings'] {
  return space.dimensions.flatMap((dimension) => {
    const value = best[dimension.name]
    if (dimension.kind === 'categorical' || typeof value !== 'number') return []
    const unit = toUnit(dimension, value)
    if (unit > EDGE && unit < 1 - EDGE) return []
    const bound = unit <= EDGE ? 'min' : 'max'
    const limit = dimension[bound]
    const { suggested_min, suggested_max } = widen(dimension, bound)
    const scale = dimension.scale === 'log' ? ' on the log scale' : ''
    const detail =
      `the best ${dimension.name}, ${value}, lies within 10 %${scale} of the ${bound === 'min' ? 'lower' : 'upper'} bound ${limit}; ` +
      `search from ${suggested_min} to ${suggested_max}`
    return [
      { parameter: dimension.name, bound, value, limit, detail, suggested_min, suggested_max },
    ]
  })
}

/** Half as wide again on the side of the bound. */
function widen(dimension: NumericDimension, bound: 'min' | 'max') {
  const { min, max, scale, step } = dimension
  const further = (from: number, away: number) => {
    const wider =
      scale === 'log' ? from * (max / min) ** (away / 2) : from + (away * (max - min)) / 2
    return step === null ? Number(wider.toPrecision(3)) : Math.round(wider)
  }
  return bound === 'min'
    ? { suggested_min: further(min, -1), suggested_max: max }
    : { suggested_min: min, suggested_max: further(max, 1) }
}
