import type { TrialParams } from '@trainyard/contracts'
import { type Constraint, isAllowed } from '../constraint.ts'
import { drawParams } from '../draw-params.ts'
import { type Dimension, isPresent, type JsonValue, type Space } from '../space.ts'
import { fromUnit, settle } from '../unit-scale.ts'

/** Listed at most; a grid is counted before it is listed. */
export const GRID_POINTS_MAX = 100_000

/** Points of the whole product, as a number that may be far too large to list. */
export function countGrid({ dimensions }: Space): number {
  return dimensions.reduce((product, dimension) => product * countOf(dimension), 1)
}

/**
 * The initial points, what they leave out drawn, and then all other points that the constraints allow, the last parameter
 * changing fastest. One that is not there multiplies nothing.
 */
export function listGrid(sweep: {
  seed: number
  space: Space
  constraints: readonly Constraint[]
  initialPoints: readonly TrialParams[]
}): TrialParams[] {
  const points: TrialParams[] = []
  const { dimensions } = sweep.space
  const walk = (depth: number, params: TrialParams) => {
    const dimension = dimensions[depth]
    if (dimension === undefined) {
      if (isAllowed(sweep.constraints, params)) points.push(params)
    } else if (!isPresent(dimension, params)) {
      walk(depth + 1, params)
    } else {
      for (const value of valuesOf(dimension))
        walk(depth + 1, { ...params, [dimension.name]: value })
    }
  }
  walk(0, {})
  const initial = sweep.initialPoints
    .map((given, trialIndex) => drawParams({ ...sweep, trialIndex, given }))
    .filter((point) => point !== null)
  const first = new Set(initial.map((point) => JSON.stringify(sorted(point))))
  const rest = points.filter((point) => !first.has(JSON.stringify(sorted(point))))
  return [...initial, ...rest]
}

function sorted(params: TrialParams): [string, JsonValue][] {
  return Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1))
}

function countOf(dimension: Dimension): number {
  if (dimension.kind === 'categorical') return dimension.values.length
  const { min, max, step, count } = dimension
  if (count !== null)
    return step === null ? count : Math.min(count, Math.round((max - min) / step) + 1)
  return step === null ? 1 : Math.round((max - min) / step) + 1
}

function valuesOf(dimension: Dimension): readonly JsonValue[] {
  if (dimension.kind === 'categorical') return dimension.values
  const count = countOf(dimension)
  const { min, step } = dimension
  if (step !== null && dimension.count === null) {
    return Array.from({ length: count }, (_, i) => settle(dimension, min + i * step))
  }
  const spread = Array.from({ length: count }, (_, i) =>
    fromUnit(dimension, count === 1 ? 0.5 : i / (count - 1)),
  )
  return [...new Set(spread)]
}
