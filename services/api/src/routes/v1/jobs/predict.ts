import { jobParamsSchema, predictBodySchema, predictionSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { Predict } from '../../../use-cases/predict.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Predict with the weights of a job',
  description: 'Records are raw, as in the data set; the preprocessing travels with the weights.',
  params: jobParamsSchema,
  body: predictBodySchema,
  response: { 200: predictionSchema, ...problemResponses },
}

export function addPredict(app: App, { predict }: { predict: Predict }): void {
  app.post('/v1/jobs/:id/predict', { schema }, ({ principal, params, body }) =>
    predict(principal.projectId, params.id, body),
  )
}
