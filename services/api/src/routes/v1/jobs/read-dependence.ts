import { dependenceSchema, jobParamsSchema, readDependenceQuerySchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { ExplainJob } from '../../../use-cases/explain-job.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Ask how the prediction depends on a column',
  description:
    'Partial dependence: the mean prediction when one column has the same value in every row, for at most 20 values of those that occur, or the 50 most frequent levels. At most 2,000 rows, drawn by the seed of the job.',
  params: jobParamsSchema,
  querystring: readDependenceQuerySchema,
  response: { 200: dependenceSchema, ...problemResponses },
}

export function addReadDependence(
  app: App,
  { explainJob }: { explainJob: Pick<ExplainJob, 'dependence'> },
): void {
  app.get('/v1/jobs/:id/dependence', { schema }, ({ principal, params, query }) =>
    explainJob.dependence(principal.projectId, params.id, {
      which: query.which ?? 'best',
      column: query.column,
    }),
  )
}
