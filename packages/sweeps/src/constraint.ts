/**
 * Conditions between parameters, such as `sum(hidden) <= 512 and learning_rate < 0.1`. The grammar is all there is, and
 * nothing is evaluated as code:
 *
 *     or         = and { "or" and }
 *     and        = not { "and" not }
 *     not        = "not" not | comparison
 *     comparison = sum [ ("<=" | "<" | ">=" | ">" | "==" | "!=") sum ]
 *     sum        = product { ("+" | "-") product }
 *     product    = signed { ("*" | "/") signed }
 *     signed     = "-" signed | atom
 *     atom       = number | text | name | function "(" or { "," or } ")" | "(" or ")"
 *
 * A name is a parameter's path or the end of one. The engine's grammar (`trace`) has no comparisons, lists or paths.
 */
import type { TrialParams } from '@trainyard/contracts'
import { exp, log } from '@trainyard/engine/random'
import { findParameter, type JsonValue } from './space.ts'

export interface Constraint {
  text: string
  /** null where a parameter that it names is not there: then it says nothing about the trial. */
  evaluate(params: TrialParams): boolean | null
}

/** The text is no constraint; `message` says at which column. */
export class ConstraintError extends Error {
  override readonly name = 'ConstraintError'
}

type Value = number | string | boolean | readonly JsonValue[]
/** undefined: something it needs is not there. */
type Evaluate = (params: TrialParams) => Value | undefined

const DEPTH_MAX = 50
const TOKEN =
  /\s*(?:(?<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?<name>[A-Za-z_][\w]*(?:\.\w+)*)|(?<text>'[^']*'|"[^"]*")|(?<sign><=|>=|==|!=|&&|\|\||[-+*/(),<>!])|(?<end>$))/y

const FUNCTIONS: Record<string, (values: readonly Value[]) => Value> = {
  sum: (values) => numbersOf(values).reduce((a, b) => a + b, 0),
  min: (values) => Math.min(...numbersOf(values)),
  max: (values) => Math.max(...numbersOf(values)),
  len: (values) => (Array.isArray(values[0]) ? values[0].length : wrong('len takes a list')),
  abs: ([value]) => Math.abs(toNumber(value)),
  sqrt: ([value]) => Math.sqrt(toNumber(value)),
  log: ([value]) => log(toNumber(value)),
  exp: ([value]) => exp(toNumber(value)),
}

/** Whether all hold; one that says nothing does. */
export function isAllowed(constraints: readonly Constraint[], params: TrialParams): boolean {
  return constraints.every((constraint) => constraint.evaluate(params) !== false)
}

/** `names` are the parameters, `base` finds the value of another field of the base specification. Throws ConstraintError. */
export function parseConstraint(
  source: string,
  names: readonly string[],
  base: (path: string) => JsonValue | undefined = () => undefined,
): Constraint {
  let position = 0
  let depth = 0
  let token = read()
  const evaluate = parseOr()
  if (token.kind !== 'end') fail('expected an operator or the end')
  return {
    text: source,
    evaluate(params) {
      const value = evaluate(params)
      if (value === undefined) return null
      if (typeof value !== 'boolean') {
        throw new ConstraintError('is neither true nor false: it must compare something')
      }
      return value
    },
  }

  function read(): { kind: string; text: string; start: number } {
    TOKEN.lastIndex = position
    const match = TOKEN.exec(source)
    if (match?.groups === undefined) {
      throw new ConstraintError(
        `column ${position + 1}: ${JSON.stringify(source.slice(position, position + 10))} has no meaning here`,
      )
    }
    const [kind, text] = Object.entries(match.groups).find(([, one]) => one !== undefined) as [
      string,
      string,
    ]
    position = TOKEN.lastIndex
    return { kind, text, start: position - text.length }
  }

  function take() {
    const taken = token
    token = read()
    return taken
  }

  function fail(message: string): never {
    const found = token.kind === 'end' ? 'the text ends' : `got ${JSON.stringify(token.text)}`
    throw new ConstraintError(`column ${token.start + 1}: ${message}, ${found}`)
  }

  function nested(parse: () => Evaluate): Evaluate {
    depth += 1
    if (depth > DEPTH_MAX) fail(`nested more than ${DEPTH_MAX} levels deep`)
    const parsed = parse()
    depth -= 1
    return parsed
  }

  function is(...texts: string[]): boolean {
    return (token.kind === 'sign' || token.kind === 'name') && texts.includes(token.text)
  }

  function parseOr(): Evaluate {
    let left = parseAnd()
    while (is('or', '||')) {
      take()
      const [a, b] = [left, parseAnd()]
      left = (params) => both(toTruth(a(params)), toTruth(b(params)), (x, y) => x || y)
    }
    return left
  }

  function parseAnd(): Evaluate {
    let left = parseNot()
    while (is('and', '&&')) {
      take()
      const [a, b] = [left, parseNot()]
      left = (params) => both(toTruth(a(params)), toTruth(b(params)), (x, y) => x && y)
    }
    return left
  }

  function parseNot(): Evaluate {
    if (!is('not', '!')) return parseComparison()
    take()
    const inner = nested(parseNot)
    return (params) => {
      const value = inner(params)
      return value === undefined ? undefined : !toBoolean(value)
    }
  }

  function parseComparison(): Evaluate {
    const left = parseSum()
    if (!is('<=', '<', '>=', '>', '==', '!=')) return left
    const { text } = take()
    const right = parseSum()
    return (params) => both(left(params), right(params), (a, b) => compare(text, a, b))
  }

  function parseSum(): Evaluate {
    let left = parseProduct()
    while (is('+', '-')) {
      const isMinus = take().text === '-'
      const [a, b] = [left, parseProduct()]
      left = (params) =>
        both(a(params), b(params), (x, y) => toNumber(x) + (isMinus ? -1 : 1) * toNumber(y))
    }
    return left
  }

  function parseProduct(): Evaluate {
    let left = parseSigned()
    while (is('*', '/')) {
      const isDivision = take().text === '/'
      const [a, b] = [left, parseSigned()]
      left = (params) =>
        both(a(params), b(params), (x, y) =>
          isDivision ? toNumber(x) / toNumber(y) : toNumber(x) * toNumber(y),
        )
    }
    return left
  }

  function parseSigned(): Evaluate {
    if (!is('-')) return parseAtom()
    take()
    const inner = nested(parseSigned)
    return (params) => {
      const value = inner(params)
      return value === undefined ? undefined : -toNumber(value)
    }
  }

  function parseAtom(): Evaluate {
    if (token.kind === 'number') {
      const value = Number(take().text)
      return () => value
    }
    if (token.kind === 'text') {
      const value = take().text.slice(1, -1)
      return () => value
    }
    if (is('(')) {
      take()
      const inner = nested(parseOr)
      if (!is(')')) fail('expected ")"')
      take()
      return inner
    }
    if (token.kind !== 'name') fail('expected a number, a parameter, a function or "("')
    const { text, start } = take()
    if (text === 'true' || text === 'false') return () => text === 'true'
    if (is('(')) return parseCall(text, start)
    return toLookup(text, start)
  }

  function parseCall(text: string, start: number): Evaluate {
    const apply = Object.hasOwn(FUNCTIONS, text) ? FUNCTIONS[text] : undefined
    if (apply === undefined) {
      throw new ConstraintError(
        `column ${start + 1}: "${text}" is no function; there are ${Object.keys(FUNCTIONS).join(', ')}`,
      )
    }
    take()
    const given = [nested(parseOr)]
    while (is(',')) {
      take()
      given.push(nested(parseOr))
    }
    if (!is(')')) fail('expected ")"')
    take()
    return (params) => {
      const values = given.map((one) => one(params))
      return values.includes(undefined) ? undefined : apply(values as Value[])
    }
  }

  function toLookup(text: string, start: number): Evaluate {
    const parameter = findParameter(names, text)
    if (parameter !== null) return (params) => params[parameter] as Value | undefined
    const fixed = base(text)
    if (fixed !== undefined) return () => fixed as Value
    throw new ConstraintError(
      `column ${start + 1}: "${text}" is not a parameter of this sweep and not a field of its base`,
    )
  }
}

function both(
  a: Value | undefined,
  b: Value | undefined,
  apply: (a: Value, b: Value) => Value,
): Value | undefined {
  return a === undefined || b === undefined ? undefined : apply(a, b)
}

function compare(operator: string, a: Value, b: Value): boolean {
  switch (operator) {
    case '==':
      return JSON.stringify(a) === JSON.stringify(b)
    case '!=':
      return JSON.stringify(a) !== JSON.stringify(b)
    case '<=':
      return toNumber(a) <= toNumber(b)
    case '<':
      return toNumber(a) < toNumber(b)
    case '>=':
      return toNumber(a) >= toNumber(b)
    default:
      return toNumber(a) > toNumber(b)
  }
}

/** Of a list of layers, their units. */
function numbersOf(values: readonly Value[]): number[] {
  return values.flatMap((value) =>
    Array.isArray(value) ? value.map(toNumber) : [toNumber(value as Value)],
  )
}

function toNumber(value: unknown): number {
  if (typeof value === 'number') return value
  const units = (value as { units?: unknown } | null | undefined)?.units
  return typeof units === 'number' ? units : wrong(`${JSON.stringify(value)} is not a number`)
}

function toBoolean(value: Value): boolean {
  return typeof value === 'boolean'
    ? value
    : wrong(`${JSON.stringify(value)} is neither true nor false`)
}

/** Both sides of `or` and `and` are looked at: what cannot be evaluated shall not hide behind the values of others. */
function toTruth(value: Value | undefined): boolean | undefined {
  return value === undefined ? undefined : toBoolean(value)
}

function wrong(message: string): never {
  throw new ConstraintError(message)
}
