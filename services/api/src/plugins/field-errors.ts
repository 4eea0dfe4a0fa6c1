/**
 * From zod's issues to the faults of a problem document: each with its place, the value that was sent and the bound it
 * breaks. Unions are unfolded: a caller who misspelt one field of the second form is told about that field, and not that
 * nothing fitted.
 */
import type { FieldError } from '@trainyard/contracts'
import type { z } from 'zod'

export type RequestPart = 'body' | 'query'

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/** More faults than this help nobody. */
const FAULTS_MAX = 100
const VALUE_LENGTH_MAX = 60

export function toFieldErrors(
  issues: readonly Issue[],
  input: unknown,
  part: RequestPart,
): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const issue of issues.slice(0, FAULTS_MAX)) {
    for (const fault of unfold(issue, [], input).slice(0, FAULTS_MAX)) {
      const place = part === 'body' ? toPointer(fault.path) : fault.path.map(String).join('.')
      // A bound inside another bound says the same thing twice.
      if (seen.has(place) || errors.length >= FAULTS_MAX) continue
      seen.add(place)
      errors.push(
        part === 'body'
          ? { detail: fault.detail, pointer: place }
          : { detail: fault.detail, parameter: place },
      )
    }
  }
  return errors
}

/** RFC 6901 as a URI fragment. */
export function toPointer(path: Path): string {
  return `#${path.map((part) => `/${escapePart(String(part))}`).join('')}`
}

interface Fault {
  path: Path
  detail: string
}

function escapePart(part: string): string {
  return encodeURIComponent(part.toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1'))
}

function unfold(issue: Issue, base: Path, input: unknown): Fault[] {
  const path = [...base, ...issue.path]
  const value = valueAt(input, path)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys
        .slice(0, FAULTS_MAX)
        .map((key) => ({ path: [...path, key], detail: 'is not a known field' }))
    case 'invalid_union':
      return unfoldUnion(issue, path, input)
    case 'invalid_key':
      return issue.issues.map((inner) => ({
        path,
        detail: `the name ${describe(inner, path.at(-1))}`,
      }))
    default:
      return [{ path, detail: describe(issue, value) }]
  }
}

function unfoldUnion(
  issue: Issue & { code: 'invalid_union' },
  path: Path,
  input: unknown,
): Fault[] {
  const value = valueAt(input, path)
  if (issue.errors.length === 0) {
    const options = 'options' in issue && Array.isArray(issue.options) ? issue.options : []
    return [{ path, detail: oneOf(options, value) }]
  }
  // A branch that fails at its root is a form the caller did not mean, as long as another one got further.
  const meant = issue.errors.filter((branch) => !branch.some(failsAtRoot))
  const branches = meant.length > 0 ? meant : issue.errors.filter((branch) => branch.some(isKind))
  const best = branches.toSorted((a, b) => weigh(a) - weigh(b))[0]
  if (meant.length > 0 && best !== undefined) {
    return best.flatMap((inner) => unfold(inner, path, input))
  }
  if (value === undefined) return [{ path, detail: 'is required' }]
  const forms = issue.errors.flatMap((branch) => branch.filter(failsAtRoot).map(formOf))
  return [{ path, detail: `must be ${joinWithOr([...new Set(forms)])}, got ${quote(value)}` }]
}

function failsAtRoot(issue: Issue): boolean {
  return issue.path.length === 0 && isKind(issue)
}

function isKind(issue: Issue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value'
}

/** Unknown and absent fields are what tells that a form was not meant; a bad value in a known field was. */
function weigh(branch: readonly Issue[]): number {
  return branch.reduce((sum, issue) => {
    if (issue.code === 'unrecognized_keys') return sum + 10 * issue.keys.length
    return sum + (issue.message.includes('received undefined') ? 3 : 1)
  }, 0)
}

function formOf(issue: Issue): string {
  if (issue.code === 'invalid_value') return joinWithOr(issue.values.map((value) => quote(value)))
  if (issue.code === 'invalid_type') return kindName(issue.expected)
  return issue.message
}

function describe(issue: Issue, value: unknown): string {
  if (value === undefined && issue.code !== 'custom') return 'is required'
  switch (issue.code) {
    case 'invalid_type':
      return typeof value === 'number' && !Number.isFinite(value)
        ? `must be a finite number, got ${value}`
        : `must be ${kindName(issue.expected)}, got ${quote(value)}`
    case 'invalid_value':
      return oneOf(issue.values, value)
    case 'too_big':
      return `must ${bound(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum)}, got ${size(issue.origin, value)}`
    case 'too_small':
      return `must ${bound(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum)}, got ${size(issue.origin, value)}`
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}, got ${quote(value)}`
    case 'invalid_format':
      return issue.message.startsWith('Invalid')
        ? `must be a valid ${issue.format}, got ${quote(value)}`
        : issue.message
    case 'custom':
      return issue.message
    default:
      return `is not valid: ${quote(value)}`
  }
}

function bound(origin: string, relation: string, limit: number | bigint): string {
  if (origin === 'string') return `have ${relation} ${limit} characters`
  if (origin === 'array' || origin === 'set') return `hold ${relation} ${limit} items`
  return `be ${relation} ${limit}`
}

function size(origin: string, value: unknown): string {
  const isSized = (origin === 'string' && typeof value === 'string') || Array.isArray(value)
  return isSized ? String(value.length) : quote(value)
}

function oneOf(values: readonly unknown[], value: unknown): string {
  const allowed = joinWithOr(values.map((option) => quote(option)))
  return value === undefined ? `is required: ${allowed}` : `must be ${allowed}, got ${quote(value)}`
}

const KIND_NAMES: Record<string, string> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a string',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  record: 'an object',
  null: 'null',
}

function kindName(expected: string): string {
  return KIND_NAMES[expected] ?? `a ${expected}`
}

/** The value as it may stand in a sentence: short, and large ones only by their kind. */
function quote(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value)
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text
}

function joinWithOr(parts: readonly string[]): string {
  if (parts.length <= 1) return parts[0] ?? 'something else'
  return `${parts.slice(0, -1).join(', ')} or ${parts.at(-1)}`
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<PropertyKey, unknown>)[part]
  }
  return value
}
