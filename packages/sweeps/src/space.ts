/**
 * What a sweep searches: one dimension per parameter, those that others depend on first. Numeric dimensions have a unit
 * scale, 0 at the lower and 1 at the upper bound, logarithmic where the distribution is: strategies think in it.
 */
import type {
  FieldError,
  JsonValue,
  SweepSpec,
  SweptParameter,
  TrialParams,
  WhenCondition,
} from '@trainyard/contracts'
import { escapePointer } from './escape-pointer.ts'
import { resolveDimension } from './resolve-dimension.ts'

export type { JsonValue } from '@trainyard/contracts'

interface DimensionBase {
  /** The dotted path of the field. */
  name: string
  /** All have to hold for the parameter to be there. */
  when: readonly { parameter: string; condition: WhenCondition }[]
}

export interface CategoricalDimension extends DimensionBase {
  kind: 'categorical'
  values: readonly JsonValue[]
  /** Sum to 1. */
  probabilities: readonly number[]
}

export interface NumericDimension extends DimensionBase {
  kind: 'numeric'
  min: number
  max: number
  scale: 'linear' | 'log'
  /** Values are multiples of it from `min` on; 1 for whole numbers, null for any number. */
  step: number | null
  /** Normal in the unit of the scale (of ln x on a log scale), cut off at four σ; null: uniform. */
  normal: { mu: number; sigma: number } | null
  /** Points of a grid; null where whole numbers and steps are counted out. */
  count: number | null
}

export type Dimension = CategoricalDimension | NumericDimension

export interface Space {
  /** Each after those that its `when` names. */
  dimensions: readonly Dimension[]
}

/** The space of a specification, or every fault of its parameters. */
export function compileSpace(spec: Pick<SweepSpec, 'parameters'>): {
  space: Space
  faults: FieldError[]
} {
  const faults: FieldError[] = []
  const names = Object.keys(spec.parameters)
  const dimensions = new Map<string, Dimension>()
  for (const [name, parameter] of Object.entries(spec.parameters)) {
    const pointer = `#/parameters/${escapePointer(name)}`
    const refuse = (place: string, detail: string) => {
      faults.push({ pointer: place === '' ? pointer : `${pointer}/${place}`, detail })
    }
    const when = resolveWhen(parameter, name, names, refuse)
    const dimension = resolveDimension(name, parameter, when, refuse)
    if (dimension !== null) dimensions.set(name, dimension)
  }
  const ordered = sortByDependence(dimensions, faults)
  return { space: { dimensions: ordered }, faults }
}

/** The one parameter that a full path or the end of one names; null for none or several. */
export function findParameter(names: readonly string[], written: string): string | null {
  if (names.includes(written)) return written
  const ending = names.filter((name) => name.endsWith(`.${written}`))
  return ending.length === 1 ? (ending[0] as string) : null
}

/** Whether the parameter is there, given those before it. */
export function isPresent(dimension: Dimension, params: TrialParams): boolean {
  return dimension.when.every(
    ({ parameter, condition }) =>
      parameter in params && holds(condition, params[parameter] as JsonValue),
  )
}

/** Whether a value is as a condition says. */
export function holds(condition: WhenCondition, value: JsonValue): boolean {
  const text = JSON.stringify(value)
  if (condition.in !== undefined && !condition.in.some((one) => JSON.stringify(one) === text)) {
    return false
  }
  if (condition.min !== undefined && !(typeof value === 'number' && value >= condition.min))
    return false
  if (condition.max !== undefined && !(typeof value === 'number' && value <= condition.max))
    return false
  const layers = Array.isArray(value) ? value.length : null
  if (condition.min_layers !== undefined && !(layers !== null && layers >= condition.min_layers)) {
    return false
  }
  return !(
    condition.max_layers !== undefined && !(layers !== null && layers <= condition.max_layers)
  )
}

function resolveWhen(
  parameter: SweptParameter,
  own: string,
  names: readonly string[],
  refuse: (place: string, detail: string) => void,
): Dimension['when'] {
  return Object.entries(parameter.when ?? {}).flatMap(([written, condition]) => {
    const named = findParameter(names, written)
    const place = `when/${escapePointer(written)}`
    if (named === null) {
      refuse(place, `"${written}" is not a parameter of this sweep`)
      return []
    }
    if (named === own) {
      refuse(place, 'a parameter cannot depend on itself')
      return []
    }
    if (Object.keys(condition).length === 0) {
      refuse(place, 'says nothing; use in, min, max, min_layers or max_layers')
    }
    return [{ parameter: named, condition }]
  })
}

function sortByDependence(
  dimensions: ReadonlyMap<string, Dimension>,
  faults: FieldError[],
): Dimension[] {
  const sorted: Dimension[] = []
  const placed = new Set<string>()
  let left = [...dimensions.values()]
  while (left.length > 0) {
    const ready = left.filter(({ when }) =>
      when.every(({ parameter }) => placed.has(parameter) || !dimensions.has(parameter)),
    )
    if (ready.length === 0) {
      for (const { name } of left) {
        faults.push({
          pointer: `#/parameters/${escapePointer(name)}/when`,
          detail: `the conditions go round in a circle: ${left.map((one) => one.name).join(', ')}`,
        })
      }
      return [...sorted, ...left]
    }
    for (const dimension of ready) {
      sorted.push(dimension)
      placed.add(dimension.name)
    }
    left = left.filter(({ name }) => !placed.has(name))
  }
  return sorted
}
