/**
 * Coarse to fine: each round searches what the best trials of the rounds before enclose. The ranges of a round follow from
 * the finished trials alone, whatever the order they finished in, and are kept with the words that explain them.
 */
import type { RoundRange, TrialParams } from '@trainyard/contracts'
import type { Dimension, JsonValue, NumericDimension, Space } from '../space.ts'
import { fromUnit, toUnit } from '../unit-scale.ts'

export interface ScoredTrial {
  trialIndex: number
  params: TrialParams
  /** Lower is better. */
  loss: number
}

/** The best `top` trials, best first; of equal ones the earlier. */
export function pickBest(trials: readonly ScoredTrial[], top: number): ScoredTrial[] {
  return trials.toSorted((a, b) => a.loss - b.loss || a.trialIndex - b.trialIndex).slice(0, top)
}

/** The ranges of the whole space, for the first round. */
export function wholeRanges({ dimensions }: Space): RoundRange[] {
  return dimensions.map((dimension) => ({
    ...toRange(dimension),
    explanation: `${dimension.name}: the whole range, ${describe(dimension)}`,
  }))
}

/** `space` is that of the round before; `whole` bounds what a range may grow back to. */
export function shrinkRanges(
  { whole, space }: { whole: Space; space: Space },
  best: readonly ScoredTrial[],
  shrink: number,
): RoundRange[] {
  return space.dimensions.map((dimension, i) => {
    const outer = whole.dimensions[i] as Dimension
    const values = best.flatMap(({ params }) =>
      dimension.name in params ? [params[dimension.name] as JsonValue] : [],
    )
    if (values.length === 0) {
      return {
        ...toRange(dimension),
        explanation: `${dimension.name}: unchanged, none of the best trials has it`,
      }
    }
    if (dimension.kind === 'categorical' || outer.kind === 'categorical') {
      return shrinkValues(dimension, values, best.length)
    }
    return shrinkNumeric(outer, dimension, values as number[], shrink, best.length)
  })
}

/** The space of a round. */
export function narrowSpace(space: Space, ranges: readonly RoundRange[]): Space {
  const byName = new Map(ranges.map((range) => [range.parameter, range]))
  return {
    dimensions: space.dimensions.map((dimension) => {
      const range = byName.get(dimension.name)
      if (range === undefined) return dimension
      if (dimension.kind === 'categorical')
        return keepValues(dimension, range.values ?? dimension.values)
      const { min, max } = range
      // Within a narrow range a normal distribution is as good as flat.
      const isNarrower = min !== dimension.min || max !== dimension.max
      return {
        ...dimension,
        min: min ?? dimension.min,
        max: max ?? dimension.max,
        normal: isNarrower ? null : dimension.normal,
      }
    }),
  }
}

function keepValues(
  dimension: Dimension & { kind: 'categorical' },
  kept: readonly JsonValue[],
): Dimension {
  const texts = new Set(kept.map((value) => JSON.stringify(value)))
  const places = dimension.values.flatMap((value, i) =>
    texts.has(JSON.stringify(value)) ? [i] : [],
  )
  const sum = places.reduce((total, i) => total + (dimension.probabilities[i] as number), 0)
  return {
    ...dimension,
    values: places.map((i) => dimension.values[i] as JsonValue),
    probabilities: places.map((i) =>
      sum === 0 ? 1 / places.length : (dimension.probabilities[i] as number) / sum,
    ),
  }
}

function shrinkValues(dimension: Dimension, found: readonly JsonValue[], top: number): RoundRange {
  const all = dimension.kind === 'categorical' ? dimension.values : []
  const texts = new Set(found.map((value) => JSON.stringify(value)))
  const values = all.filter((value) => texts.has(JSON.stringify(value)))
  const explanation = `${dimension.name}: the best ${top} trials use ${values.length} of ${all.length} values`
  return { parameter: dimension.name, min: null, max: null, values, explanation }
}

function shrinkNumeric(
  outer: NumericDimension,
  dimension: NumericDimension,
  values: readonly number[],
  shrink: number,
  top: number,
): RoundRange {
  const units = values.map((value) => toUnit(outer, value))
  const [low, high] = [Math.min(...units), Math.max(...units)]
  const before = toUnit(outer, dimension.max) - toUnit(outer, dimension.min)
  // What the best enclose, but neither wider than before nor narrower than asked for.
  const width = Math.min(before, Math.max(shrink * before, high - low))
  const start = Math.min(1 - width, Math.max(0, (low + high) / 2 - width / 2))
  const bounds = { min: fromUnit(outer, start), max: fromUnit(outer, start + width) }
  const scale = outer.scale === 'log' ? ' on the log scale' : ''
  // Of the bounds as they are: on steps a narrow range may come down to one value.
  const after = toUnit(outer, bounds.max) - toUnit(outer, bounds.min)
  const searched =
    bounds.min === bounds.max
      ? `${round(bounds.min)} alone is searched`
      : `searched from ${round(bounds.min)} to ${round(bounds.max)}, ${Math.round((after / before) * 100)} % of the width before${scale}`
  const explanation = `${dimension.name}: the best ${top} trials lie from ${round(Math.min(...values))} to ${round(Math.max(...values))}; ${searched}`
  return { parameter: dimension.name, ...bounds, values: null, explanation }
}

function toRange(dimension: Dimension): Omit<RoundRange, 'explanation'> {
  return dimension.kind === 'categorical'
    ? { parameter: dimension.name, min: null, max: null, values: [...dimension.values] }
    : { parameter: dimension.name, min: dimension.min, max: dimension.max, values: null }
}

function describe(dimension: Dimension): string {
  if (dimension.kind === 'categorical') return `${dimension.values.length} values`
  const scale = dimension.scale === 'log' ? ' on the log scale' : ''
  return `from ${round(dimension.min)} to ${round(dimension.max)}${scale}`
}

/** Three digits are enough for a sentence. */
function round(value: number): string {
  return String(Number(value.toPrecision(3)))
}
