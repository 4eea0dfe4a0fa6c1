/**
 * From a text such as `max(x*y, z)` to a graph. The grammar is all there is: a text can name numbers, variables and the
 * functions below, and nothing is ever evaluated as code.
 *
 *     sum     = product { ("+" | "-") product }
 *     product = signed { ("*" | "/") signed }
 *     signed  = "-" signed | atom
 *     atom    = number | variable | function "(" sum { "," sum } ")" | "(" sum ")"
 */
import { OPERATIONS, type OperationName } from './operations.ts'

/** An operation on earlier nodes, a number of the text, or a variable. */
export interface GraphNode {
  op: OperationName | 'number' | 'variable'
  /** Indices of earlier nodes. */
  inputs: readonly number[]
  /** The part of the text that it stands for. */
  text: string
}

export interface Graph {
  /** Inputs before what uses them; the last is the whole expression. */
  nodes: readonly GraphNode[]
  /** Where a variable stands first, from 1. It has one node, however often it is used. */
  columns: ReadonlyMap<string, number>
}

export interface ExpressionFault {
  message: string
  /** Place in the text, from 1; null if the fault is a variable that the text does not use. */
  column: number | null
  /** The variable it is about. */
  variable: string | null
}

/** The text is no expression, or its variables do not fit. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
  readonly faults: readonly ExpressionFault[]

  constructor(faults: readonly ExpressionFault[]) {
    super(faults[0]?.message)
    this.faults = faults
  }
}

const NODES_MAX = 1000
/** Brackets, calls and signs within each other: recursion must not reach the end of the stack. */
const DEPTH_MAX = 100

const FUNCTIONS: ReadonlyMap<string, OperationName> = new Map(
  (['max', 'pow', 'exp', 'log', 'sin', 'sigmoid', 'tanh', 'relu'] as const).map((n) => [n, n]),
)
const SUMS: ReadonlyMap<string, OperationName> = new Map([
  ['+', 'add'],
  ['-', 'subtract'],
])
const PRODUCTS: ReadonlyMap<string, OperationName> = new Map([
  ['*', 'multiply'],
  ['/', 'divide'],
])

const SPACE = /[ \t\r\n]*/y
const TOKEN =
  /(?<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?<name>[A-Za-z_][A-Za-z0-9_]*)|(?<sign>[-+*/(),])/y

interface Token {
  kind: 'number' | 'name' | 'sign' | 'end'
  text: string
  start: number
}

/** A node and where its text begins. */
interface Operand {
  node: number
  start: number
}

/** Throws ExpressionError at the first place that cannot be read. */
export function parseExpression(source: string): Graph {
  const nodes: GraphNode[] = []
  const variables = new Map<string, number>()
  const columns = new Map<string, number>()
  let depth = 0
  /** Where the token before the next one ended. */
  let end = 0
  let next = readToken(source, 0)

  parseSum()
  if (next.kind !== 'end') throw unexpected('an operator or the end')
  return { nodes, columns }

  function parseSum(): Operand {
    return parseChain(SUMS, () => parseChain(PRODUCTS, parseSigned))
  }

  /** Operators of one rank, from left to right. */
  function parseChain(
    operators: ReadonlyMap<string, OperationName>,
    parseOperand: () => Operand,
  ): Operand {
    let left = parseOperand()
    for (;;) {
      const op = next.kind === 'sign' ? operators.get(next.text) : undefined
      if (op === undefined) return left
      take()
      const right = parseOperand()
      left = add(op, [left.node, right.node], left.start)
    }
  }

  function parseSigned(): Operand {
    if (!isSign('-')) return parseAtom()
    const { start } = take()
    const operand = nested(start, parseSigned)
    return add('negate', [operand.node], start)
  }

  function parseAtom(): Operand {
    if (next.kind === 'number') return parseNumber()
    if (next.kind === 'name') {
      const name = take()
      if (isSign('(')) return parseCall(name)
      return parseVariable(name)
    }
    if (!isSign('(')) throw unexpected('a number, a variable, a function or "("')
    const { start } = take()
    const { node } = nested(start, parseSum)
    expect(')')
    return { node, start }
  }

  function parseNumber(): Operand {
    const { text, start } = take()
    if (!Number.isFinite(Number(text))) throw refusal(`${quote(text)} is too large`, start)
    return add('number', [], start)
  }

  function parseVariable({ text, start }: Token): Operand {
    if (FUNCTIONS.has(text)) throw refusal(`expected "(" after the function ${text}`, end)
    const known = variables.get(text)
    if (known !== undefined) return { node: known, start }
    const variable = add('variable', [], start)
    variables.set(text, variable.node)
    columns.set(text, start + 1)
    return variable
  }

  function parseCall({ text, start }: Token): Operand {
    const op = FUNCTIONS.get(text)
    if (op === undefined) {
      const names = [...FUNCTIONS.keys()].join(', ')
      throw refusal(`${quote(text)} is no function; there are ${names}`, start)
    }
    expect('(')
    const inputs = [nested(start, parseSum).node]
    while (inputs.length < OPERATIONS[op].inputs) {
      expect(',')
      inputs.push(nested(start, parseSum).node)
    }
    expect(')')
    return add(op, inputs, start)
  }

  function add(op: GraphNode['op'], inputs: readonly number[], start: number): Operand {
    if (nodes.length >= NODES_MAX) throw refusal(`must have at most ${NODES_MAX} nodes`, start)
    nodes.push({ op, inputs, text: source.slice(start, end) })
    return { node: nodes.length - 1, start }
  }

  function nested(start: number, parse: () => Operand): Operand {
    if (depth >= DEPTH_MAX) throw refusal(`is nested more than ${DEPTH_MAX} levels deep`, start)
    depth += 1
    const operand = parse()
    depth -= 1
    return operand
  }

  function take(): Token {
    const token = next
    end = token.start + token.text.length
    next = readToken(source, end)
    return token
  }

  function isSign(sign: string): boolean {
    return next.kind === 'sign' && next.text === sign
  }

  function expect(sign: string): void {
    if (!isSign(sign)) throw unexpected(`"${sign}"`)
    take()
  }

  function unexpected(wanted: string): ExpressionError {
    const found = next.kind === 'end' ? 'the text ends' : `got ${quote(next.text)}`
    return refusal(`expected ${wanted}, ${found}`, next.start)
  }
}

function readToken(source: string, from: number): Token {
  SPACE.lastIndex = from
  SPACE.test(source)
  const start = SPACE.lastIndex
  if (start === source.length) return { kind: 'end', text: '', start }
  TOKEN.lastIndex = start
  const groups = TOKEN.exec(source)?.groups
  for (const kind of ['number', 'name', 'sign'] as const) {
    const text = groups?.[kind]
    if (text !== undefined) return { kind, text, start }
  }
  const character = String.fromCodePoint(source.codePointAt(start) ?? 0)
  throw refusal(`${quote(character)} has no meaning here`, start)
}

function refusal(message: string, start: number): ExpressionError {
  const column = start + 1
  return new ExpressionError([{ message: `column ${column}: ${message}`, column, variable: null }])
}

/** Short, as it may stand in a sentence. */
function quote(text: string): string {
  return JSON.stringify(text.length > 20 ? `${text.slice(0, 20)}…` : text)
}
