/**
 * One trial's values at random. Every draw is a pure function of (sweep seed, trial index, parameter name, attempt), so
 * the order of trials, their number in parallel and their retries cannot change it.
 */
import type { TrialParams } from '@trainyard/contracts'
import { createRandom, exp } from '@trainyard/engine/random'
import { type Constraint, isAllowed } from './constraint.ts'
import { type Dimension, isPresent, type JsonValue, type Space } from './space.ts'
import { fromUnit, settle } from './unit-scale.ts'

/** A constraint that refuses this many draws in a row leaves the trial infeasible. */
export const ATTEMPTS_MAX = 1000
/** Words of the stream of one attempt: a normal draw may have to be repeated. */
const NORMAL_DRAWS_MAX = 32

export interface Draw {
  seed: number
  trialIndex: number
  space: Space
  constraints: readonly Constraint[]
  /** Values that are settled already. */
  given?: TrialParams
}

/** null where the constraints refuse every attempt. */
export function drawParams(draw: Draw): TrialParams | null {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const params = drawOnce(draw, attempt)
    if (isAllowed(draw.constraints, params)) return params
  }
  return null
}

/** Without a look at the constraints. */
export function drawOnce(
  { seed, trialIndex, space, given = {} }: Omit<Draw, 'constraints'>,
  attempt = 0,
): TrialParams {
  const params: TrialParams = {}
  for (const dimension of space.dimensions) {
    if (!isPresent(dimension, params)) continue
    const settled = given[dimension.name]
    params[dimension.name] =
      settled === undefined ? drawValue(dimension, seed, trialIndex, attempt) : settled
  }
  return params
}

function drawValue(
  dimension: Dimension,
  seed: number,
  trialIndex: number,
  attempt: number,
): JsonValue {
  const random = createRandom(BigInt(seed), dimension.name, trialIndex)
  if (dimension.kind === 'categorical') {
    let left = random.uniform(attempt)
    const { values, probabilities } = dimension
    for (let i = 0; i < values.length - 1; i++) {
      left -= probabilities[i] as number
      if (left < 0) return values[i] as JsonValue
    }
    return values.at(-1) as JsonValue
  }
  if (dimension.normal === null) return drawUniform(dimension, random.uniform(attempt))
  const { mu, sigma } = dimension.normal
  for (let i = 0; i < NORMAL_DRAWS_MAX; i++) {
    const normal = mu + sigma * random.normal(attempt * NORMAL_DRAWS_MAX + i)
    const value = dimension.scale === 'log' ? exp(normal) : normal
    if (value >= dimension.min && value <= dimension.max) return value
  }
  return settle(dimension, dimension.scale === 'log' ? exp(mu) : mu)
}

/** On a linear scale every step is as likely as the next, those at the ends too. */
function drawUniform(dimension: Dimension & { kind: 'numeric' }, unit: number): number {
  const { min, max, step, scale } = dimension
  if (step === null || scale === 'log') return fromUnit(dimension, unit)
  const steps = Math.round((max - min) / step) + 1
  return settle(dimension, min + Math.floor(unit * steps) * step)
}
