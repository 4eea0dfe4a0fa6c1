import { inputGradientBodySchema, inputGradientSchema, jobParamsSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { ExplainJob } from '../../../use-cases/explain-job.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Ask which way a prediction would move',
  description:
    'The gradient of every logit (of a regression: of the value) by every input, at one raw record, in float64.',
  params: jobParamsSchema,
  body: inputGradientBodySchema,
  response: { 200: inputGradientSchema, ...problemResponses },
}

export function addComputeInputGradient(
  app: App,
  { explainJob }: { explainJob: Pick<ExplainJob, 'inputGradient'> },
): void {
  app.post('/v1/jobs/:id/input_gradient', { schema }, ({ principal, params, body }) =>
    explainJob.inputGradient(principal.projectId, params.id, {
      which: body.which ?? 'best',
      record: body.record,
    }),
  )
}
