import { OPERATIONS } from './operations.ts'
import {
  ExpressionError,
  type ExpressionFault,
  type Graph,
  type GraphNode,
  parseExpression,
} from './parse-expression.ts'

export interface TracedNode extends GraphNode {
  value: number
  /** ∂expression/∂node: over all nodes that use it, their gradient times their slope here, added up. */
  gradient: number
  /** ∂node/∂input of each input. */
  slopes: readonly number[]
}

/**
 * Value and gradient of every node of an expression, by the chain rule from the end, where the gradient is 1. What is not
 * a finite number is the result that float64 gives. Throws ExpressionError for a text that is no expression, for variables
 * without a value and for values without a use.
 */
export function traceExpression(
  source: string,
  variables: ReadonlyMap<string, number>,
): TracedNode[] {
  const graph = parseExpression(source)
  assertVariables(graph, variables)
  const nodes: TracedNode[] = []
  for (const node of graph.nodes) nodes.push(evaluate(node, nodes, variables))
  const last = nodes.at(-1) as TracedNode
  last.gradient = 1
  for (const { inputs, slopes, gradient } of nodes.toReversed()) {
    for (const [i, input] of inputs.entries()) {
      const below = nodes[input] as TracedNode
      below.gradient += gradient * (slopes[i] as number)
    }
  }
  return nodes
}

function evaluate(
  node: GraphNode,
  earlier: readonly TracedNode[],
  variables: ReadonlyMap<string, number>,
): TracedNode {
  const { op, inputs, text } = node
  if (op === 'number') return { ...node, value: Number(text), gradient: 0, slopes: [] }
  if (op === 'variable') {
    return { ...node, value: variables.get(text) as number, gradient: 0, slopes: [] }
  }
  const { value: apply, slopes } = OPERATIONS[op]
  const [a = 0, b = 0] = inputs.map((input) => earlier[input]?.value)
  const value = apply(a, b)
  return { ...node, value, gradient: 0, slopes: slopes(a, b, value).slice(0, inputs.length) }
}

function assertVariables({ columns }: Graph, variables: ReadonlyMap<string, number>): void {
  const faults: ExpressionFault[] = []
  for (const [variable, column] of columns) {
    if (variables.has(variable)) continue
    const message = `column ${column}: the variable "${variable}" has no value`
    faults.push({ message, column, variable })
  }
  for (const variable of variables.keys()) {
    if (columns.has(variable)) continue
    const message = `the expression does not use "${variable}"`
    faults.push({ message, column: null, variable })
  }
  if (faults.length > 0) throw new ExpressionError(faults)
}
