/** What is tried with values drawn before a sweep is accepted: whether jobs take them, and what the constraints leave. */
import type { FieldError, TrialParams } from '@trainyard/contracts'
import { ConstraintError, isAllowed } from './constraint.ts'
import { drawOnce, drawParams } from './draw-params.ts'
import { escapePointer } from './escape-pointer.ts'
import { toJobSpec } from './job-spec-of.ts'
import type { ResolvedSweep } from './resolve-sweep.ts'
import type { JsonValue } from './space.ts'
import { listGrid } from './strategies/grid.ts'

/** So many trials are drawn to see whether the constraints leave anything. */
const SAMPLES = 20
/** Of these many first trials the configurations are tried in full. */
const PROBED_TRIALS = 16
/** Spread over all points of a grid. */
const PROBES_OF_GRID = 64

/** Every value that can be checked by itself is put into the first trial: what the job's schema refuses is a fault of the parameter. */
export function tryValues(sweep: ResolvedSweep): FieldError[] {
  const { space, seed, base, datasetId } = sweep
  const faults = new Map<string, FieldError>()
  const note = (fault: FieldError) => faults.set(`${fault.pointer} ${fault.detail}`, fault)
  const first = drawOnce({ seed, trialIndex: 0, space })
  const check = (params: TrialParams, name: string | null, place: string) => {
    const result = toJobSpec(base, datasetId, params)
    if (!('faults' in result)) return
    for (const fault of result.faults) {
      const own = name === null ? null : `#/parameters/${escapePointer(name)}`
      const { pointer, detail, isUnknown } = fault
      if (pointer === own) note({ pointer: isUnknown ? own : `${own}${place}`, detail })
      else if (own === null || pointer.startsWith('#/base')) note({ pointer, detail })
    }
  }
  for (const dimension of space.dimensions) {
    const { name } = dimension
    const candidates: [JsonValue, string][] =
      dimension.kind === 'categorical'
        ? dimension.values.map((value, i) => [
            value,
            dimension.values.length === 1 ? '' : `/values/${i}`,
          ])
        : [
            [dimension.min, dimension.normal === null ? '/min' : '/mu'],
            [dimension.max, dimension.normal === null ? '/max' : '/mu'],
          ]
    for (const [value, place] of candidates) check({ ...first, [name]: value }, name, place)
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

/** Finds constraints that cannot be evaluated, refuse an initial point, or refuse everything. */
export function tryConstraints(sweep: ResolvedSweep): FieldError[] {
  const { constraints, space, seed, initialPoints } = sweep
  const faults: FieldError[] = []
  constraints.forEach((constraint, i) => {
    const pointer = `#/constraints/${i}`
    try {
      for (let trialIndex = 0; trialIndex < SAMPLES; trialIndex++) {
        constraint.evaluate(drawOnce({ seed, trialIndex, space }))
      }
      initialPoints.forEach((given, trialIndex) => {
        if (constraint.evaluate(drawOnce({ seed, trialIndex, space, given })) === false) {
          faults.push({
            pointer: `#/initial_points/${trialIndex}`,
            detail: `breaks the constraint ${constraint.text}`,
          })
        }
      })
    } catch (error) {
      if (!(error instanceof ConstraintError)) throw error
      faults.push({ pointer, detail: error.message })
    }
  })
  if (faults.length > 0 || constraints.length === 0 || sweep.method === 'grid') return faults
  for (let trialIndex = 0; trialIndex < SAMPLES; trialIndex++) {
    if (drawParams({ seed, trialIndex, space, constraints }) !== null) return faults
  }
  const detail = `together they refuse everything: ${SAMPLES} trials of 1000 draws each had none that is allowed`
  return [...faults, { pointer: '#/constraints', detail }]
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
    .filter(({ name }) => name in first)
    .flatMap((dimension) => {
      const values =
        dimension.kind === 'categorical' ? dimension.values : [dimension.min, dimension.max]
      return values.map((value): TrialParams => ({ ...first, [dimension.name]: value }))
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
