import { gradientCheckQuerySchema, gradientCheckSchema, jobSpecSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { CheckGradient } from '../../../use-cases/check-gradient.ts'
import { problemResponses } from '../problem-responses.ts'

const ROWS_DEFAULT = 8

const schema = {
  tags: ['Mathematics'],
  summary: 'Compare the gradient of a job with central differences',
  description:
    'The body is that of POST /v1/jobs. Nothing is stored: the job is resolved, its data prepared and its weights drawn as for training, and the gradient of its first rows by backpropagation is compared with the one by moving each parameter. Of large tensors entries are drawn by the seed.',
  querystring: gradientCheckQuerySchema,
  body: jobSpecSchema,
  response: { 200: gradientCheckSchema, ...problemResponses },
}

export function addCheckGradient(
  app: App,
  { checkGradient }: { checkGradient: CheckGradient },
): void {
  app.post('/v1/gradient_check', { schema }, ({ principal, body, query }) =>
    checkGradient(principal.projectId, body, { rows: query.rows ?? ROWS_DEFAULT }),
  )
}
