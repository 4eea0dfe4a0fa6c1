/** What is tried with values drawn before a sweep is accepted: whether jobs take them, and what the constraints leave. */
import type { FieldError, TrialParams } from '@trainyard/contracts'
import { ConstraintError, isAllowed } from './constraint.ts'
import { drawOnce, drawParams } from './draw-params.ts'
import { escapePointer } from './escape-pointer.ts'
import { toJobSpec } from './job-spec-of.ts'
import type { ResolvedSweep } from './resolve-sweep.ts'
import { type Dimension, holds, type JsonValue, type Space } from './space.ts'
import { listGrid } from './strategies/grid.ts'
import { settle } from './unit-scale.ts'

/** So many trials are drawn to see whether the constraints leave anything. */
const SAMPLES = 20
/** Of these many first trials the configurations are tried in full. */
const PROBED_TRIALS = 16
/** Spread over all points of a grid. */
const PROBES_OF_GRID = 64

/** Every value that can be checked by itself is put into a trial that has it: what the job's schema refuses is a fault of the parameter. */
export function tryValues(sweep: ResolvedSweep): FieldError[] {
  const { space, seed, base, datasetId } = sweep
  const faults = new Map<string, FieldError>()
  const note = (fault: FieldError) => faults.set(`${fault.pointer} ${fault.detail}`, fault)
  const check = (params: TrialParams, name: string, place: string) => {
    const result = toJobSpec(base, datasetId, params)
    if (!('faults' in result)) return
    const own = `#/parameters/${escapePointer(name)}`
    for (const { pointer, detail, isUnknown } of result.faults) {
      if (pointer === own) note({ pointer: isUnknown ? own : `${own}${place}`, detail })
      else if (pointer.startsWith('#/base')) note({ pointer, detail })
    }
  }
  const first = drawOnce({ seed, trialIndex: 0, space })
  for (const dimension of space.dimensions) {
    const { name } = dimension
    const needed = needsOf(dimension, space)
    if (needed === null) {
      const detail = 'can never hold: no value of what it names is as it says'
      note({ pointer: `#/parameters/${escapePointer(name)}/when`, detail })
      continue
    }
    for (const [value, place] of extremesOf(dimension)) {
      const given = { ...first, ...needed, [name]: value }
      check(drawOnce({ seed, trialIndex: 0, space, given }), name, place)
    }
  }
  sweep.initialPoints.forEach((point, i) => {
    const params = drawOnce({ seed, trialIndex: i, space, given: point })
    const result = toJobSpec(base, datasetId, params)
    if (!('faults' in result)) return
    for (const fault of result.faults)
      note({ pointer: `#/initial_points/${i}`, detail: `${fault.pointer}: ${fault.detail}` })
  })
  return [...faults.values()]
}

/** Values of initial points that lie outside of what is searched: what is learnt of them has no place in it. */
export function tryInitialPoints({ space, initialPoints }: ResolvedSweep): FieldError[] {
  return initialPoints.flatMap((point, i) =>
    space.dimensions.flatMap((dimension) => {
      const value = point[dimension.name]
      if (value === undefined || isWithin(dimension, value)) return []
      const range =
        dimension.kind === 'categorical'
          ? `not one of the ${dimension.values.length} values of the parameter`
          : `not a number from ${dimension.min} to ${dimension.max}, the range of the parameter`
      const detail = `is ${JSON.stringify(value)}, ${range}`
      return [{ pointer: `#/initial_points/${i}/${escapePointer(dimension.name)}`, detail }]
    }),
  )
}

function isWithin(dimension: Dimension, value: JsonValue): boolean {
  return dimension.kind === 'numeric'
    ? holds({ min: dimension.min, max: dimension.max }, value)
    : holds({ in: [...dimension.values] }, value)
}

/** Each value of a list, both ends of a range, and where they stand. */
function extremesOf(dimension: Dimension): [JsonValue, string][] {
  if (dimension.kind === 'categorical') {
    return dimension.values.map((value, i) => [
      value,
      dimension.values.length === 1 ? '' : `/values/${i}`,
    ])
  }
  const { min, max, normal } = dimension
  return [
    [min, normal === null ? '/min' : '/mu'],
    [max, normal === null ? '/max' : '/mu'],
  ]
}

/** Values of other parameters with which this one is there; null where none are. */
function needsOf(dimension: Dimension, space: Space): TrialParams | null {
  let needed: TrialParams = {}
  for (const { parameter, condition } of dimension.when) {
    const other = space.dimensions.find(({ name }) => name === parameter)
    if (other === undefined) continue
    const { min = [], max = [], in: listed = [] } = condition
    const tried: readonly JsonValue[] =
      other.kind === 'categorical'
        ? other.values
        : [...listed, min, max, other.min, other.max]
            .flat()
            .filter((value) => typeof value === 'number')
            .map((value) => settle(other, value))
    const fitting = tried.find((value) => holds(condition, value))
    const before = needsOf(other, space)
    if (fitting === undefined || before === null) return null
    needed = { ...before, ...needed, [parameter]: fitting }
  }
  return needed
}

/** Finds constraints that cannot be evaluated, refuse an initial point, or refuse everything. */
export function tryConstraints(sweep: ResolvedSweep): FieldError[] {
  const { constraints, space, seed, initialPoints } = sweep
  const faults: FieldError[] = []
  constraints.forEach((constraint, i) => {
    const pointer = `#/constraints/${i}`
    try {
      for (const params of everyValue(space)) constraint.evaluate(params)
    } catch (error) {
      if (!(error instanceof ConstraintError)) throw error
      faults.push({ pointer, detail: error.message })
    }
  })
  if (faults.length > 0) return faults
  for (const [trialIndex, given] of initialPoints.entries()) {
    const draw = { seed, trialIndex, space, given }
    const drawn = drawOnce(draw)
    // What it says by itself, without what is drawn beside it.
    const own = Object.fromEntries(Object.entries(drawn).filter(([name]) => name in given))
    const broken = constraints.find((constraint) => constraint.evaluate(own) === false)
    const pointer = `#/initial_points/${trialIndex}`
    if (broken !== undefined) {
      faults.push({ pointer, detail: `breaks the constraint ${broken.text}` })
    } else if (drawParams({ ...draw, constraints }) === null) {
      // A thousand draws; one such fault is enough.
      return [...faults, { pointer, detail: 'leaves nothing to draw that the constraints allow' }]
    }
  }
  if (faults.length > 0 || constraints.length === 0 || sweep.method === 'grid') return faults
  for (let trialIndex = 0; trialIndex < SAMPLES; trialIndex++) {
    if (drawParams({ seed, trialIndex, space, constraints }) !== null) return faults
  }
  const detail = `together they refuse everything: ${SAMPLES} trials of 1000 draws each had none that is allowed`
  return [...faults, { pointer: '#/constraints', detail }]
}

/**
 * A trial that has all parameters whatever their conditions, and then with every value of every list in turn (the same object
 * each time): what a constraint cannot be evaluated with follows from single values, and a rare one shall not be met only when
 * the sweep runs.
 */
function* everyValue({ dimensions }: Space): Generator<TrialParams> {
  const params: TrialParams = Object.fromEntries(
    dimensions.map((one) => [
      one.name,
      one.kind === 'categorical' ? (one.values[0] as JsonValue) : one.min,
    ]),
  )
  yield params
  for (const dimension of dimensions) {
    if (dimension.kind === 'numeric') continue
    for (const value of dimension.values) {
      params[dimension.name] = value
      yield params
    }
    params[dimension.name] = dimension.values[0] as JsonValue
  }
}

/** Values to be tried in full: the first trials, and both ends of every range and every value of a list in the first one. */
export function listProbes(sweep: ResolvedSweep): TrialParams[] {
  const { space, seed, constraints, initialPoints } = sweep
  if (sweep.method === 'grid') return spread(listGrid(sweep), PROBES_OF_GRID)
  const draws = Array.from(
    { length: Math.min(PROBED_TRIALS, sweep.maxTrials) },
    (_, trialIndex) => {
      const given = initialPoints[trialIndex] ?? {}
      return drawParams({ seed, trialIndex, space, constraints, given })
    },
  ).filter((params) => params !== null)
  const [first] = draws
  if (first === undefined) return []
  const ends = space.dimensions
    .flatMap((dimension) => {
      const needed = needsOf(dimension, space)
      return extremesOf(dimension).map(([value]) => {
        const given = { ...first, ...needed, [dimension.name]: value }
        return drawOnce({ seed, trialIndex: 0, space, given })
      })
    })
    .filter((params) => isAllowed(constraints, params))
  return [...draws, ...ends]
}

function spread<Item>(items: readonly Item[], count: number): Item[] {
  if (items.length <= count) return [...items]
  return Array.from(
    { length: count },
    (_, i) => items[Math.floor((i * items.length) / count)] as Item,
  )
}
