import type { ExpressionTrace, FieldError, TraceExpressionBody } from '@trainyard/contracts'
import { ExpressionError, type TracedNode, traceExpression } from '@trainyard/engine'
import { toPointer } from '../plugins/field-errors.ts'

/** Of a node; the texts of a long chain would add up. */
const TEXT_LENGTH_MAX = 60
/** More faults than this help nobody. */
const FAULTS_MAX = 100

export function answerExpression({
  expression,
  variables = {},
}: TraceExpressionBody): { body: ExpressionTrace } | { errors: FieldError[] } {
  try {
    return { body: toBody(traceExpression(expression, new Map(Object.entries(variables)))) }
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    return { errors: error.faults.slice(0, FAULTS_MAX).map(toFieldError) }
  }
}

function toBody(nodes: readonly TracedNode[]): ExpressionTrace {
  const variables = nodes.filter(({ op }) => op === 'variable')
  return {
    object: 'trace',
    value: nodes.at(-1)?.value ?? null,
    nodes: nodes.map(({ op, inputs, text, value, gradient, slopes }, id) => ({
      ...{ id, op, inputs: [...inputs], text: shorten(text), value, gradient },
      local_gradients: [...slopes],
    })),
    gradients: Object.fromEntries(variables.map(({ text, gradient }) => [text, gradient])),
  }
}

function toFieldError({
  message,
  column,
  variable,
}: ExpressionError['faults'][number]): FieldError {
  // A variable that is not used has a place in the body; whatever else is wrong has a column.
  const unused = column === null && variable !== null
  const pointer = unused ? toPointer(['variables', variable]) : '#/expression'
  return { pointer, detail: message }
}

function shorten(text: string): string {
  return text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}…` : text
}
