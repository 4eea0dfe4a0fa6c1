import {
  jobEvaluationSchema,
  jobParamsSchema,
  readEvaluationQuerySchema,
} from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { EvaluateJob } from '../../../use-cases/evaluate-job.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Judge the weights of a job on the rows that did not train them',
  description:
    'Computed from the stored weights (`which`, default `best`) and the rows of the split: confusion, precision, recall, F1, top-k, ROC and PR AUC, calibration and log loss of a classification; residuals and r² of a regression. By the definitions of scikit-learn, shares of nothing being 0.',
  params: jobParamsSchema,
  querystring: readEvaluationQuerySchema,
  response: { 200: jobEvaluationSchema, ...problemResponses },
}

export function addReadEvaluation(app: App, { evaluateJob }: { evaluateJob: EvaluateJob }): void {
  app.get('/v1/jobs/:id/evaluation', { schema }, ({ principal, params, query }) =>
    evaluateJob(principal.projectId, params.id, query.which ?? 'best'),
  )
}
