/** From a base specification and the values of one trial to the specification of its job. */
import {
  type FieldError,
  type JobSpec,
  jobSpecSchema,
  type SweepSpec,
  type TrialParams,
} from '@trainyard/contracts'
import { escapePointer } from './escape-pointer.ts'
import type { JsonValue } from './space.ts'

type Json = { [key: string]: JsonValue }
type Issue = {
  code?: string | undefined
  path: PropertyKey[]
  message: string
  keys?: string[]
  errors?: Issue[][]
}

/** Fields that may differ between trials: what is left is what makes their results comparable. */
const SWEPT = /^(model|training|preprocessing)\.|^seed$/

export function isSweepable(path: string): boolean {
  return SWEPT.test(path) && !path.split('.').some((part) => part === '' || part === '__proto__')
}

/** The base with the values put in, not yet checked. */
export function putParams(base: SweepSpec['base'], datasetId: string, params: TrialParams): Json {
  const document: Json = { ...(base as Json), dataset_id: datasetId }
  // A field before what lies within it.
  const paths = Object.keys(params).toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))
  for (const path of paths) put(document, path.split('.'), params[path] as JsonValue)
  const optimizer = (document.training as Json | undefined)?.optimizer as Json | undefined
  // The type that a job without one has.
  if (optimizer !== undefined && optimizer !== null && optimizer.type === undefined) {
    const training = document.training as Json
    training.optimizer = { type: 'adam', ...optimizer }
  }
  return document
}

/** A fault of a job's specification, at its place in the sweep's. */
export interface JobSpecFault extends FieldError {
  pointer: string
  /** There is no such field, whatever its value. */
  isUnknown: boolean
}

/** The job's specification, or its faults by the parameter they come from. */
export function toJobSpec(
  base: SweepSpec['base'],
  datasetId: string,
  params: TrialParams,
): { spec: JobSpec } | { faults: JobSpecFault[] } {
  const document = putParams(base, datasetId, params)
  const result = jobSpecSchema.safeParse(document)
  if (result.success) return { spec: result.data }
  const names = Object.keys(params)
  const faults = result.error.issues
    .flatMap((issue) => flatten(issue as Issue))
    .map(({ path, detail, isUnknown }) => ({
      pointer: placeFault(names, path),
      detail: isUnknown ? detail : `${detail}${given(document, path)}`,
      isUnknown,
    }))
  return { faults }
}

/** What stands at the place of a fault, if it is short enough to be said. */
function given(document: Json, path: readonly string[]): string {
  let value: JsonValue | undefined = document
  for (const key of path) {
    const isInside: boolean =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    value = isInside ? (value as Json)[key] : undefined
  }
  const isShort = typeof value === 'number' || (typeof value === 'string' && value.length <= 60)
  return isShort ? `, got ${JSON.stringify(value)}` : ''
}

/** Where a fault of a job's specification (path of its place) stands in the sweep's. */
export function placeFault(names: readonly string[], path: readonly string[]): string {
  const place = path.join('.')
  const within = (inner: string, outer: string) => inner === outer || inner.startsWith(`${outer}.`)
  const owner =
    names.filter((name) => within(place, name)).toSorted((a, b) => b.length - a.length)[0] ??
    names.find((name) => within(name, place))
  if (owner !== undefined) return `#/parameters/${escapePointer(owner)}`
  return ['#/base', ...path.map(escapePointer)].join('/')
}

/** The same for a pointer into the job's specification. */
export function placePointer(names: readonly string[], pointer: string | undefined): string {
  const path = (pointer ?? '#').split('/').slice(1)
  return placeFault(
    names,
    path.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~')),
  )
}

function put(document: Json, path: readonly string[], value: JsonValue): void {
  const [key = '', ...rest] = path
  if (rest.length === 0) {
    document[key] = value
    return
  }
  const before = Object.hasOwn(document, key) ? document[key] : undefined
  // Copied on the way: the base is every trial's. A list that has no such entry is one no more, and refused as that.
  const hasEntry = Array.isArray(before) && Object.keys(before).includes(rest[0] as string)
  const inner = (
    hasEntry ? [...before] : typeof before === 'object' && before !== null ? { ...before } : {}
  ) as Json
  document[key] = inner
  put(inner, rest, value)
}

interface Flat {
  path: string[]
  detail: string
  isUnknown: boolean
}

/** Of a union, the faults of the alternative that fits furthest. */
function flatten(issue: Issue, before: string[] = []): Flat[] {
  const path = [...before, ...issue.path.map(String)]
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).map((key) => ({
      path: [...path, key],
      detail: `there is no field "${[...path, key].join('.')}"`,
      isUnknown: true,
    }))
  }
  const branches = (issue.errors ?? []).map((errors) => errors.flatMap((one) => flatten(one, path)))
  const depth = (faults: Flat[]) => Math.max(0, ...faults.map((fault) => fault.path.length))
  const deepest = branches.toSorted((a, b) => depth(b) - depth(a))[0]
  if (deepest !== undefined && depth(deepest) > path.length) return deepest
  return [{ path, detail: issue.message, isUnknown: false }]
}
