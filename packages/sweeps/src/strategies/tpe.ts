/**
 * The tree-structured Parzen estimator: values are drawn from a density of the good trials and chosen by how much likelier
 * they are among the good than among the rest. Bergstra, Bardenet, Bengio, Kégl, "Algorithms for Hyper-Parameter
 * Optimization" (NeurIPS 2011), one parameter at a time; the number of good ones is that of Optuna, min(⌈n / 10⌉, 25).
 *
 * A choice is a pure function of (specification, seed, trial index, the finished trials it has seen): with their number
 * recorded, a sweep can be replayed.
 */
import type { TrialParams } from '@trainyard/contracts'
import { createRandom, exp, log } from '@trainyard/engine/random'
import { type Constraint, isAllowed } from '../constraint.ts'
import { drawParams } from '../draw-params.ts'
import {
  type Dimension,
  isPresent,
  type JsonValue,
  type NumericDimension,
  type Space,
} from '../space.ts'
import { fromUnit, toUnit } from '../unit-scale.ts'
import type { ScoredTrial } from './coarse-to-fine.ts'

/** Trials at random before the first choice. */
export const STARTUP_TRIALS = 10
const CANDIDATES = 24
const GOOD_MAX = 25
/** New draws where the constraints refuse a choice. */
const ATTEMPTS_MAX = 50
const DRAWS_PER_CANDIDATE = 16

export interface TpeInput {
  seed: number
  trialIndex: number
  space: Space
  constraints: readonly Constraint[]
  /** In the order of finishing. */
  seen: readonly ScoredTrial[]
}

/** null where the constraints leave nothing. */
export function suggestTpe(input: TpeInput): TrialParams | null {
  const { seen, space, constraints } = input
  if (seen.length < STARTUP_TRIALS) return drawParams(input)
  const ordered = seen.toSorted((a, b) => a.loss - b.loss || a.trialIndex - b.trialIndex)
  const goodCount = Math.min(GOOD_MAX, Math.ceil(ordered.length / 10))
  const good = ordered.slice(0, goodCount)
  const rest = ordered.slice(goodCount)
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const params: TrialParams = {}
    for (const dimension of space.dimensions) {
      if (!isPresent(dimension, params)) continue
      params[dimension.name] = choose(dimension, good, rest, input, attempt)
    }
    if (isAllowed(constraints, params)) return params
  }
  return drawParams(input)
}

function choose(
  dimension: Dimension,
  good: readonly ScoredTrial[],
  rest: readonly ScoredTrial[],
  { seed, trialIndex }: TpeInput,
  attempt: number,
): JsonValue {
  const random = createRandom(BigInt(seed), `tpe/${dimension.name}`, trialIndex)
  const valuesOf = (trials: readonly ScoredTrial[]) =>
    trials.flatMap(({ params }) =>
      dimension.name in params ? [params[dimension.name] as JsonValue] : [],
    )
  let word = attempt * CANDIDATES * DRAWS_PER_CANDIDATE
  const draw = () => random.uniform(word++)
  if (dimension.kind === 'categorical') {
    const goodShares = sharesOf(dimension, valuesOf(good))
    const restShares = sharesOf(dimension, valuesOf(rest))
    return pickLikeliest(
      () => drawIndex(goodShares, draw()),
      (i) => log(goodShares[i] as number) - log(restShares[i] as number),
      (i) => dimension.values[i] as JsonValue,
    )
  }
  const toUnits = (trials: readonly ScoredTrial[]) =>
    valuesOf(trials).map((value) => toUnit(dimension, value as number))
  const l = makeParzen(toUnits(good))
  const g = makeParzen(toUnits(rest))
  return pickLikeliest(
    () => settleUnit(dimension, drawParzen(l, draw)),
    (unit) => log(densityOf(l, unit)) - log(densityOf(g, unit)),
    (unit) => fromUnit(dimension, unit),
  )
}

function pickLikeliest<Candidate>(
  draw: () => Candidate,
  score: (candidate: Candidate) => number,
  toValue: (candidate: Candidate) => JsonValue,
): JsonValue {
  let best = draw()
  let bestScore = score(best)
  for (let i = 1; i < CANDIDATES; i++) {
    const candidate = draw()
    const its = score(candidate)
    if (its > bestScore) {
      best = candidate
      bestScore = its
    }
  }
  return toValue(best)
}

/** Counts with the prior as one more observation. */
function sharesOf(
  dimension: Dimension & { kind: 'categorical' },
  found: readonly JsonValue[],
): number[] {
  const texts = found.map((value) => JSON.stringify(value))
  return dimension.values.map((value, i) => {
    const text = JSON.stringify(value)
    const count = texts.filter((one) => one === text).length
    return (count + (dimension.probabilities[i] as number)) / (found.length + 1)
  })
}

function drawIndex(shares: readonly number[], unit: number): number {
  let left = unit
  for (let i = 0; i < shares.length - 1; i++) {
    left -= shares[i] as number
    if (left < 0) return i
  }
  return shares.length - 1
}

/** Equal weights on [0, 1]: a wide normal as the prior, and one at each observation, as wide as the gap to its neighbours. */
interface Parzen {
  means: readonly number[]
  widths: readonly number[]
  /** Of each, the share within [0, 1]. */
  masses: readonly number[]
}

function makeParzen(units: readonly number[]): Parzen {
  const PRIOR = { mean: 0.5, width: 1 }
  const ordered = [...units, PRIOR.mean].toSorted((a, b) => a - b)
  const widthMin = 1 / Math.min(100, 1 + ordered.length)
  const widths = ordered.map((mean, i) => {
    const left = mean - (ordered[i - 1] ?? 0)
    const right = (ordered[i + 1] ?? 1) - mean
    return Math.min(1, Math.max(widthMin, left, right))
  })
  widths[ordered.indexOf(PRIOR.mean)] = PRIOR.width
  const masses = ordered.map((mean, i) => {
    const width = widths[i] as number
    return cumulative((1 - mean) / width) - cumulative(-mean / width)
  })
  return { means: ordered, widths, masses }
}

function densityOf({ means, widths, masses }: Parzen, unit: number): number {
  let sum = 0
  for (let i = 0; i < means.length; i++) {
    const width = widths[i] as number
    const z = (unit - (means[i] as number)) / width
    sum += exp(-0.5 * z * z) / (width * (masses[i] as number))
  }
  return Math.max(sum / (means.length * Math.sqrt(2 * Math.PI)), 1e-300)
}

function drawParzen({ means, widths }: Parzen, draw: () => number): number {
  const i = Math.min(means.length - 1, Math.floor(draw() * means.length))
  const [mean, width] = [means[i] as number, widths[i] as number]
  const low = cumulative(-mean / width)
  const high = cumulative((1 - mean) / width)
  return Math.min(1, Math.max(0, mean + width * quantile(low + draw() * (high - low))))
}

function settleUnit(dimension: NumericDimension, unit: number): number {
  return dimension.step === null ? unit : toUnit(dimension, fromUnit(dimension, unit))
}

/** Φ(z), by Abramowitz and Stegun 26.2.17: off by 7.5e-8 at most. */
function cumulative(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const poly =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const tail = (exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)) * poly
  return z >= 0 ? 1 - tail : tail
}

/** Φ⁻¹(p) by bisection of the above, so that both agree. */
function quantile(p: number): number {
  let [low, high] = [-8, 8]
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2
    if (cumulative(middle) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}
