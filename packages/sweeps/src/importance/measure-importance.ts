/**
 * Which hyperparameters mattered: functional ANOVA over a random forest. Hutter, Hoos, Leyton-Brown, "An Efficient Approach
 * for Assessing Hyperparameter Importance" (ICML 2014). What the forest expects along one parameter, averaged over all others,
 * follows exactly from the boxes of its trees; how much of the forest's variance that explains is the parameter's share. The
 * paper splits the variance of each tree, which holds its noise too; here it is the variance of their mean.
 */
import type { TrialParams } from '@trainyard/contracts'
import { createRandom } from '@trainyard/engine/random'
import type { Dimension, JsonValue, Space } from '../space.ts'
import { fromUnit, toUnit } from '../unit-scale.ts'
import { growTree, type Leaf } from './regression-tree.ts'

export interface Importance {
  parameter: string
  /** Share of the variance that the parameter explains by itself, 0 to 1. */
  share: number
  /** Standard deviation of what single trees say. */
  std: number
  /** What the forest expects along the parameter, averaged over all others. */
  slice: { value: JsonValue; mean: number; std: number }[]
}

export interface ImportanceReport {
  parameters: Importance[]
  /** What no parameter explains by itself. */
  interactions: number
  trials: number
}

const TREES = 32
const SLICE_POINTS = 20
/** Where marginals are looked at, evenly. */
const PLACES = Array.from({ length: 100 }, (_, i) => (i + 0.5) / 100)
const VARIANCE_POINTS = 1000
/** Forests of more would take longer than a caller waits; the newest trials of a search say most. */
export const IMPORTANCE_TRIALS_MAX = 2000
export const IMPORTANCE_TRIALS_MIN = 4

export function measureImportance(
  space: Space,
  trials: readonly { params: TrialParams; objective: number }[],
  seed = 0,
): ImportanceReport {
  const used = trials.slice(-IMPORTANCE_TRIALS_MAX)
  const dimensions = space.dimensions.filter((dimension) => isSearched(dimension))
  const points = used.map(({ params }) => dimensions.map((dimension) => toPlace(dimension, params)))
  const values = used.map(({ objective }) => objective)
  const random = createRandom(BigInt(seed), 'importance')
  const trees = Array.from({ length: TREES }, (_, tree) => {
    const rows = values.map((_, i) => random.below(tree * values.length + i, values.length))
    return growTree(points, values, rows)
  })
  const variance = varianceOf(trees, dimensions.length, seed)
  const parameters = dimensions.map((dimension, d): Importance => {
    const along = trees.map((leaves) => marginalsOf(leaves, d))
    const share = (one: readonly number[]) => {
      const spread = variance === 0 ? 0 : deviation(one, mean(one)) ** 2 / variance
      return Math.min(1, spread)
    }
    const together = PLACES.map((_, i) => mean(along.map((one) => one[i] as number)))
    const own = along.map(share)
    return {
      parameter: dimension.name,
      share: share(together),
      std: deviation(own, mean(own)),
      slice: sliceOf(trees, dimension, d),
    }
  })
  const explained = parameters.reduce((sum, { share }) => sum + share, 0)
  return {
    parameters: parameters.toSorted((a, b) => b.share - a.share),
    interactions: variance === 0 ? 0 : Math.max(0, 1 - explained),
    trials: used.length,
  }
}

function isSearched(dimension: Dimension): boolean {
  return dimension.kind === 'numeric' || dimension.values.length > 1
}

/** Of a parameter that is not there the middle: a value that says as little as possible. */
export function toPlace(dimension: Dimension, params: TrialParams): number {
  const value = params[dimension.name]
  if (value === undefined) return 0.5
  if (dimension.kind === 'numeric')
    return Math.min(1, Math.max(0, toUnit(dimension, value as number)))
  const text = JSON.stringify(value)
  const place = dimension.values.findIndex((one) => JSON.stringify(one) === text)
  return (place + 0.5) / dimension.values.length
}

function marginalsOf(leaves: readonly Leaf[], d: number): number[] {
  return PLACES.map((place) => marginal(leaves, d, place))
}

/** Of the mean of the trees over the whole space, by points drawn in it. */
function varianceOf(trees: readonly Leaf[][], dimensions: number, seed: number): number {
  const random = createRandom(BigInt(seed), 'importance/points')
  const expected = Array.from({ length: VARIANCE_POINTS }, (_, i) => {
    const point = Array.from({ length: dimensions }, (_, d) => random.uniform(i * dimensions + d))
    return mean(trees.map((leaves) => leaves.find((leaf) => isWithin(leaf, point))?.value ?? 0))
  })
  const average = mean(expected)
  const variance = deviation(expected, average) ** 2
  // What rounding leaves of an objective that has one value.
  return variance <= 1e-20 * average ** 2 ? 0 : variance
}

function isWithin({ low, high }: Leaf, point: readonly number[]): boolean {
  return point.every((place, d) => place >= (low[d] as number) && place <= (high[d] as number))
}

/** The mean of the tree over all other dimensions, at a place of dimension d. */
function marginal(leaves: readonly Leaf[], d: number, place: number): number {
  let sum = 0
  for (const leaf of leaves) {
    if (place < (leaf.low[d] as number) || place > (leaf.high[d] as number)) continue
    sum += leaf.value * volumeOf(leaf, d)
  }
  return sum
}

function volumeOf({ low, high }: Leaf, without: number | null): number {
  let volume = 1
  for (let i = 0; i < low.length; i++) {
    if (i !== without) volume *= (high[i] as number) - (low[i] as number)
  }
  return volume
}

function sliceOf(trees: readonly Leaf[][], dimension: Dimension, d: number): Importance['slice'] {
  const count = dimension.kind === 'categorical' ? dimension.values.length : SLICE_POINTS
  return Array.from({ length: count }, (_, i) => {
    const place = (i + 0.5) / count
    const means = trees.map((leaves) => marginal(leaves, d, place))
    const value =
      dimension.kind === 'categorical'
        ? (dimension.values[i] as JsonValue)
        : fromUnit(dimension, place)
    const average = mean(means)
    return { value, mean: average, std: deviation(means, average) }
  })
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function deviation(values: readonly number[], average: number): number {
  return Math.sqrt(mean(values.map((value) => (value - average) ** 2)))
}
