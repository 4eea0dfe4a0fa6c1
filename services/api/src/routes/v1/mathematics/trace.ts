import { traceBodySchema, traceSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { ComputeTrace } from '../../../use-cases/compute-trace.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Mathematics'],
  summary: 'Trace the forward and backward pass of one sample, or of an expression',
  description:
    "Every layer's z, a and δ with the gradients of its parameters, in float64, for a network written out, a job's weights or a registered model; or every node of an expression such as max(x*y, z) with its value and gradient. Dropout is off and batch normalization takes its running statistics as constants.",
  body: traceBodySchema,
  response: { 200: traceSchema, ...problemResponses },
}

export function addTrace(app: App, { computeTrace }: { computeTrace: ComputeTrace }): void {
  app.post('/v1/trace', { schema }, ({ principal, body }) =>
    computeTrace(principal.projectId, body),
  )
}
